"""What was encoded once is read from disk, until the content or the encoder changes."""

from decimal import Decimal

import numpy as np
import pytest

from similarity.catalog.content import ProductContent
from similarity.encoders.base import Encoded, Encoder
from similarity.training.vector_cache import VectorCache


class LengthEncoder(Encoder):
    """Two coordinates by the title's length; counts what it is asked; absent without title."""

    name = "text"
    fingerprint_fields = ("title", "price")

    def __init__(self, signature="one", fail_at=None):
        self._signature, self.fail_at = signature, fail_at
        self.encoded = []

    @property
    def dimension(self):
        return 2

    @property
    def signature(self):
        return self._signature

    def encode(self, contents):
        if self.fail_at in [content.title for content in contents]:
            raise KeyboardInterrupt
        self.encoded += [content.title for content in contents]
        angles = np.array([len(content.title) for content in contents])
        present = angles > 0
        vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1) * present[:, None]
        return Encoded(vectors.astype(np.float32), present)


def products(*titles, **fields):
    return [ProductContent(key=title, title=title, **fields) for title in titles]


def test_a_second_run_encodes_only_what_is_new(tmp_path):
    first, second = LengthEncoder(), LengthEncoder()
    VectorCache(tmp_path).encode({"text": first}, products("a", "bbb", ""))
    done = []
    encoded = VectorCache(tmp_path).encode(
        {"text": second}, products("bbb", "", "cc", "a"), done.append
    )["text"]
    assert second.encoded == ["cc"]
    assert encoded.present.tolist() == [True, False, True, True]
    assert np.allclose(encoded.vectors[0], [np.cos(3), np.sin(3)])
    assert sum(done) == 4


def test_other_content_or_another_encoder_is_encoded_anew(tmp_path):
    VectorCache(tmp_path).encode({"text": LengthEncoder()}, products("a"))
    dearer, other = LengthEncoder(), LengthEncoder("two")
    VectorCache(tmp_path).encode({"text": dearer}, products("a", price=Decimal(5)))
    VectorCache(tmp_path).encode({"text": other}, products("a"))
    assert dearer.encoded == other.encoded == ["a"]


def test_an_interrupted_run_keeps_what_it_encoded(tmp_path):
    titles = [f"title {number}" for number in range(100)]
    with pytest.raises(KeyboardInterrupt):
        VectorCache(tmp_path).encode({"text": LengthEncoder(fail_at="title 99")}, products(*titles))
    again = LengthEncoder()
    VectorCache(tmp_path).encode({"text": again}, products(*titles))
    assert again.encoded == titles[64:]


def test_a_damaged_file_is_made_anew(tmp_path, caplog):
    VectorCache(tmp_path).encode({"text": LengthEncoder()}, products("a"))
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(file.read_bytes()[:40])
    again = LengthEncoder()
    VectorCache(tmp_path).encode({"text": again}, products("a"))
    assert again.encoded == ["a"]
    assert "damaged" in caplog.text
