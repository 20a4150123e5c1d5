import pytest
from hypothesis import given
from hypothesis import strategies as st

from similarity.models import SearchWord
from similarity.retrieval.search import spelling
from similarity.retrieval.search.spelling import one_slip, slips


@pytest.fixture
def vocabulary(db):
    counts = {"jacket": 9, "jackets": 3, "packet": 40, "sleeping": 5, "bag": 7, "sleek": 2}
    SearchWord.objects.bulk_create(SearchWord(word=w, documents=n) for w, n in counts.items())


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [("", "abc", 3), ("jakcet", "jacket", 1), ("jaket", "jacket", 1), ("kitten", "sitting", 3)],
)
def test_slips_are_counted_with_swaps(one, other, wanted):
    assert slips(one, other) == slips(other, one) == wanted


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_what_is_one_slip_away_is_what_one_slip_makes(one, other):
    assert (other in one_slip(one)) == (slips(one, other) == 1)


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("jakcet", "jacket"),
        ("jacke", "jacket"),
        ("slepin", "sleeping"),  # two slips, by trigrams
        ("xacket", "packet"),  # as near as jacket, and more frequent
        ("ba", None),
        ("jacket2", None),
        ("zzzzzzz", None),
    ],
)
def test_the_nearest_and_then_the_most_frequent_word_is_meant(vocabulary, word, wanted):
    assert spelling.correction(word, "default") == wanted


def test_words_written_as_one_are_taken_apart(vocabulary):
    assert spelling.parts("sleepingbag", "default") == ("sleeping", "bag")
    assert spelling.parts("sleepingbug", "default") is None


def test_completions_come_by_frequency(vocabulary):
    assert [one.word for one in spelling.completions("jac", "default")] == ["jacket", "jackets"]
    assert spelling.completions("", "default") == []
    assert spelling.completions("%", "default") == [], "a wildcard is a letter"
