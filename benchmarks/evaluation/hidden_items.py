"""Hide an item of a basket and score how early it is found from the other items."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.orders.counting.engine import Baskets

#: Sizes of tested baskets: a single item or a reseller's list does not show which items go
#: together.
SMALLEST, LARGEST = 2, 100
TOP = 10
_CHUNK = 512  # carts scored at once against all items

Floats = npt.NDArray[np.float64]
#: (carts csr (N, I) of ones) → scores (N, I), 0 for unknown items.
Recommender = Callable[[Any], npt.NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Hidden:
    """N carts and the item hidden from each; the ``draws`` carts of a basket are adjacent."""

    carts: Any  # scipy csr (N, I)
    item: npt.NDArray[np.int64]
    draws: int


class Found(NamedTuple):
    """Shares of hidden items among the first 5 and 10, and NDCG@10.

    ``gains`` (baskets,) are the NDCG@10 of each basket.
    """

    hits_at_5: float
    hits_at_10: float
    ndcg_at_10: float
    gains: Floats


def matrix(baskets: Baskets) -> Any:
    """Return scipy csr (baskets, items) of ones."""
    from scipy import sparse

    shape = (len(baskets.day), baskets.items)
    ones = np.ones(len(baskets.item))
    return sparse.csr_matrix((ones, (baskets.basket, baskets.item)), shape=shape)


def hide(baskets: Baskets, draws: int, seed: int) -> Hidden:
    """Hide a random item of each basket of 2 to 100 items, ``draws`` times."""
    from scipy import sparse

    dice = np.random.default_rng(seed)
    start = np.searchsorted(baskets.basket, np.arange(len(baskets.day) + 1))
    carts, hidden = [], []
    for low, high in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
        bought = baskets.item[low:high]
        if SMALLEST <= len(bought) <= LARGEST:
            for _ in range(draws):
                at = int(dice.integers(len(bought)))
                hidden.append(int(bought[at]))
                carts.append(np.delete(bought, at))
    ends = np.cumsum([0, *map(len, carts)])
    items = np.concatenate(carts) if carts else np.empty(0, np.int32)
    shape = (len(carts), baskets.items)
    table = sparse.csr_matrix((np.ones(len(items)), items, ends), shape=shape)
    return Hidden(table, np.array(hidden, np.int64), draws)


def judge(recommend: Recommender, asked: Hidden) -> Found:
    """Return how early the hidden items come.

    Of equal scores, the lower item number comes first. An item with a score of 0 or below is not
    found.
    """
    ranks = np.concatenate(
        [
            _ranks(recommend(asked.carts[at : at + _CHUNK]), asked, at)
            for at in range(0, len(asked.item), _CHUNK)
        ]
    )
    gain = np.where(ranks < TOP, 1.0 / np.log2(ranks + 2.0), 0.0)
    gains = gain.reshape(-1, asked.draws).mean(axis=1)
    return Found(float((ranks < 5).mean()), float((ranks < TOP).mean()), float(gain.mean()), gains)


def _ranks(found: npt.NDArray[np.floating[Any]], asked: Hidden, at: int) -> Floats:
    scores = np.array(found, np.float64)
    carts, item = asked.carts[at : at + len(scores)], asked.item[at : at + len(scores)]
    scores[carts.nonzero()] = -np.inf
    own = scores[np.arange(len(item)), item][:, None]
    earlier = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) < item[:, None]))
    ranks: Floats = np.where(own[:, 0] > 0, earlier.sum(axis=1), np.inf)
    return ranks
