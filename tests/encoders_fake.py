"""Small encoders that keep the contract: deterministic, fast, without torch.

``SETTINGS`` is what a test puts under ``SIMILARITY``. A title with the word ``poison``
raises, ``nan`` gives a value that is not finite, ``kill`` ends the process as a lack of
memory would.
"""

import hashlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from similarity.catalog.content import ProductContent
from similarity.encoders.base import Encoded, Encoder, unit_rows
from similarity.exceptions import EncoderError
from tests.configure import with_settings


class HashEncoder(Encoder):
    """A random direction for each word of the title; equal words, near vectors."""

    name = "text"
    fingerprint_fields = ("title",)

    #: Products encoded since the test began, by this process.
    encoded: ClassVar[list[str]] = []
    calls: ClassVar[int] = 0
    #: Called before each batch, where a test needs something to happen meanwhile.
    before: ClassVar[object] = None
    #: What stands for the weights on disk: with others, the same options give other vectors.
    weights: ClassVar[str] = ""

    def __init__(self, size: int = 16, salt: str = "", broken: bool = False) -> None:
        self.size, self.salt, self.broken = size, salt, broken

    @property
    def dimension(self) -> int:
        return self.size

    @property
    def signature(self) -> str:
        return f"hash-{self.size}-{self.salt}{self.weights}"

    def encode(self, contents: Sequence[ProductContent]) -> Encoded:
        if self.broken:
            raise EncoderError("The weights are missing; install them.")
        if HashEncoder.before and contents:
            HashEncoder.before()
        vectors = np.zeros((len(contents), self.size), np.float32)
        for row, content in enumerate(contents):
            words = self.words(content)
            _misbehave(words)
            for word in words:
                seed = hashlib.sha256(f"{self.salt}{word}".encode()).digest()[:8]
                vectors[row] += np.random.default_rng(list(seed)).standard_normal(self.size)
        # Texts without a key are nonsense that floors are learned from.
        products = [content.key for content in contents if content.key]
        HashEncoder.calls += bool(products)
        HashEncoder.encoded += products
        encoded = Encoded(unit_rows(vectors), np.abs(vectors).max(axis=1, initial=0) > 0)
        for row, content in enumerate(contents):
            if "nan" in self.words(content):
                encoded.vectors[row, 0] = np.nan
        return encoded

    def words(self, content: ProductContent) -> list[str]:
        return content.title.lower().split()


class HashAttributes(HashEncoder):
    """The same over brand and category."""

    name = "attributes"
    fingerprint_fields = ("attributes",)
    blocks: ClassVar[dict[str, tuple[int, int]]] = {"brand": (0, 8), "other": (8, 16)}

    def words(self, content: ProductContent) -> list[str]:
        return [f"{name}={value}" for name, value in content.attributes.items()]


def _misbehave(words: list[str]) -> None:
    if "poison" in words:
        raise ValueError("this title cannot be encoded")
    if "kill" in words:
        os.kill(os.getpid(), signal.SIGKILL)
    if "slow" in words:
        marker = Path(os.environ.get("FAKE_ENCODER_MARKER", os.devnull))
        if marker != Path(os.devnull) and not marker.exists():
            marker.touch()
            time.sleep(60)


def fused(weight: float, dimension: int) -> dict[str, float]:
    """Return what a part has in the fused vector."""
    return {"WEIGHT": weight, "DIMENSION": dimension}


def similarity_settings(
    *,
    base: Mapping[str, Any] | None = None,
    text: Mapping[str, Any] | None = None,
    weights: Mapping[str, float] | None = None,
    dimensions: Mapping[str, int] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Return ``SIMILARITY`` of the demo shop with these encoders; ``text`` is its options."""
    weights = {"text": 0.7, "attributes": 0.3} | dict(weights or {})
    dimensions = {"text": 8, "attributes": 16} | dict(dimensions or {})
    classes = {"text": "HashEncoder", "attributes": "HashAttributes"}
    encoders: dict[str, Any] = {
        part: {"CLASS": f"tests.encoders_fake.{name}", **fused(weights[part], dimensions[part])}
        for part, name in classes.items()
    }
    encoders["text"]["OPTIONS"] = dict(text or {})
    usual = {"ENCODERS": {**encoders, "image": None, "colour": None}}
    return with_settings(base, **usual | changes)
