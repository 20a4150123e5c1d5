from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similarity.search.words import MAX_WORDS, parse_query


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
        ("shoes under €49.90 red", None, "49.90", ("shoes", "red")),
        ("shoes under 49.90", None, "49.90", ("shoes",)),
        ("over 20 usd lamp", "20", None, ("lamp",)),
        ("tent between 100 and 1,000 €", "100", "1000", ("tent",)),
        ("kleid unter 50 Euro", None, "50", ("kleid",)),
        ("kleid bis 50€", None, "50", ("kleid",)),
        ("sofa unter 1.000 €", None, "1000", ("sofa",)),
        ("dress 20-50 euro", "20", "50", ("dress",)),
        ("dress $20 to $50", "20", "50", ("dress",)),
        ("max 30€ robe", None, "30", ("robe",)),
        ("robe moins de 30 euros", None, "30", ("robe",)),
        ("robe jusqu’à 30 €", None, "30", ("robe",)),
        ("vestido entre 10 y 20 €", "10", "20", ("vestido",)),
        ("lamp cheaper than 40", None, "40", ("lamp",)),
        ("lamp price below 40", None, "40", ("lamp",)),
        ("lamp 40 $ or less", None, "40", ("lamp",)),
        ("lamp < ¥4000", None, "4000", ("lamp",)),
        ("fernseher ab 300 CHF", "300", None, ("fernseher",)),
        ("vestido por menos de 20 euros", None, "20", ("vestido",)),
        ("tisch unter 50,-", None, "50", ("tisch",)),
        ("платье до 500 рублей", None, "500", ("платье",)),
        ("платье дешевле 500", None, "500", ("платье",)),
        ("elbise 500 TL altı", None, "500", ("elbise",)),
        ("バッグ 5000円以下", None, "5000", ("バッ", "ッグ")),
        ("lamp 40 eur max", None, "40", ("lamp",)),
    ],
)
def test_prices_are_taken_out_of_the_words(text, low, high, rest):
    words = parse_query(text)
    assert words.price is not None
    assert words.price[:3] == (low and Decimal(low), high and Decimal(high), True)
    assert words.words == rest


@pytest.mark.parametrize(
    ("text", "low", "high", "as_words"),
    [
        ("shoes under 50", None, "50", "shoes 50"),
        ("toddler puzzle under 3", None, "3", "toddler puzzle 3"),
        ("dress up to 50 red", None, "50", "dress 50 red"),
        ("dress < 50", None, "50", "dress 50"),
        ("women over 50", "50", None, "women 50"),
        ("puzzle between 3 and 5", "3", "5", "puzzle 3 5"),
    ],
)
def test_a_number_without_a_currency_may_be_a_price(text, low, high, as_words):
    words = parse_query(text)
    assert words.price is not None
    assert words.price[:3] == (low and Decimal(low), high and Decimal(high), False)
    assert words.price.text in text
    assert words.as_words == as_words
    assert parse_query(text, prices=False).price is None


@pytest.mark.parametrize(
    "text",
    [
        "under 5 kg dumbbell",
        "over 3 years",
        "under armour 50",
        "7 up",
        "air max 270",
        "windows from 7",
        "size 36-38",
        "game up to 4 players",
        "ages 1 to 3",
        "sleeping bag below -10",
        "under 50%",
        "lamp 50 €",
        "pack of 2 or more",
        "gift for 50",
    ],
)
def test_other_numbers_are_no_prices(text):
    assert parse_query(text).price is None


def test_measures_and_compounds_have_one_spelling():
    words = parse_query("T-shirt 1.5 L")
    assert words.measures == ("1d5l",)
    assert [one[:2] for one in words.compounds] == [(("t", "shirt"), ("tshirt",))]
    assert parse_query('15" laptop').words == ("15in", "laptop")


def test_a_minus_before_a_number_is_a_value():
    words = parse_query("sleeping bag -10 -down")
    assert (words.words, words.excluded) == (("sleeping", "bag", "10"), ("down",))
    assert words.below_zero == ("minus10",)


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
