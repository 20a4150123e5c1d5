"""One thing in several spellings, joined or parted, in the catalogue and in the query."""

import pytest

from similarity.search import search, spellings
from similarity.search.words import parse_query
from tests.retrieval.search.conftest import names


def full(text):
    """Names of the products that hold all of the query."""
    return {hit.product.name for hit in search(text, hybrid=False).hits if hit.tier == "words"}


#: Spellings of one thing; as a product's title each is found by all others.
SAME = [
    ["Bolt M10x40", "bolt m10 x 40", "bolt M10 × 40", "bolt M 10 x 40"],
    ["Bolt DIN933", "bolt DIN 933", "bolt din-933"],
    ["Frame 20x30 cm", "frame 20 × 30cm", "frame 20 x 30 cm", "frame 20 cm x 30 cm"],
    ["T-shirt", "tshirt", "t shirt", "T‑Shirt"],
    ["Dress H&M", "dress hm", "dress H & M", "dress h and m", "dress h'm"],
    ["Rock'n'roll poster", "rock n roll poster", "rock 'n' roll poster", "rock n’ roll poster"],
    ["Headphones WH-1000XM4", "headphones wh1000xm4", "headphones wh 1000xm4"],
    ["AC/DC shirt", "acdc shirt", "AC-DC shirt"],
    ["U.S.A. flag", "usa flag", "USA flag"],
    ["Cable USB3.0", "cable usb 3.0", "cable USB-3.0"],
    ["Drill bit 1 1/2 inch", "drill bit 1½ in", 'drill bit 1-1/2"', "drill bit 1.5 inch"],
    ["Сумка Ёлка", "сумка елка"],
    ["شنطة يد", "شنطه يد", "شَنطة يد"],
    ["Crème L'Oréal", "creme loreal", "crème l´oréal"],
    ["SPF 50 cream", "spf50 cream", "ＳＰＦ５０ cream", "SPF ٥٠ cream"],
    ["Clover™ necklace", "clover necklace", "CLOVER® necklace"],
]


@pytest.mark.parametrize(
    ("title", "typed"), [(one, other) for some in SAME for one in some for other in some]
)
def test_each_spelling_finds_each_other(indexed, title, typed):
    indexed({"name": title, "sku": "S-1"}, {"name": "Something else", "sku": "S-2"})
    page = search(f"{typed} ", hybrid=False)
    assert names(page)[0] == title
    assert page.hits[0].tier == "words"
    assert (page.did_you_mean, page.rescued) == ("", "")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("pipe fitting 2 inch", "Pipe fitting 1/2 inch"),
        ("pipe fitting 2 inch", "Pipe fitting 1 1/2 inch"),
        ("½ inch pipe fitting", "Pipe fitting 1 1/2 inch"),
        ("20x30 frame", "Frame 8x10"),
        ("20x30 frame", "Frame 20 x 40 for 30"),
        ("m&m", "Cable 2 m"),
        ("バッグ", "ハック本"),
        ("लाल", "नीली कमीज"),
        ("เสื้อ", "กางเกงยีนส์"),
        ("ages 13", "Game ages 1-3"),
        ("100 ml", "Tube 2x50 ml"),
        ("gum no sugar", "Gum with sugar"),
        ("gum without sugar", "Gum"),
    ],
)
def test_what_is_another_thing_does_not_match(indexed, text, title):
    indexed({"name": title, "sku": "S-1"})
    assert full(f"{text} ") == set()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("damen schuhe", "Damenschuhe rot"),
        ("sleeping bag -10", "Sleeping bag -10 degrees"),
        ("100 ml", "Cream 2 x 100 ml"),
        ("gum no sugar", "Sugar-free gum"),
        ("kaugummi ohne zucker", "Kaugummi zuckerfrei"),
        ("sugar free gum", "Gum without added sugar"),
        ("top no sleeves", "Sleeveless top"),
        ("m10 bolt", "Bolt M10x40"),
        ("creme oreal", "Crème L'Oréal"),
        ("เสื้อ", "เสื้อยืดสีขาว"),
        ("साड़ी", "लाल साड़ी"),
    ],
)
def test_a_part_or_another_way_to_say_it_matches(indexed, text, title):
    indexed({"name": title, "sku": "S-1"})
    assert full(f"{text} ") == {title}


def test_neighbours_that_may_be_one_word_may_also_stand_apart(indexed):
    indexed({"name": "Sofabed grey"}, {"name": "Bed and sofa"}, {"name": "Sofa bed"})
    assert full("sofa bed ") == full("sofabed ") | {"Bed and sofa"}
    assert full("sofabed ") == {"Sofabed grey", "Sofa bed"}


def test_a_short_word_is_not_parted(indexed):
    indexed({"name": "Carpet"}, {"name": "Car pet bed"})
    assert full("carpet ") == {"Carpet"}


def test_what_holds_the_sign_comes_first(indexed):
    indexed({"name": "Sleeping bag +10"}, {"name": "Sleeping bag -10"})
    assert names(search("sleeping bag -10 ", hybrid=False))[0] == "Sleeping bag -10"


def test_what_is_unwanted_is_not_first(indexed):
    """Where no product says that it has none, one that does not speak of it."""
    indexed({"name": "Gum with sugar"}, {"name": "Gum sugar"}, {"name": "Gum fresh and mint"})
    assert names(search("gum no sugar ", hybrid=False))[0] == "Gum fresh and mint"


def test_a_number_says_less_than_a_word(indexed):
    indexed(
        *({"name": f"Apple iPhone {name}"} for name in ("13", "14", "15", "SE")),
        {"name": "RAM 16 GB"},
        {"name": "Lego 16"},
        category="Electronics",
    )
    page = search("iphone 16 ", hybrid=False)
    assert all(name.startswith("Apple") for name in names(page)[:4])


def test_stop_words_alone_find_titles_and_brands(indexed):
    from tests.host.models import Brand

    who, _ = Brand.objects.get_or_create(name="The Who", slug="the-who")
    indexed({"name": "Live LP", "brand": who}, {"name": "It"}, {"name": "The lamp"})
    assert full("the who ") == {"Live LP"}
    assert full("it ") == {"It"}
    assert "The lamp" in full("the lamp ")
    assert full("the navy lamp ") == set(), "beside other words they say nothing"


def test_as_many_spellings_are_looked_up_as_the_query_has_borders():
    """The cost of a query grows with its words, not with what could be made of them."""
    long = parse_query(" ".join(["ab12cd34", "Damenschuhe", "t-shirt"] * 8))
    assert len(long.words) == 24
    looked_up = sum(len(ways) for ways in spellings.other_spellings(long).values())
    assert looked_up < 24 * 25
    assert spellings.other_spellings(parse_query("1a2b3c4d5e6f"))[0] == []
