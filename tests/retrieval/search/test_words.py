from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similarity.retrieval.search.words import MAX_WORDS, PriceRange, parse_query


def test_phrases_unwanted_words_and_the_rest():
    words = parse_query('"Red dress" summer -silk -"long sleeves"')
    assert words.words == ("red", "dress", "summer")
    assert words.phrases == (("red", "dress"),)
    assert words.excluded == ("long", "sleeves", "silk") or words.excluded == (
        "silk",
        "long",
        "sleeves",
    )


@pytest.mark.parametrize(
    ("text", "low", "high", "rest"),
    [
        ("shoes under 50", None, "50", ("shoes",)),
        ("shoes under €49.90 red", None, "49.90", ("shoes", "red")),
        ("over 20 usd lamp", "20", None, ("lamp",)),
        ("tent between 100 and 1,000 €", "100", "1000", ("tent",)),
    ],
)
def test_prices_are_taken_out_of_the_words(text, low, high, rest):
    words = parse_query(text)
    wanted = PriceRange(Decimal(low) if low else None, Decimal(high) if high else None)
    assert (words.price, words.words) == (wanted, rest)


@pytest.mark.parametrize("text", ["under 5 kg dumbbell", "over 3 years", "under armour 50", "7 up"])
def test_other_numbers_are_no_prices(text):
    assert parse_query(text).price is None


def test_measures_and_compounds_have_one_spelling():
    words = parse_query("T-shirt 1.5 L")
    assert words.measures == ("1d5l",)
    assert words.compounds == ((("t", "shirt"), "tshirt"),)
    assert parse_query('15" laptop').words == ("15in", "laptop")


@pytest.mark.parametrize(
    ("text", "begun"), [("sho", True), ("shoe ", False), ("shoe-", False), ("", False)]
)
def test_the_last_word_is_open_until_something_follows(text, begun):
    assert parse_query(text).open_end is begun


@settings(max_examples=200)
@given(st.text(max_size=400))
def test_any_text_can_be_read(text):
    words = parse_query(text)
    assert len(words.words) <= MAX_WORDS
    words.text.encode()  # a lone surrogate would break the answer that repeats it
