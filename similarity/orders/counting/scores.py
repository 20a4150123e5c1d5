"""What a pair's counts say: support, confidence, lift, log-likelihood ratio, and the default.

All are elementwise over arrays. ``pair``, ``first`` and ``second`` are the weights of the
pair and of its items, ``total`` the sum of all baskets' weights, each in any unit but the same.
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
#: Dunning's ratio that chance gives once in a thousand: χ² of one degree of freedom.
SURE = 10.83

#: How much an item's word in a cart is shared among its partners: 0 not at all, 1 wholly.
SPREAD = 0.75

Numbers = npt.ArrayLike


def support(pair: Numbers, total: Numbers) -> DoubleArray:
    """The share of baskets that hold both, 0 to 1."""
    return _ratio(pair, total)


def confidence(pair: Numbers, first: Numbers) -> DoubleArray:
    """Of the baskets with the first item, the share that hold the second too, 0 to 1."""
    return _ratio(pair, first)


def lift(pair: Numbers, first: Numbers, second: Numbers, total: Numbers) -> DoubleArray:
    """How many times more often than by chance; 1 is chance (Brin et al., 1997)."""
    return _ratio(_floats(pair) * _floats(total), _floats(first) * _floats(second))


def cosine(pair: Numbers, first: Numbers, second: Numbers) -> DoubleArray:
    """The cosine of the items' baskets, 0 to 1 (Ochiai)."""
    return _ratio(pair, np.sqrt(_floats(first) * _floats(second)))


def log_likelihood_ratio(
    pair: Numbers, first: Numbers, second: Numbers, total: Numbers
) -> DoubleArray:
    """How sure it is that two items belong together, in baskets: Dunning's G² (1993).

    0 for items as independent as can be; from 10.8 on, chance gives it once in a thousand.
    Negative for pairs rarer than by chance, so that the sure ones come first.
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
        # 0 log 0 is 0; sums of damped weights may fall below 0 by a little.
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
    """The default measure, 0 and up: the cosine, how much of both items' baskets they share,
    times the log-likelihood ratio, how sure it is that they belong together.

    The cosine alone trusts pairs that a few baskets made; the ratio alone prefers whatever
    sells most. Of the blends tried, this one found the hidden item of later baskets best;
    see docs/bought-together.md.
    """
    sure = np.maximum(log_likelihood_ratio(pair, first, second, total), 0.0)
    return cosine(pair, first, second) * sure


def blend(pair: Numbers, first: Numbers, second: Numbers, total: Numbers) -> DoubleArray:
    """:func:`strength` as a score in [0, 1): the order stays, and 1 is never reached.

    Half is a pair always bought together that chance gives once in a thousand.
    """
    measured = strength(pair, first, second, total)
    return measured / (SURE + measured)


def cart_scores(scores: Sequence[Mapping[Key, float]], shares: Sequence[float]) -> dict[Key, float]:
    """One score in [0, 1) for each partner of any item in a cart.

    ``scores``: for each item of the cart, its partners' :func:`blend`. ``shares``: the share of
    baskets that hold the item. It is the mean of the items' strengths, in which an item counts
    by two things: the root of the log of one over its share, for what nearly everybody has in
    the cart says little (Sparck Jones, 1972), over its partners' strengths together to the
    power of :data:`SPREAD`, for an item with many strong partners says little of each.
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
    """Positions in ``block`` of the ``most`` best partners of each first item, best first.

    Pairs of fewer than ``min_shoppers`` shoppers are left out. Equal scores go to the smaller
    ``second``. First items come in the order of the block.
    """
    kept = np.flatnonzero(block.shoppers >= min_shoppers)
    first, second = block.first[kept], block.second[kept]
    score = blend(block.weight[kept], items.weight[first], items.weight[second], total_weight)
    # Rounded, so that equal counts are equal whichever way their arrays were cut.
    order = np.lexsort((second, -np.round(score, 9), first))
    kept, first = kept[order], first[order]
    starts = np.concatenate(([True], first[1:] != first[:-1]))
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(first)), 0))
    return kept[np.arange(len(first)) - begin < most]


def _rarity(share: float) -> float:
    """At least a little: an item in every basket still says something in a cart of one."""
    return max(-math.log(min(max(share, 1e-9), 1.0)), 1e-3)
