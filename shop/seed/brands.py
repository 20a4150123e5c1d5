"""Invented brands: what they sell, how dear they are, how they talk."""

from typing import NamedTuple


class Brand(NamedTuple):
    """``level`` moves prices: 0.8 is a fifth below, 1.3 a third above the usual."""

    name: str
    departments: tuple[str, ...]
    level: float
    line: str


WEAR, SHOES, BAGS, EXTRAS = "Clothing", "Shoes", "Bags", "Accessories"
FURNITURE, HOME, KITCHEN = "Furniture", "Home", "Kitchen"
TOYS, TECH, OUT = "Toys", "Electronics", "Outdoor"

BRANDS = (
    Brand("Wrenlow", (WEAR, EXTRAS), 1.0, "Wrenlow makes it in small batches, four times a year."),
    Brand(
        "Halden & Row",
        (WEAR, SHOES),
        1.3,
        "Tailored the Halden & Row way, with the inside as tidy as the outside.",
    ),
    Brand(
        "Pellow Street",
        (WEAR, SHOES, EXTRAS),
        0.8,
        "Good basics at a fair price: that is all Pellow Street has ever wanted.",
    ),
    Brand(
        "Tidemoor", (WEAR, BAGS, OUT), 1.05, "Tidemoor tests everything on the coast, in November."
    ),
    Brand(
        "Ashgrove Loom",
        (WEAR, HOME, EXTRAS),
        1.15,
        "Woven at Ashgrove Loom on machines older than most of us.",
    ),
    Brand("Marrowby", (SHOES, BAGS, EXTRAS), 1.25, "Marrowby repairs what it sells, for life."),
    Brand(
        "Brackwater",
        (SHOES, OUT, WEAR),
        1.0,
        "Brackwater builds for weather first and looks second.",
    ),
    Brand("Fennick", (BAGS, EXTRAS, WEAR), 0.9, "Fennick, for bright people on grey mornings."),
    Brand("Larkmere", (BAGS, SHOES, EXTRAS), 1.1, "Cut and sewn in the Larkmere workshop."),
    Brand("Osterly Works", (FURNITURE, HOME), 1.2, "Osterly Works signs every piece underneath."),
    Brand(
        "Quillon Home",
        (FURNITURE, HOME, KITCHEN),
        0.85,
        "Quillon Home ships it flat and explains it well.",
    ),
    Brand(
        "Tarnfold", (FURNITURE, HOME), 1.05, "Tarnfold draws from northern light and plain shapes."
    ),
    Brand(
        "Ember & Oat",
        (KITCHEN, HOME),
        1.0,
        "From the kitchen of Ember & Oat, where everything gets used.",
    ),
    Brand(
        "Suthwick Forge", (KITCHEN,), 1.25, "Suthwick Forge guarantees it for twenty-five years."
    ),
    Brand("Ollerby Pottery", (KITCHEN, HOME), 1.1, "Thrown, glazed and packed at Ollerby Pottery."),
    Brand("Nimbray", (TOYS,), 0.95, "Nimbray plays with it first, to be sure."),
    Brand("Little Dunrigg", (TOYS, HOME), 1.1, "Little Dunrigg makes things to hand down."),
    Brand(
        "Kestrin", (TECH, EXTRAS), 1.15, "Kestrin engineers for repair: every part has a number."
    ),
    Brand("Lumbray Audio", (TECH,), 1.0, "Tuned by ear at Lumbray Audio."),
    Brand("Vantrell", (TECH, EXTRAS), 0.85, "Vantrell leaves out what you will not use."),
    Brand("Cairnhope", (OUT, BAGS), 1.1, "Cairnhope carries spare parts for ten years."),
)

#: Names of models; each kind uses one at most once.
MODELS = (
    "Marlow",
    "Alder",
    "Hazel",
    "Rowan",
    "Linden",
    "Bryn",
    "Calder",
    "Elgin",
    "Fenton",
    "Greta",
    "Harlow",
    "Isla",
    "Juno",
    "Kester",
    "Lowell",
    "Mabel",
    "Nolan",
    "Orla",
    "Perrin",
    "Quinn",
    "Rhona",
    "Selby",
    "Tilda",
    "Ulla",
    "Verity",
    "Wilder",
    "Yarrow",
    "Zella",
    "Aston",
    "Bramley",
    "Corin",
    "Delia",
    "Ewan",
    "Flora",
    "Garnet",
    "Hollis",
    "Ivor",
    "Jasper",
    "Keira",
    "Lyra",
)
