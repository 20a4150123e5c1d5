"""What a pair's counts say: support, confidence, lift, log-likelihood ratio, and the default.

All are elementwise over arrays. ``pair``, ``first`` and ``second`` are the weights of the
pair and of its items, ``total`` the sum of all baskets' weights, each in any unit but the same.
"""

import numpy as np
import numpy.typing as npt

from similarity.copurchase.engine import ONE

Floats = npt.NDArray[np.float64]
Numbers = npt.ArrayLike


def support(pair: Numbers, total: Numbers) -> Floats:
    """The share of baskets that hold both, 0 to 1."""
    return _ratio(pair, total)


def confidence(pair: Numbers, first: Numbers) -> Floats:
    """Of the baskets with the first item, the share that hold the second too, 0 to 1."""
    return _ratio(pair, first)


def lift(pair: Numbers, first: Numbers, second: Numbers, total: Numbers) -> Floats:
    """How many times more often than by chance; 1 is chance (Brin et al., 1997)."""
    return _ratio(_floats(pair) * _floats(total), _floats(first) * _floats(second))


def cosine(pair: Numbers, first: Numbers, second: Numbers) -> Floats:
    """The cosine of the items' baskets, 0 to 1 (Ochiai)."""
    return _ratio(pair, np.sqrt(_floats(first) * _floats(second)))


def log_likelihood_ratio(pair: Numbers, first: Numbers, second: Numbers, total: Numbers) -> Floats:
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


def _floats(value: Numbers) -> Floats:
    return np.asarray(value, dtype=np.float64)


def _ratio(part: Numbers, whole: Numbers) -> Floats:
    part, whole = np.broadcast_arrays(_floats(part), _floats(whole))
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
