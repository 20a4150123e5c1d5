import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from similarity.catalog.folding import MARKS
from similarity.catalog.wording import (
    border_spellings,
    extra_words_of,
    measures_of,
    normalise_code,
    words_of,
)

#: Any text, and texts of what numbers, sizes, joints and marks are made of.
TEXTS = (
    st.text()
    | st.text("0123456789 x×/.,-'\"&nmc½₁٣_’%a", max_size=25)
    | st.text("ก็าेाガカ゛\u3099é\u0301ß x1'-", max_size=20)
)


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
        ("Clover™ Acme® ©2024", ["clover", "acme", "2024"]),
        ("バッグ ハック", ["バッ", "ッグ", "ハッ", "ック"]),
        ("लाल साड़ी", ["लाल", "साड़ी"]),
        ("เสื้อยืด", ["เสื้", "สื้อ", "อยื", "ยืด"]),
        ("شَنطة آلة هدى ١٢", ["شنطه", "اله", "هدي", "12"]),
        ("שָׁלוֹם", ["שלום"]),
        ("ＵＳＢ ｶﾞﾗｽ १२", ["usb", "ガラ", "ラス", "12"]),
        ("Wasch\u00admaschine می\u200cخواهم", ["waschmaschine", "ميخواهم"]),
        ("½ 1½ 1 1/2 3-1/4 24/7", ["0.5", "1.5", "1.5", "3.25", "24", "7"]),
        ("20 × 30 cm, 20x30cm, 5 cm x 6 cm", ["20x30", "cm", "20x30", "cm", "5x6", "cm"]),
        ("20,5 x 30", ["20d5x30"]),
        ("USB3.0 M10 x 40", ["usb", "3.0", "m10x40"]),
        (
            "Rock'n'roll, salt n' vinegar, don't",
            ["rock", "n", "roll", "salt", "n", "vinegar", "dont"],
        ),
    ],
)
def test_texts_become_plain_words(text, words):
    assert words_of(text) == words


def test_compounds_and_measures_are_found_in_one_spelling():
    assert extra_words_of("Wi-Fi, 100 ML or 100ml") == ["wifi", "100ml"]
    assert measures_of("1.50 litres") == measures_of("1,5l") == ["1d5l"]
    assert measures_of("5 women, 3 gadgets") == []


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        ("Levi's", ["levi"]),
        ("L'Oréal", ["oreal"]),
        ("M&M's", ["mms", "mm", "mnms"]),
        ("H & M", ["hm", "hnm"]),
        ("black & white", []),
        ("rock'n'roll", ["rocknroll"]),
        ("AC/DC", ["acdc"]),
        ("black/white", []),
        ("U.S.A.", ["usa"]),
        ("ages 1-3", []),
        ("M10x40", ["m10", "40"]),
        ("2 x 100 ml", ["2x100ml", "100ml", "2", "100"]),
        ("-10 degrees, 5-10", ["minus10"]),
        ("sugar-free", ["sugarfree", "nosugar"]),
        ("without any added sugar", ["nosugar"]),
        ("free from nuts, for free", ["nonuts"]),
        ("No. 5 and no 7", []),
    ],
)
def test_texts_answer_to_other_spellings_too(text, extra):
    assert extra_words_of(text) == extra


def test_single_letters_are_joined_with_their_neighbours_where_asked():
    assert extra_words_of("T shirt", near=True) == ["tshirt"]
    assert "hm" in extra_words_of("h and m", near=True)
    assert extra_words_of("T shirt") == []


@pytest.mark.parametrize(
    ("word", "spellings"),
    [
        ("din933", ["din 933"]),
        ("1000xm4", ["1000xm 4", "1000 xm4", "1000 xm 4"]),
        ("shirt", []),
        ("933", []),
        ("a1b2c3d4e5", []),
    ],
)
def test_letters_and_digits_are_parted_at_their_borders(word, spellings):
    assert border_spellings(word) == spellings


@pytest.mark.parametrize("code", ["AB-123/x", "ab 123 X", "AB123X", "ab.123.x"])
def test_a_code_is_the_same_however_it_is_set(code):
    assert normalise_code(code) == "ab123x"


@given(TEXTS)
def test_words_hold_nothing_that_the_database_could_read_as_more(text):
    for word in [*words_of(text), *extra_words_of(text)]:
        assert all(letter.isalnum() or letter in f".{MARKS}" for letter in word)
        assert word[0] not in MARKS
        assert len(word) <= 60


@given(TEXTS)
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
