"""Materials, patterns and colours that go together on a kind of product."""

from shop.seed.kinds import Kind

WOODS = ("oak", "walnut", "beech", "acacia")
#: (kind, shape) → its real materials; a shape not named takes any material of the kind.
MADE_OF = {
    ("jacket", "blazer"): ("wool",),
    ("jacket", "bomber"): ("nylon", "wool"),
    ("jacket", "parka"): ("nylon",),
    ("jacket", "trucker"): ("denim",),
    ("jacket", "puffer"): ("quilted",),
    ("trousers", "joggers"): ("jersey",),
    ("trousers", "straight"): ("denim", "cotton", "corduroy"),
    ("trousers", "tapered"): ("denim", "cotton", "linen"),
    ("trousers", "wide leg"): ("linen", "denim", "cotton"),
    ("trousers", "shorts"): ("cotton", "linen"),
    ("trainers", "runner"): ("mesh",),
    ("trainers", "low top"): ("leather", "canvas", "suede"),
    ("trainers", "high top"): ("canvas", "leather"),
    ("trainers", "slip-on"): ("canvas", "suede"),
    ("boots", "wellington"): ("leather",),
    ("backpack", "hiking"): ("nylon",),
    ("backpack", "roll top"): ("canvas", "nylon"),
    ("watch", "diver"): ("rubber", "stainless steel"),
    ("watch", "round"): ("leather", "stainless steel"),
    ("watch", "square"): ("leather",),
    ("watch", "chronograph"): ("leather", "stainless steel"),
    ("sunglasses", "aviator"): ("steel", "brass"),
    ("sunglasses", "wayfarer"): ("acetate",),
    ("sunglasses", "cat eye"): ("acetate",),
    ("hat", "beanie"): ("knit",),
    ("hat", "cap"): ("cotton",),
    ("hat", "fedora"): ("felt",),
    ("hat", "bucket"): ("canvas", "cotton"),
    ("scarf", "square"): ("silk",),
    ("scarf", "looped"): ("knit", "wool"),
    ("scarf", "folded"): ("wool", "cashmere"),
    ("scarf", "draped"): ("wool", "knit", "cashmere"),
    ("chair", "armchair"): ("velvet", "linen", "leather", "bouclé"),
    ("chair", "shell"): ("velvet", "leather", "bouclé"),
    ("chair", "spindle"): ("oak", "beech"),
    ("chair", "dining"): ("oak", "leather", "linen", "beech"),
    ("chair", "stool"): ("leather", "velvet", "oak"),
    ("sofa", "chesterfield"): ("velvet", "leather"),
    ("table", "desk"): ("oak", "walnut"),
    ("table", "dining"): WOODS,
    ("lamp", "table"): ("linen", "cotton"),
    ("lamp", "floor"): ("linen", "cotton"),
    ("lamp", "arc"): ("steel",),
    ("lamp", "desk"): ("steel",),
    ("lamp", "lantern"): ("steel",),
    ("pan", "frying"): ("aluminium", "stainless steel", "copper", "cast iron"),
    ("pan", "saucepan"): ("stainless steel", "copper", "enamel"),
    ("pan", "casserole"): ("enamel",),
    ("pan", "wok"): ("aluminium", "stainless steel"),
    ("pan", "grill"): ("cast iron",),
    ("mug", "enamel"): ("enamel",),
    ("mug", "straight"): ("stoneware", "ceramic"),
    ("mug", "tapered"): ("ceramic", "porcelain"),
    ("mug", "rounded"): ("stoneware", "porcelain"),
    ("mug", "espresso"): ("stoneware", "porcelain"),
    ("teapot", "round"): ("ceramic", "porcelain"),
    ("teapot", "tall"): ("ceramic", "porcelain"),
    ("teapot", "kettle"): ("stainless steel",),
    ("teapot", "cast iron"): ("cast iron",),
    ("building blocks", "studded"): ("plastic",),
    ("building blocks", "wooden"): ("beech",),
    ("building blocks", "castle"): ("beech",),
    ("building blocks", "arches"): ("beech",),
    ("speaker", "bookshelf"): ("walnut", "oak"),
    ("speaker", "portable"): ("plastic",),
    ("speaker", "cylinder"): ("plastic",),
    ("speaker", "soundbar"): ("plastic",),
    ("camera", "rangefinder"): ("leather",),
    ("camera", "slr"): ("leather",),
    ("camera", "compact"): ("aluminium", "plastic"),
    ("camera", "instant"): ("plastic",),
    ("tent", "bell"): ("canvas",),
    ("tent", "dome"): ("nylon",),
    ("tent", "tunnel"): ("nylon",),
}
#: Materials with a fixed colour.
OWN_COLOURS = {
    **{wood: (wood,) for wood in WOODS},
    "copper": ("copper",),
    "terracotta": ("terracotta",),
    "concrete": ("grey", "charcoal"),
    "cast iron": ("charcoal", "black"),
    "marble": ("white",),
    "denim": ("indigo", "navy", "black", "sky blue"),
}
PLAIN_ONLY = {
    "denim",
    "corduroy",
    "leather",
    "suede",
    "cashmere",
    "cast iron",
    "stainless steel",
    "stoneware",
}


def materials_for(kind: Kind, shape: str) -> tuple[str, ...]:
    return MADE_OF.get((kind.name, shape), kind.materials)


def patterns_for(kind: Kind, material: str) -> tuple[str, ...]:
    patterned = material not in PLAIN_ONLY or kind.name in (
        "water bottle",
        "plate set",
        "plant pot",
    )
    return kind.patterns if patterned else ("plain",)


def colours_for(kind: Kind, material: str) -> list[str]:
    """Return the colours in which the material is sold, for this kind."""
    if kind.name == "building blocks":
        return list(kind.colours)
    if material == "stainless steel" and kind.name in ("pan", "teapot", "watch"):
        return ["silver"]
    if material in OWN_COLOURS:
        return list(OWN_COLOURS[material])
    return [colour for colour in kind.colours if colour not in WOODS]
