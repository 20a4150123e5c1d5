"""Brand, category, other attributes and price as one vector, without a model.

Every value becomes a code of ±1 from its BLAKE2 hash (feature hashing with dense signs). Equal
values have equal codes, and different values are nearly orthogonal. The encoder is not fitted, so a
new brand needs no new version.
"""

import functools
import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist

import numpy as np

from similarity.catalog.content import ProductContent
from similarity.encoders.base import Encoded, Encoder, FloatArray, unit_rows
from similarity.exceptions import EncoderError

#: Block → its length. The lengths add up to the length of a row.
WIDTHS = {"brand": 24, "category": 32, "other": 24, "price": 16}

#: Block → its share of the row's squared length if a product has all four.
SHARES = {"brand": 0.25, "category": 0.40, "other": 0.25, "price": 0.10}

_VERSION = 2
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(\D{0,8})")
_SAYS_NOTHING = {"", "no", "false", "none", "null", "n/a", "na", "-", "unknown"}
_NUMBER_STEP = 0.5  # octaves: numbers 40 % apart share only a neighbour
_PRICE_WIDTH = 1.0  # octaves: at twice the price the likeness is 0.6, at four times 0.1
_LEVEL_GROWTH = math.sqrt(2)


class AttributeEncoder(Encoder):
    """An encoder of attributes; ``brand`` and ``category`` name the attributes of these blocks.

    The category's levels are separated by ``>``. Each level counts more than the level above it. So
    siblings under one parent are near, and nearer the deeper they branch. The other attributes
    count equally, however many comma-separated values each has. A number is near to numbers of
    similar size and of the same unit. The price is compared by ratio, and only with prices in the
    same currency. A product without a block shares that block's weight among its other blocks. A
    product with only a price is not present, because an equal price makes no two things similar.

    ``shares`` replaces entries of :data:`SHARES`. Raises :class:`EncoderError` for an unknown block
    or a negative share.
    """

    name = "attributes"
    fingerprint_fields = ("attributes", "price", "currency")

    def __init__(
        self,
        brand: str = "brand",
        category: str = "category",
        shares: Mapping[str, float] | None = None,
    ) -> None:
        for block, share in (shares or {}).items():
            if block not in SHARES or not isinstance(share, int | float) or not share >= 0:
                raise EncoderError(
                    f"The attribute encoder has shares={shares!r}; they must map some of "
                    f"{', '.join(SHARES)} to numbers of zero or more."
                )
        self._brand, self._category = brand, category
        self._shares = {**SHARES, **(shares or {})}

    @property
    def dimension(self) -> int:
        return sum(WIDTHS.values())

    @property
    def blocks(self) -> dict[str, tuple[int, int]]:
        """Map each block to (start, stop) inside a row."""
        slices: dict[str, tuple[int, int]] = {}
        start = 0
        for block, width in WIDTHS.items():
            slices[block] = (start, start + width)
            start += width
        return slices

    @property
    def signature(self) -> str:
        shares = ",".join(f"{block}={share:g}" for block, share in self._shares.items())
        return f"attributes-{_VERSION}:{self._brand},{self._category}:{shares}"

    def encode(self, contents: Sequence[ProductContent]) -> Encoded:
        vectors = np.zeros((len(contents), self.dimension), dtype=np.float32)
        for row, content in enumerate(contents):
            for block, code in self._codes(content).items():
                start, stop = self.blocks[block]
                vectors[row, start:stop] = math.sqrt(self._shares[block]) * _unit(code)
        says_something = np.asarray(vectors[:, : self.blocks["price"][0]].any(axis=1))
        vectors = unit_rows(vectors * says_something[:, None])
        return Encoded(vectors, np.asarray(vectors.any(axis=1)))

    def _codes(self, content: ProductContent) -> dict[str, FloatArray]:
        others = {
            name: value
            for name, value in content.plain_attributes.items()
            if name not in (self._brand, self._category)
        }
        return {
            "brand": _several(
                _token("brand", value, WIDTHS["brand"])
                for value in _values(content.plain_attributes.get(self._brand, ""))
            ),
            "category": _several(
                _category(path)
                for path in _values(content.plain_attributes.get(self._category, ""))
            ),
            "other": _several(_attribute(name, value) for name, value in sorted(others.items())),
            "price": _price(content),
        }


def _category(path: str) -> FloatArray:
    levels = [level for level in (part.strip() for part in path.split(">")) if level]
    return _several(
        _LEVEL_GROWTH**depth * _token("category", ">".join(levels[: depth + 1]), WIDTHS["category"])
        for depth in range(len(levels))
    )


def _attribute(name: str, value: str) -> FloatArray:
    """Return an attribute's code, of length one however many values it has."""
    return _unit(_several(_value(name.lower(), text) for text in _values(value)))


def _value(name: str, text: str) -> FloatArray:
    width = WIDTHS["other"]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return _token(name, text, width)
    amount, unit = float(number[1]), number[2].strip()
    position = math.copysign(math.log2(1 + abs(amount)), amount) / _NUMBER_STEP
    below = math.floor(position)
    share = position - below
    codes = [_token(f"{name}#{unit}", str(step), width) for step in (below, below + 1)]
    return math.cos(share * math.pi / 2) * codes[0] + math.sin(share * math.pi / 2) * codes[1]


def _price(content: ProductContent) -> FloatArray:
    """Return random Fourier features (Rahimi and Recht 2007) of the price in octaves.

    Their cosine is a bell over the ratio of two prices. Each currency turns the phases by its own
    angles, so that prices in two currencies share no likeness.
    """
    count = WIDTHS["price"] // 2
    if content.price is None or content.price <= 0:
        return np.zeros(WIDTHS["price"], dtype=np.float32)
    octaves = math.log2(float(content.price))
    angles = _frequencies(count) / _PRICE_WIDTH * octaves
    angles = angles + _phases(content.currency.upper(), count)
    return np.concatenate([np.cos(angles), np.sin(angles)]).astype(np.float32)


def _frequencies(count: int) -> FloatArray:
    """Return evenly spaced quantiles of the half-normal distribution for a Gaussian bell."""
    normal = NormalDist()
    quantiles = [normal.inv_cdf(0.5 + (at + 0.5) / (2 * count)) for at in range(count)]
    return np.array(quantiles, dtype=np.float32)


@functools.lru_cache(maxsize=64)
def _phases(currency: str, count: int) -> FloatArray:
    digest = hashlib.blake2b(currency.encode(), digest_size=2 * count).digest()
    return np.frombuffer(digest, dtype="<u2").astype(np.float32) * (2 * math.pi / 65536)


@functools.lru_cache(maxsize=65536)
def _token(name: str, value: str, width: int) -> FloatArray:
    """Return ±1 / √width in each coordinate, by the bits of a hash: the same in every process."""
    text = f"{name}={' '.join(value.lower().split())}"
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=-(-width // 8))
    bits = np.unpackbits(np.frombuffer(digest.digest(), dtype=np.uint8))[:width]
    code: FloatArray = (bits.astype(np.float32) * 2 - 1) / np.float32(math.sqrt(width))
    code.flags.writeable = False  # shared by all products through the cache
    return code


def _values(text: str) -> list[str]:
    values = (value.strip() for value in text.split(","))
    return [value for value in values if value.lower() not in _SAYS_NOTHING]


def _several(codes: Iterable[FloatArray]) -> FloatArray:
    total = np.zeros(1, dtype=np.float32)
    for code in codes:
        total = total + code
    return total


def _unit(code: FloatArray) -> FloatArray:
    return unit_rows(code[None, :])[0]
