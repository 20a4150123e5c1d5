"""Titles, descriptions and alternative texts of products."""

import random

from shop.seed.kinds import Kind

#: Materials that a title need not name.
UNSAID = {
    "jersey",
    "knit",
    "plush",
    "board",
    "plastic",
    "nylon",
    "wool pile",
    "stainless steel",
    "steel",
    "quilted",
    "acetate",
    "mesh",
}
IN_PROSE = {
    "knit": "lambswool",
    "wool pile": "wool",
    "board": "recycled board",
    "quilted": "recycled nylon",
}

MATERIAL_SAYS: dict[str, tuple[str, ...]] = {
    "cotton": (
        "The cotton is washed before cutting, so it will not shrink.",
        "Organic cotton, densely woven, with a dry and pleasant hand.",
    ),
    "linen": (
        "European linen, stonewashed until it drapes.",
        "The linen softens with every wash and dries within the hour.",
    ),
    "viscose": (
        "Fluid viscose falls softly and stays cool.",
        "The viscose comes from certified wood pulp.",
    ),
    "satin": (
        "Heavy satin with a low sheen catches the light without shouting.",
        "The satin is matt inside and smooth to the touch.",
    ),
    "denim": (
        "Twelve-ounce denim, dyed with indigo in small vats.",
        "The denim starts firm and fades where you do the living.",
    ),
    "wool": (
        "Spun from pure new wool that springs back from creases.",
        "The wool is soft, warm and naturally shy of water.",
    ),
    "jersey": (
        "Combed cotton jersey of a good medium weight.",
        "The jersey is organic cotton with a little stretch to it.",
    ),
    "poplin": (
        "Fine poplin, smooth and crisp, two-fold for strength.",
        "The poplin irons in a minute and breathes all day.",
    ),
    "corduroy": (
        "Fine-wale corduroy with a soft, even pile.",
        "The corduroy is brushed twice for depth of colour.",
    ),
    "knit": (
        "Knitted from lambswool in a clear stocking stitch.",
        "Lambswool, light and lofty, spun by a family mill.",
    ),
    "merino": (
        "Extra-fine merino that does not itch.",
        "Merino regulates warmth better than any thermostat.",
    ),
    "cashmere": (
        "Long-fibre cashmere, ribbed so that it clings a little and pills less.",
        "Two-ply cashmere in a soft rib.",
    ),
    "nylon": (
        "Recycled nylon with a ripstop grid sheds showers.",
        "The nylon is light, tough and quick to dry.",
    ),
    "quilted": (
        "Recycled nylon outside, recycled down-like fibre within.",
        "The quilting is light and packs down small.",
    ),
    "leather": (
        "Vegetable-tanned leather that darkens handsomely.",
        "Full-grain leather, left with its own markings.",
        "The leather is soft from the start and grows softer.",
    ),
    "suede": (
        "Calf suede with a short, even nap.",
        "The suede has been treated against rain and forgives the rest.",
    ),
    "canvas": (
        "Heavy cotton canvas, waxed lightly on the outside.",
        "Sixteen-ounce canvas, woven tight.",
    ),
    "mesh": (
        "An airy mesh knit from recycled yarn.",
        "The mesh lets heat out and keeps grit from coming in.",
    ),
    "stainless steel": (
        "Brushed stainless steel that takes knocks well.",
        "Stainless steel throughout, with nothing to rust.",
    ),
    "rubber": ("Natural rubber, supple and unbothered by water.",),
    "acetate": (
        "Cut from plant-based acetate and polished for days.",
        "The acetate frame is light and can be adjusted with warm hands.",
    ),
    "brass": ("Solid brass that will mellow with age.",),
    "steel": ("Powder-coated steel, thin and strong.", "A steel frame with a fine, even finish."),
    "felt": ("Blocked from thick wool felt.",),
    "silk": ("Printed silk twill with hand-rolled edges.",),
    "velvet": (
        "Dense cotton velvet that shifts in the light.",
        "The velvet is rated for heavy use and brushes clean.",
    ),
    "bouclé": ("Looped bouclé with a nubbly, generous texture.",),
    "oak": (
        "Solid oak from managed forests, oiled not varnished.",
        "The oak shows its grain and takes a knock with grace.",
    ),
    "walnut": (
        "Solid walnut, dark and even, finished with oil.",
        "Each piece of walnut was chosen for its figure.",
    ),
    "beech": (
        "Steam-bent beech, pale and close-grained.",
        "Beech is hard, light and pleasant to the hand.",
    ),
    "acacia": ("Acacia with lively stripes of light and dark.",),
    "marble": ("The marble has been sealed, and its veins are its own.",),
    "wool pile": (
        "Hand-tufted wool pile, dense and springy.",
        "Undyed and dyed wool is woven together for depth.",
    ),
    "jute": ("Braided jute, firm and naturally golden underneath.",),
    "terracotta": ("Unglazed terracotta lets roots breathe.",),
    "ceramic": (
        "Glazed ceramic with a soft shine.",
        "The ceramic is fired twice, and the glaze pools a little at the edges.",
    ),
    "stoneware": (
        "Speckled stoneware, fired hot and hard.",
        "The stoneware is glazed by dipping, which leaves a freckled edge.",
    ),
    "concrete": ("Cast concrete with small pores and a smooth face.",),
    "porcelain": (
        "Fine porcelain, thin at the lip and strong.",
        "White porcelain, translucent against the light.",
    ),
    "enamel": (
        "Two coats of vitreous enamel over steel.",
        "The enamel does not scratch and does not take on smells.",
    ),
    "aluminium": (
        "Forged aluminium, light in the hand.",
        "Anodised aluminium with a fine matt surface.",
    ),
    "copper": ("Copper outside for quick heat, steel within.",),
    "cast iron": (
        "Cast iron, seasoned and ready to use.",
        "Cast iron takes its time and then holds the heat.",
    ),
    "plush": (
        "Long, silky plush that survives the washing machine.",
        "The plush is made from recycled bottles, though nobody would guess.",
    ),
    "plastic": (
        "A shell of recycled plastic with a soft-touch finish.",
        "The casing is recycled plastic, held by screws so that it can be repaired.",
    ),
    "board": ("Sturdy grey board two millimetres thick.",),
}
CARE: dict[str, str] = {
    "wool": "Air it rather than wash it.",
    "merino": "Wash cool, dry flat.",
    "cashmere": "Hand wash and dry flat.",
    "knit": "Hand wash cool and dry flat.",
    "linen": "Wash at 40 °C and skip the iron.",
    "cotton": "Machine wash at 30 °C.",
    "denim": "Wash it seldom, inside out.",
    "jersey": "Machine wash at 40 °C.",
    "poplin": "Machine wash at 40 °C.",
    "viscose": "Wash cool on a gentle cycle.",
    "satin": "Wash cool and iron on the wrong side.",
    "silk": "Dry clean or hand wash cool.",
    "leather": "Feed the leather with a little balm each season.",
    "suede": "Brush it when dry.",
    "velvet": "Brush with the pile.",
    "cast iron": "Wipe clean, dry well and oil lightly.",
    "copper": "Wash by hand.",
    "oak": "Wipe with a damp cloth.",
    "walnut": "Keep out of strong sun.",
    "ceramic": "Safe in the dishwasher.",
    "stoneware": "Safe in the dishwasher.",
    "porcelain": "Safe in the dishwasher.",
    "plush": "Machine wash at 30 °C.",
}
PATTERN_SAYS: dict[str, tuple[str, ...]] = {
    "striped": (
        "Even stripes of {accent} run over {colour}.",
        "{Colour} and {accent} stripes, woven in.",
    ),
    "pinstripe": ("A fine {accent} pinstripe lengthens the line.",),
    "gingham": ("{Colour} and {accent} gingham, neat as a picnic.",),
    "tartan": ("The tartan crosses {colour} with {accent}.",),
    "windowpane check": ("A thin {accent} windowpane check is drawn over {colour}.",),
    "polka dot": ("{Accent} dots are scattered over a {colour} ground.",),
    "herringbone": ("A herringbone of {colour} and {accent} gives it depth up close.",),
    "chevron": ("Bold chevrons alternate {colour} and {accent}.",),
    "argyle": ("Argyle diamonds in {accent} sit on {colour}.",),
    "colour block": ("Two blocks of colour, {colour} over {accent}.",),
    "ombre": ("The {colour} fades slowly into {accent}.",),
    "Fair Isle": ("Bands of Fair Isle in {accent} are worked into the {colour}.",),
    "floral": (
        "{Accent} flowers grow all over the {colour} ground.",
        "The print shows loose {accent} blooms on {colour}.",
    ),
    "leaf print": ("Trailing {accent} leaves are printed on {colour}.",),
    "terrazzo": ("Chips of {accent} float in {colour} like terrazzo.",),
    "star print": ("Small {accent} stars dot the {colour}.",),
    "camouflage": ("Soft patches of {accent} break up the {colour}.",),
}
COLOUR_SAYS = (
    "Here in {colour}.",
    "This one is {colour}.",
    "{Colour} goes with more than you would think.",
    "In {colour} it is at its most versatile.",
    "The {colour} is deep and even.",
    "Shown in {colour}.",
)


def title(kind: Kind, model: str, look, noun: str) -> str:
    """ "Marlow striped linen shirt in navy"."""
    words = [model]
    if look.pattern != "plain":
        words.append(look.pattern)
    if look.material not in UNSAID and look.material not in noun:
        words.append(IN_PROSE.get(look.material, look.material))
    words.append(noun)
    name = " ".join(words)
    return name if look.colour == look.material else f"{name} in {look.colour}"


def description(kind: Kind, look, brand_line: str, chance: random.Random) -> str:
    """Return three or four sentences: purpose, cut, material and care."""
    colours = {
        "colour": look.colour,
        "accent": look.accent,
        "Colour": look.colour.capitalize(),
        "Accent": look.accent.capitalize(),
    }
    about = [kind.shapes[look.shape][1], chance.choice(MATERIAL_SAYS[look.material])]
    if chance.random() < 0.4:
        about.reverse()
    if look.pattern != "plain":
        about.insert(
            chance.choice((1, 2)), chance.choice(PATTERN_SAYS[look.pattern]).format(**colours)
        )
    endings = [chance.choice(kind.uses), chance.choice(kind.uses), brand_line]
    if look.material in CARE and kind.department != "Furniture":
        endings.append(CARE[look.material])
    if look.pattern == "plain" and look.colour != look.material:
        endings.append(chance.choice(COLOUR_SAYS).format(**colours))
    sentences = [chance.choice(kind.openings), *about, chance.choice(endings)]
    return " ".join(
        sentences[-4:] if len(sentences) > 4 and chance.random() < 0.6 else sentences[:4]
    )


def alt_text(look, noun: str, view: str) -> str:
    """ "Navy striped cotton shirt, front view"."""
    words = [look.colour]
    if look.pattern != "plain":
        words.append(f"and {look.accent} {look.pattern}")
    if look.material != look.colour and look.material not in noun:
        words.append(IN_PROSE.get(look.material, look.material))
    text = " ".join([*words, noun])
    shown = {
        "front view": "front view",
        "close-up": "close-up of the details",
        "second view": "seen from the other side",
    }
    return f"{text[0].upper()}{text[1:]}, {shown[view]}"
