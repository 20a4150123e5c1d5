"""Several rankings made one, by their ranks: scores of different kinds cannot be compared.

Reciprocal-rank fusion (Cormack, Clarke and Büttcher 2009): a product's score is the sum over
the rankings of weight ÷ (constant + rank).
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

#: Chosen by cross-validation over queries, see docs/search.md.
CONSTANT = 60
LEXICAL_WEIGHT = 0.5


def fuse(
    rankings: Sequence[tuple[float, Sequence[Key]]], constant: float = CONSTANT
) -> Mapping[Key, float]:
    """Key → score in (0, 1], the best first; ties stay in the order of the first ranking.

    ``rankings``: (weight, keys from the best on) of each. A product that leads them all has 1.
    """
    scores: dict[Key, float] = {}
    most = sum(weight for weight, _keys in rankings) / (constant + 1)
    for weight, keys in rankings:
        for rank, key in enumerate(keys, start=1):
            scores[key] = scores.get(key, 0.0) + weight / (constant + rank) / most
    return dict(sorted(scores.items(), key=lambda item: -item[1]))
