"""Measures of a pair: support, confidence, lift, log-likelihood ratio, and the default.

All are elementwise over arrays. ``pair``, ``first`` and ``second`` are the weights of the pair and
of its items. ``total`` is the sum of the weights of all baskets. All must have the same unit.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from similarity.orders.counting.engine import ONE, ItemCounts, PairBlock
from similarity.types import DoubleArray

#: Partners kept for each item.
MAX_PARTNERS = 50

Key = TypeVar("Key", bound=Hashable)
#: Dunning's ratio that chance reaches once in a thousand: χ² with one degree of freedom.
SURE = 10.83

#: How strongly a cart item's influence is divided by the sum of its partners' strengths: 0 not at
#: all, 1 completely.
SPREAD = 0.75

Numbers = npt.ArrayLike


def support(pair: Numbers, total: Numbers) -> DoubleArray:
    """Return the share of baskets that hold both items, 0 to 1."""
    return _ratio(pair, total)


def confidence(pair: Numbers, first: Numbers) -> DoubleArray:
    """Return the share of the first item's baskets that also hold the second item, 0 to 1."""
    return _ratio(pair, first)


def lift(pair: Numbers, first: Numbers, second: Numbers, total: Numbers) -> DoubleArray:
    """Return how many times more often than by chance; 1 is chance (Brin et al., 1997)."""
    return _ratio(_floats(pair) * _floats(total), _floats(first) * _floats(second))


def cosine(pair: Numbers, first: Numbers, second: Numbers) -> DoubleArray:
    """Return the cosine of the items' baskets, 0 to 1 (Ochiai)."""
    return _ratio(pair, np.sqrt(_floats(first) * _floats(second)))


def log_likelihood_ratio(
    pair: Numbers, first: Numbers, second: Numbers, total: Numbers
) -> DoubleArray:
    """Return how certain it is that two items belong together: Dunning's G² (1993), in baskets.

    0 for independent items; chance reaches 10.8 once in a thousand. Negative for pairs rarer than
    by chance, so that certain pairs sort first.
    """
    both, one, two, every = (_floats(value) / ONE for value in (pair, first, second, total))
    cells = [
        (both, one * two),
        (one - both, one * (every - two)),
        (two - both, two * (every - one)),
        (every - one - two + both, (every - one) * (every - two)),
    ]
    found = np.zeros(np.broadcast_shapes(*(np.shape(cell) for cell, _ in cells)))
    for cell, expected in cells:
        # 0 log 0 is 0. Sums of damped weights can fall slightly below 0.
        full = (cell > 0) & (expected > 0) & (every > 0)
        odds = np.divide(cell * every, expected, out=np.ones_like(found), where=full)
        found += np.where(full, cell * np.log(odds), 0.0)
    return np.where(both * every < one * two, -1.0, 1.0) * np.maximum(2.0 * found, 0.0)


def _floats(value: Numbers) -> DoubleArray:
    return np.asarray(value, dtype=np.float64)


def _ratio(part: Numbers, whole: Numbers) -> DoubleArray:
    part, whole = np.broadcast_arrays(_floats(part), _floats(whole))
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def strength(pair: Numbers, first: Numbers, second: Numbers, total: Numbers) -> DoubleArray:
    """Return the default measure (0 and up): the cosine times the log-likelihood ratio.

    The cosine is the share of both items' baskets that they have in common. The ratio is the
    certainty that they belong together. The cosine alone trusts pairs from a few baskets; the ratio
    alone prefers the best sellers. Of the tested blends, this measure found the hidden item of
    later baskets best; see docs/bought-together.md.
    """
    sure = np.maximum(log_likelihood_ratio(pair, first, second, total), 0.0)
    return cosine(pair, first, second) * sure


def blend(pair: Numbers, first: Numbers, second: Numbers, total: Numbers) -> DoubleArray:
    """Return :func:`strength` as a score in [0, 1), in the same order; never 1.

    The score is 0.5 for a pair that is always bought together and that chance gives once in a
    thousand.
    """
    measured = strength(pair, first, second, total)
    return measured / (SURE + measured)


def cart_scores(scores: Sequence[Mapping[Key, float]], shares: Sequence[float]) -> dict[Key, float]:
    """Return a score in [0, 1) for each partner of any item in a cart.

    ``scores`` holds, for each item of the cart, the :func:`blend` of its partners. ``shares`` holds
    the share of baskets with the item. The score is the weighted mean of the items' strengths. An
    item's weight is a quotient:

    - The dividend is the root of the log of 1 / share, because an item in nearly every cart says
      little (Sparck Jones, 1972).
    - The divisor is the sum of its partners' strengths to the power of :data:`SPREAD`, because an
      item with many strong partners says little about each partner.
    """
    strengths = [
        {key: score / max(1.0 - score, 1e-12) for key, score in partners.items()}
        for partners in scores
    ]
    says = [
        _rarity(share) ** 0.5 / (sum(partners.values()) ** SPREAD or 1.0)
        for partners, share in zip(strengths, shares, strict=True)
    ]
    most = sum(says) or 1.0
    added: dict[Key, float] = defaultdict(float)
    for partners, weight in zip(strengths, says, strict=True):
        for key, strong in partners.items():
            added[key] += weight * strong
    return {key: (total / most) / (1.0 + total / most) for key, total in added.items()}


def rank(
    block: PairBlock, items: ItemCounts, total_weight: int, *, most: int, min_shoppers: int
) -> npt.NDArray[np.int64]:
    """Return positions in ``block`` of the ``most`` best partners per first item, best first.

    Leave out pairs with fewer than ``min_shoppers`` shoppers. Break ties by the smaller ``second``.
    Keep the first items in the order of the block.
    """
    kept = np.flatnonzero(block.shoppers >= min_shoppers)
    first, second = block.first[kept], block.second[kept]
    score = blend(block.weight[kept], items.weight[first], items.weight[second], total_weight)
    # Round, so that equal counts get equal scores however their arrays were split.
    order = np.lexsort((second, -np.round(score, 9), first))
    kept, first = kept[order], first[order]
    starts = np.concatenate(([True], first[1:] != first[:-1]))
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(first)), 0))
    return kept[np.arange(len(first)) - begin < most]


def _rarity(share: float) -> float:
    """Return the log of 1 / share, at least 0.001.

    An item in every basket keeps some influence, for example in a cart with a single item.
    """
    return max(-math.log(min(max(share, 1e-9), 1.0)), 1e-3)
