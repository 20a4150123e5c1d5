"""Reasons for a hit: the shares of its score."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext, gettext_noop

from similarity.models.stored_vectors import FloatArray, StoredVectors
from similarity.parts import PARTS, TABLE
from similarity.similar.hits import Candidate, Reason
from similarity.similar.scoring import part_cosines

#: reason → (sentence, sentence if the two are almost equal)
SENTENCES = {
    **{part.reason: (part.similar, part.same) for part in TABLE.values()},
    "brand": (gettext_noop("Related brand"), gettext_noop("Same brand")),
    "category": (gettext_noop("Related category"), gettext_noop("Same category")),
    "price": (gettext_noop("Similar price"), gettext_noop("Same price")),
}
#: Cosine from which two parts are called the same; half precision loses a thousandth.
SAME_COSINE = 0.995
#: The price's code is a bell over the ratio of two prices, flat at its top: two prices 4 % apart
#: have 0.998. This is the cosine of equal prices in half precision; at 0.1 % apart it is lower.
SAME_PRICE_COSINE = 0.999999
#: Prices about a third apart. Larger differences are not given as a reason, but add to the score.
SIMILAR_PRICE_COSINE = 0.9

Blocks = Mapping[str, tuple[int, int]]


def reasons(
    source: StoredVectors,
    other: StoredVectors,
    weights: Mapping[str, float],
    blocks: Blocks,
) -> tuple[Reason, ...]:
    """Return reasons by falling share; the shares add up to 1. Empty if no part is alike.

    A part contributes its weight times its cosine. The attributes' part is split by ``blocks``
    (name → slice of the attributes vector), whose dot products add up to the cosine. A negative
    cosine has no share, and neither has a price that is not similar.
    """
    cosines, present = part_cosines(source, [other])
    brought: dict[str, float] = {}
    alike: dict[str, float] = {}
    for at, part in enumerate(PARTS):
        weight = weights.get(part, 0.0)
        if not present[0, at] or weight <= 0:
            continue
        pieces = {TABLE[part].reason: (cosines[0, at], cosines[0, at])}
        if part == "attributes":
            pieces = _by_block(source.vectors[part], other.vectors[part], blocks)
        for name, (dot, cosine) in pieces.items():
            if name == "price" and cosine < SIMILAR_PRICE_COSINE:
                continue
            brought[name] = brought.get(name, 0.0) + weight * dot
            alike[name] = float(cosine)
    return _shares(brought, alike)


def by_category(found: Iterable[Candidate]) -> dict[Any, tuple[Reason, ...]]:
    """Return key → the only reason of a hit that was found by its category or its department."""
    same = {"category": True, "department": False}
    return {
        one.key: (Reason("category", 1.0, gettext(SENTENCES["category"][same[one.tier]])),)
        for one in found
        if one.tier in same
    }


def _by_block(
    own: FloatArray | None, theirs: FloatArray | None, blocks: Blocks
) -> dict[str, tuple[float, float]]:
    """Return reason → (share of the cosine, cosine within the block)."""
    pieces: dict[str, tuple[float, float]] = {}
    if own is None or theirs is None:
        return pieces
    rest = np.ones(len(own), dtype=bool)
    length = float(np.linalg.norm(own) * np.linalg.norm(theirs)) or 1.0
    for name in ("brand", "category", "price"):
        if name in blocks:
            start, stop = blocks[name]
            inside = slice(int(start), int(stop))
            rest[inside] = False
            pieces[name] = _piece(own[inside], theirs[inside], length)
    pieces["attributes"] = _piece(own[rest], theirs[rest], length)
    return pieces


def _piece(own: FloatArray, theirs: FloatArray, length: float) -> tuple[float, float]:
    dot = float(own @ theirs)
    lengths = float(np.linalg.norm(own) * np.linalg.norm(theirs))
    return dot / length, dot / lengths if lengths > 1e-12 else 0.0


def _is_same(name: str, cosine: float) -> bool:
    return cosine >= (SAME_PRICE_COSINE if name == "price" else SAME_COSINE)


def _shares(brought: Mapping[str, float], alike: Mapping[str, float]) -> tuple[Reason, ...]:
    positive = {name: amount for name, amount in brought.items() if amount > 1e-9}
    total = sum(positive.values())
    ordered = sorted(positive, key=lambda name: (-positive[name], name))
    return tuple(
        Reason(
            name,
            float(positive[name] / total),
            gettext(SENTENCES[name][_is_same(name, alike[name])]),
        )
        for name in ordered
    )
