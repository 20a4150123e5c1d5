"""Whatever is written into a title or a description is encoded in time, or counts as empty."""

import time
import unicodedata

import numpy as np
import pytest

from similarity.encoders.attributes import AttributeEncoder
from similarity.encoders.text import TransformerTextEncoder
from tests.encoders import models
from tests.encoders.photos import content

LONGEST_S = 10.0  # by the clock of a busy machine; on an idle one hundredths of a second

#: name → text; what has nothing to read counts as no text.
EMPTY = {
    "nothing": "",
    "blanks": " \t\r\n" * 100,
    "no-break and wide blanks": "\u00a0\u2003\u3000",
    "NUL": "\x00" * 1000,
    "controls": "".join(map(chr, [*range(1, 32), 127])),
    "lone surrogates": "\ud800\udfff",
    "tags alone": "<p></p><br/>",
    "closing tags": "</p>" * 100_000,
    "private use": "\ue000\uf8ff" * 500,
    "entities for blanks": "&nbsp;&#160;",
    "one tag that never ends": "<a href='" + "x" * 500_000,
}
FULL = {
    "a megabyte": "red shirt " * 100_000,
    "a megabyte without a blank": "x" * 1_000_000,
    "five megabytes of markup": "<b>red</b> " * 500_000,
    "open tags": "<" * 200_000,
    "entities": "&amp;" * 100_000,
    "nested entities": "&amp;amp;amp;" * 50_000,
    "emoji": "👟🧥👜" * 1000,
    "emoji in families": "👩‍👩‍👧‍👦" * 2000,
    "flags": "🇩🇪🇫🇷" * 1000,
    "right to left": "حذاء أحمر للرجال",
    "hebrew": "נעל אדומה",
    "direction marks": "\u202ered shirt\u202c \u2066x\u2069",
    "both directions": "red حذاء shirt נעל " * 200,
    "chinese": "红色衬衫" * 5000,
    "thai": "เสื้อสีแดง" * 2000,
    "hindi": "लाल कमीज़",
    "korean in parts": unicodedata.normalize("NFD", "빨간 셔츠"),
    "accents in parts": unicodedata.normalize("NFD", "Größe Äpfel été"),
    "accents heaped": "r" + "\u0301" * 5000 + "ed",
    "outside the first plane": "𝕣𝕖𝕕 𝓼𝓱𝓲𝓻𝓽 𐍈",
    "byte order marks": "\ufeffred shirt\ufeff",
    "zero width": "r\u200be\u200cd\u200d sh\u2060irt",
    "NUL between": "red\x00shirt\x00",
    "surrogates between": "red \ud800 shirt \udc00",
    "controls between": "red\x07\x1b[31mshirt\x1b[0m",
    "line ends": "red\r\n\u2028shirt\u2029\x85",
    "digits": "1234567890" * 2000,
    "punctuation": "!?.,;:-–—…" * 2000,
    "sql": "'; DROP TABLE host_product; --",
    "template": "{{ settings.SECRET_KEY }}{% include '/etc/passwd' %}",
    "script": "<script>alert(document.cookie)</script>red",
    "format": "%s%s%n {0.__class__} ${jndi:ldap://x}",
    "path": "../../../../etc/passwd\\..\\..",
    "json": '{"a": [' * 5000,
    "base64": "iVBORw0KGgo" * 5000,
    "special tokens": "[CLS] [SEP] [PAD] [MASK] <s> </s> <|endoftext|>" * 100,
    "one letter": "x",
    "long words": ("red" * 3000 + " ") * 20,
    "many short words": "a " * 200_000,
    "repeated lines": "red shirt\n" * 50_000,
}
#: Those of them whose words the tests' network knows; what it cannot read counts as no text.
READ = {
    *("a megabyte", "five megabytes of markup", "direction marks", "both directions"),
    *("byte order marks", "NUL between", "surrogates between", "line ends", "repeated lines"),
    *("zero width", "script"),
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return TransformerTextEncoder(str(models.save_bert(tmp_path_factory.mktemp("bert"))))


@pytest.mark.parametrize("where", ["title", "description"])
@pytest.mark.parametrize("name", [*EMPTY, *FULL])
def test_a_hostile_text_has_its_result(encoder, name, where):
    text = {**EMPTY, **FULL}[name]
    fields = {"title": "", "description": "", where: text}
    started = time.perf_counter()
    encoded = encoder.encode([content(**fields)])
    assert time.perf_counter() - started < LONGEST_S
    assert encoded.present.tolist() == [name in READ]
    length = np.linalg.norm(encoded.vectors[0])
    assert length == pytest.approx(1.0 if name in READ else 0.0, abs=1e-5)


def test_none_of_them_stops_a_batch(encoder):
    batch = [
        content(str(at), title=text) for at, text in enumerate([*EMPTY.values(), *FULL.values()])
    ]
    encoded = encoder.encode(batch)
    assert encoded.present.sum() == len(READ)
    assert np.isfinite(encoded.vectors).all()


@pytest.mark.parametrize("name", [*EMPTY, *FULL])
def test_as_an_attribute_it_has_its_result_too(name):
    text = {**EMPTY, **FULL}[name]
    started = time.perf_counter()
    encoded = AttributeEncoder().encode(
        [content(attributes={"brand": text, text[:50] or "x": "y"})]
    )
    assert time.perf_counter() - started < LONGEST_S
    assert np.isfinite(encoded.vectors).all()


@pytest.mark.parametrize("name", [*EMPTY, *FULL])
def test_its_fingerprint_can_be_taken(name):
    text = {**EMPTY, **FULL}[name]
    assert len(content(title=text, attributes={text: text}).fingerprint) == 64
