import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from similarity.catalog.adapter import get_adapter
from similarity.search import spelling
from similarity.search.spelling import one_slip, slips
from similarity.similar.within import Within
from tests.host.models import Product


@pytest.fixture
def vocabulary(indexed):
    """Of each word so many documents."""
    counts = {"jacket": 3, "jackets": 2, "packet": 5, "sleeping bag": 1, "sleek": 2, "sand": 4}
    counts |= {"sandals": 3, "сумка": 1}
    indexed(*({"name": word} for word, many in counts.items() for _ in range(many)))


@pytest.fixture
def within():
    return Within(get_adapter().eligible())


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [("", "abc", 3), ("jakcet", "jacket", 1), ("jaket", "jacket", 1), ("kitten", "sitting", 3)],
)
def test_slips_are_counted_with_swaps(one, other, wanted):
    assert slips(one, other) == slips(other, one) == wanted


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_what_is_one_slip_away_is_what_one_slip_makes(one, other):
    assert (other in one_slip(one)) == (slips(one, other) == 1)


def test_a_plural_is_as_near_as_its_singular():
    assert {"sandal", "sandals"} <= one_slip("sandel")


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("jakcet", "jacket"),
        ("jacke", "jacket"),
        ("slepin", "sleeping"),  # two slips, by trigrams
        ("xacket", "packet"),  # as near as jacket, and more frequent
        ("sandel", "sandals"),  # its singular is nearer than sand, which is more frequent
        ("sandl", "sandals"),
        ("сумко", "сумка"),
        ("sleepingbag", "sleeping bag"),
        ("sleepingbug", None),
        ("ba", None),
        ("jacket2", None),
        ("zzzzzzz", None),
        ("jakcet" * 4, None),
    ],
)
def test_the_nearest_and_then_the_most_frequent_word_is_meant(vocabulary, within, word, wanted):
    assert spelling.corrections([word], within).get(word) == wanted


def test_a_word_that_only_hidden_products_have_is_told_to_nobody(indexed, within):
    """By their title, by an attribute that is not listed, or outside what is looked in."""
    indexed(
        {"name": "Zephyrwaltz lantern", "is_active": False},
        {"name": "Lantern", "attributes": {"supplier": "Umbrellacorpx"}},
        {"name": "Quixotania lantern"},
    )
    asked = ["zefyrwaltz", "umbrelacorpx", "quixotanja"]
    assert spelling.corrections(asked, within) == {"quixotanja": "quixotania"}
    other = Within(Product.objects.exclude(name__startswith="Quixo"))
    assert spelling.corrections(asked, other) == {"zefyrwaltz": "zephyrwaltz"}


def test_the_cost_is_bounded_whatever_is_typed(vocabulary, within, monkeypatch):
    """By the words that are put right, and by the letters that a slip may put into them."""
    looked_up = []
    monkeypatch.setattr(spelling, "known", lambda words, using: looked_up.append(len(words)) or [])
    words = ["".join(chr(0x4E00 + 40 * at + one) for one in range(36)) for at in range(8)]
    words += [f"{chr(0x3B1 + at)}qwertyuiopasdfghjkl" for at in range(8)]
    with CaptureQueriesContext(connection) as queries:
        spelling.corrections(words, within)
    assert len(looked_up) == 1
    assert looked_up[0] < spelling.MOST_WORDS * 2500
    asked = [one["sql"] for one in queries if "FROM similarity_searchword" in one["sql"]]
    assert len(asked) <= spelling.MOST_WORDS


def test_completions_come_by_frequency(vocabulary):
    assert [one.word for one in spelling.completions("jac", "default")] == ["jacket", "jackets"]
    assert spelling.completions("", "default") == []
    assert spelling.completions("%", "default") == [], "a wildcard is a letter"
