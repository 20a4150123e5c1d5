"""Words and meaning as one order.

A product's score is ``WEIGHT × words + (1 - WEIGHT) × meaning``, where words is its lexical
score and meaning the cosine of its text vector with the query's (and of its image vector, see
:func:`meant`), each divided by the best of the query (a convex combination, as Bruch, Gai and
Ingber 2023 weigh it against reciprocal-rank fusion). Products found by words alone get their
cosine too, from the vectors that are stored. :func:`fuse` is what it was measured against, and
joins rankings without scores that compare.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

#: Cross-validation over judged queries chooses 0.35 to 0.65, see docs/search.md.
WEIGHT = 0.5
#: The photos' share of the meaning where words find pictures. A guess kept modest, and not
#: measured: photos tell of looks, titles of what a thing is for.
PICTURES = 0.3
#: Of reciprocal-rank fusion, as its authors have it.
CONSTANT = 60


def blend(
    words: Mapping[Key, float], meaning: Mapping[Key, float], weight: float = WEIGHT
) -> dict[Key, float]:
    """Key → score in [0, 1], the best first; ties stay in the order of ``words``, then ``meaning``.

    ``words``: lexical scores above 0. ``meaning``: cosines, of which those below 0 count 0. A
    product that one side does not have has 0 there.
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
    """Part (``text``, ``image``) → key → cosine, as one score of the meaning of each product.

    One part alone: its cosines. Both: ``(1 - pictures) × text + pictures × image``, each
    divided by the best of the query; a product that has no photo, or no text, has 0 there.
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
    """Reciprocal-rank fusion (Cormack, Clarke and Büttcher 2009): a product's score is the sum
    over the rankings of weight ÷ (constant + rank).

    ``rankings``: (weight, keys from the best on) of each. Key → score in (0, 1], the best first;
    a product that leads them all has 1.
    """
    scores: dict[Key, float] = {}
    most = sum(weight for weight, _keys in rankings) / (constant + 1)
    for weight, keys in rankings:
        for rank, key in enumerate(keys, start=1):
            scores[key] = scores.get(key, 0.0) + weight / (constant + rank) / most
    return dict(sorted(scores.items(), key=lambda item: -item[1]))
