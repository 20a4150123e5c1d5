"""What a shopper likes, as one vector for each kind of thing liked.

Relevance feedback after Rocchio (1971, "Relevance feedback in information retrieval"): the
mean of what is liked, less a share of the mean of what is not. The mean serves only where
the liked lie together; halfway between a mug and a tent lie neither mugs nor tents. So the
liked are first grouped by average linkage, and each group has a mean of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from similarity.similar.stored import FloatArray

#: Rocchio's share of the disliked mean beside the liked one's 1. Below 1, so that what is
#: left always has a direction; 0.25 is the usual one, for a dislike says less than a liking.
DISLIKED_SHARE = 0.25
#: Groups of liked products whose mean cosine is at least this are one taste. Parts are centred
#: before they are fused, so that products with nothing in common have cosines about 0; of one
#: kind of thing they have 0.3 and more. Lower mixes shirts with trousers, higher parts shirts.
SAME_TASTE_COSINE = 0.2
#: Each taste is a search of its own; the nearest ones are joined until there are so many.
MAX_TASTES = 5

Key = TypeVar("Key")


@dataclass(frozen=True)
class Taste:
    """``vector``: float32 (D,) of length one; ``members``: rows of the liked it stands for."""

    vector: FloatArray
    members: tuple[int, ...]


def tastes(liked: FloatArray, disliked: FloatArray) -> list[Taste]:
    """The tastes in ``liked`` (N, D), those with most members first; [] for none.

    ``disliked``: (M, D). Rows have length one.
    """
    if not len(liked):
        return []
    cosines = (liked @ liked.T).astype(np.float64)
    groups = _grouped(cosines)
    away = disliked.mean(axis=0) if len(disliked) else np.zeros(liked.shape[1], np.float32)
    return [
        Taste(_unit(_middle(liked, cosines, group) - DISLIKED_SHARE * away), group)
        for group in groups
    ]


def take_turns(lists: Sequence[Sequence[Key]], votes: Sequence[int]) -> list[Key]:
    """The lists merged so that any beginning holds each in proportion to its votes.

    The place of the n-th entry (from 0) is (n + ½) ÷ votes, which is how Sainte-Laguë shares
    out seats; an entry of several lists counts where it comes first. Reciprocal-rank fusion
    with votes as weights would not do: three votes outweigh one down to rank 122.
    """
    turns = sorted(
        ((rank + 0.5) / count, at, rank)
        for at, (entries, count) in enumerate(zip(lists, votes, strict=True))
        for rank in range(len(entries))
    )
    return list(dict.fromkeys(lists[at][rank] for _place, at, rank in turns))


def _grouped(cosines: np.ndarray) -> list[tuple[int, ...]]:
    """Agglomerative, by average linkage: the two nearest groups are joined while near enough."""
    groups: list[tuple[int, ...]] = [(row,) for row in range(len(cosines))]
    sums = cosines.copy()  # of the cosines between the members of two groups
    while len(groups) > 1:
        sizes = np.array([len(group) for group in groups])
        linkage = sums / np.outer(sizes, sizes)
        linkage[np.tril_indices(len(groups))] = -np.inf
        first, second = divmod(int(linkage.argmax()), len(groups))
        if linkage[first, second] < SAME_TASTE_COSINE and len(groups) <= MAX_TASTES:
            break
        groups[first] = tuple(sorted(groups[first] + groups.pop(second)))
        sums[first] += sums[second]
        sums[:, first] += sums[:, second]
        sums = np.delete(np.delete(sums, second, axis=0), second, axis=1)
    return sorted(groups, key=lambda group: (-len(group), group))


def _middle(liked: FloatArray, cosines: np.ndarray, group: tuple[int, ...]) -> FloatArray:
    """The mean's direction; where opposites cancel out, the member nearest to the others."""
    rows = list(group)
    mean = liked[rows].mean(axis=0)
    if np.linalg.norm(mean) < 1e-3:
        mean = liked[rows[int(cosines[np.ix_(rows, rows)].sum(axis=1).argmax())]]
    return _unit(mean)


def _unit(vector: FloatArray) -> FloatArray:
    return (vector / np.float32(np.linalg.norm(vector))).astype(np.float32)
