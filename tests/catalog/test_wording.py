import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from similarity.catalog.wording import code_of, extra_words_of, measures_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Levi's T-Shirt", ["levis", "t", "shirt"]),
        ("Crème BRÛLÉE", ["creme", "brulee"]),
        ("Straße, Łódź, Ångström", ["strasse", "lodz", "angstrom"]),
        ("black/white user@host.com", ["black", "white", "user", "host", "com"]),
        ("1,000 mAh and 1,5 l", ["1000", "mah", "and", "1.5", "l"]),
        ('12" laptop', ["12in", "laptop"]),
        ("foo_bar\0baz", ["foo", "bar", "baz"]),
        ("日本語 한글", ["日本", "本語", "한글"]),
        ("\ud800 -- :* & |", []),
    ],
)
def test_texts_become_plain_words(text, words):
    assert words_of(text) == words


def test_compounds_and_measures_are_found_in_one_spelling():
    assert extra_words_of("Wi-Fi, 100 ML or 100ml") == ["wifi", "100ml"]
    assert measures_of("1.50 litres") == measures_of("1,5l") == ["1d5l"]
    assert measures_of("5 women, 3 gadgets") == []


@pytest.mark.parametrize("code", ["AB-123/x", "ab 123 X", "AB123X", "ab.123.x"])
def test_a_code_is_the_same_however_it_is_set(code):
    assert code_of(code) == "ab123x"


@given(st.text())
def test_words_hold_nothing_that_the_database_could_read_as_more(text):
    for word in [*words_of(text), *extra_words_of(text)]:
        assert all(letter.isalnum() or letter == "." for letter in word)
        assert len(word) <= 60


@given(st.text())
def test_words_of_words_are_the_same_words(text):
    """A suggestion, which is made of words, must find what it was made from."""
    words = words_of(text)
    assert words_of(" ".join(words)) == words


def test_long_words_cost_no_more_than_their_letters():
    """A pattern that is tried from each letter of a word would take minutes here."""
    started = time.process_time()
    for text in ("x" * 200_000, "x-" * 100_000, "1" * 200_000, "1." * 100_000, "1," * 100_000):
        words_of(text)
        extra_words_of(text)
    assert time.process_time() - started < 5
