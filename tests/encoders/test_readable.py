"""A text that the model has not learned to read counts as absent."""

import pytest
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from similarity.encoders.readable import Reader, script_of
from similarity.encoders.text import TransformerTextEncoder
from tests.encoders import models as networks
from tests.encoders.photos import content

CHINESE = [chr(0x4E00 + at) for at in range(3000)]


def reader_of(words, *, byte_level=False):
    """A tokeniser that knows these words whole and no others."""
    pieces = ["[PAD]", "[UNK]", *words]
    if byte_level:
        mapped = pre_tokenizers.ByteLevel(add_prefix_space=False)
        pieces = ["[PAD]", "[UNK]", *(mapped.pre_tokenize_str(word)[0][0] for word in words)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if byte_level:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]"
    )
    reader = Reader(fast)
    return lambda text: reader.reads(text, fast(text)["input_ids"], fast("")["input_ids"])


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("red shirt", True),
        ("red shirt ", True),
        ("red shirt zzz", True),  # most of its words are known
        ("red zzz yyy", False),
        ("рубашка red shirt", True),
        ("синяя рубашка red", False),
        ("เสื้อเชิ้ต 500 (XL)", False),
        ("500", True),
        ("%", False),
        ("— ( ) !!!", False),
        ("👟👟", False),
        ("", False),
    ],
)
def test_words_of_a_script_and_words_at_all_decide(text, read):
    assert reader_of(["red", "shirt", "500", "(", ")", "%", "xl"])(text) == read


def test_letters_of_a_script_are_no_words():
    """A Latin vocabulary that holds every Cyrillic letter spells Russian and does not read it."""
    spelling = reader_of(["red", "shirt", "dress", *"абвгдежзийклмнопрстуфхцчшщ"])
    assert not spelling("а б в г")
    assert reader_of(["red", "рубашка", "синяя", "платье"])("синяя рубашка")


@pytest.mark.parametrize(("known", "read"), [(300, False), (3000, True)])
def test_chinese_is_read_by_characters_if_there_are_many(known, read):
    words = [*(f"word{at}" for at in range(50)), *CHINESE[:known]]
    text = " ".join(CHINESE[:8])
    assert reader_of(words)(text) == read


def test_japanese_goes_with_the_characters():
    words = [*CHINESE, "ワ", "ン", "ピ", "ー", "ス"]
    assert reader_of(words)("ワ ン ピ ー ス")


def test_byte_level_pieces_are_read_as_what_they_stand_for():
    """Their vocabulary writes Cyrillic in accented Latin letters."""
    assert reader_of(["рубашка", "синяя"], byte_level=True)("рубашка")
    assert not reader_of(["shirt", "blue"], byte_level=True)("рубашка")


def test_scripts_have_names():
    assert [script_of(letter) for letter in "aéяΩ日カ한ａ𝐚"] == [
        *("LATIN", "LATIN", "CYRILLIC", "GREEK", "CJK", "KATAKANA", "HANGUL", "LATIN", "LATIN")
    ]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return TransformerTextEncoder(str(networks.save_bert(tmp_path_factory.mktemp("bert"))))


def test_a_title_or_a_description_that_is_read_stands_for_both(encoder):
    encoded = encoder.encode(
        [
            content(title="red shirt", description="เสื้อเชิ้ตสีแดง " * 5),
            content(title="เสื้อเชิ้ต", description="red shirt"),
            content(title="เสื้อเชิ้ต", description="สีแดง 42"),
        ]
    )
    assert encoded.present.tolist() == [True, True, False]
    assert encoded.vectors[0] @ encoder.encode_texts(["red shirt"]).vectors[0] > 0.999
    assert not encoded.vectors[2].any()


def test_a_prompt_makes_no_text_readable(tmp_path):
    folder = networks.save_bert(tmp_path)
    prompted = TransformerTextEncoder(str(folder), query_prompt="the shirt for men ")
    assert prompted.encode_texts(["красный", "red"]).present.tolist() == [False, True]


def test_the_default_model_reads_english_alone():
    """Unlike products in a language it does not read looked alike, Thai ones by 1.00."""
    encoder = TransformerTextEncoder()
    texts = ["blue cotton shirt", "blaues Baumwollhemd", "синяя рубашка", "連衣裙", "셔츠", "ლურჯი"]
    assert encoder.encode_texts(texts).present.tolist() == [True, True, *[False] * 4]
