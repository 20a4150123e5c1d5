"""Combines words and meaning into one order.

A product's score is ``WEIGHT × words + (1 - WEIGHT) × meaning``. Words is its lexical score.
Meaning is the cosine of its text vector with the query's (and of its image vector, see
:func:`meant`). Each is divided by the best of the query. This is a convex combination, as Bruch,
Gai and Ingber 2023 compare it with reciprocal-rank fusion. Products found by words alone get their
cosine too, from the stored vectors. :func:`fuse` is the alternative it was measured against; it
also joins rankings whose scores cannot be compared.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

#: Cross-validation over judged queries chooses 0.35 to 0.65, see docs/search.md.
WEIGHT = 0.5
#: The photos' share of the meaning if words find pictures. A modest guess, not measured: photos
#: show the looks of a product, titles its purpose.
PICTURES = 0.3
#: The constant of reciprocal-rank fusion, as its authors chose it.
CONSTANT = 60


def blend(
    words: Mapping[Key, float], meaning: Mapping[Key, float], weight: float = WEIGHT
) -> dict[Key, float]:
    """Return key → score in [0, 1], best first; ties stay in the order of ``words``, then
    ``meaning``.

    ``words``: lexical scores above 0. ``meaning``: cosines; negative cosines count as 0. A product
    missing on one side has 0 there.
    """
    best_word = max(words.values(), default=0.0) or 1.0
    best_meaning = max(meaning.values(), default=0.0)
    scores = {
        key: weight * words.get(key, 0.0) / best_word
        + (1 - weight) * (max(meaning.get(key, 0.0), 0.0) / best_meaning if best_meaning > 0 else 0)
        for key in dict.fromkeys([*words, *meaning])
    }
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def meant(near: Mapping[str, Mapping[Key, float]], pictures: float = PICTURES) -> dict[Key, float]:
    """Combine part (``text``, ``image``) → key → cosine into one score of meaning for each product.

    With one part, return its cosines. With both, return ``(1 - pictures) × text + pictures ×
    image``, each divided by the best of the query; a product without a photo, or without text, has
    0 there.
    """
    if len(near) == 1:
        return dict(*near.values())
    scores: dict[Key, float] = {}
    for part, cosines in near.items():
        best = max(cosines.values(), default=0.0)
        share = pictures if part == "image" else 1 - pictures
        for key, cosine in cosines.items():
            scores[key] = scores.get(key, 0.0) + (
                share * max(cosine, 0.0) / best if best > 0 else 0
            )
    return scores


def fuse(
    rankings: Sequence[tuple[float, Sequence[Key]]], constant: float = CONSTANT
) -> dict[Key, float]:
    """Return reciprocal-rank fusion (Cormack, Clarke and Büttcher 2009) of several rankings.

    A product's score is the sum over the rankings of weight ÷ (constant + rank). ``rankings``:
    (weight, keys from the best on) of each. Returns key → score in (0, 1], best first; a product
    that leads all rankings has 1.
    """
    scores: dict[Key, float] = {}
    most = sum(weight for weight, _keys in rankings) / (constant + 1)
    for weight, keys in rankings:
        for rank, key in enumerate(keys, start=1):
            scores[key] = scores.get(key, 0.0) + weight / (constant + rank) / most
    return dict(sorted(scores.items(), key=lambda item: -item[1]))
