"""Scores of pairs, and ways to combine a cart's items, as candidates for the default."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.evaluation.copurchase_peers import summed
from benchmarks.evaluation.hidden_items import Recommender
from similarity import conf
from similarity.orders.counting import scores
from similarity.orders.counting.engine import Baskets, CountingRule, OrderCounts, PairBlock
from similarity.orders.counting.local import LocalEngine

Floats = npt.NDArray[np.float64]
#: (pair, first, second, total) → the strength of a pair, 0 and up
Measure = Callable[[Any, Any, Any, Any], Floats]


class Blend(NamedTuple):
    """A measure of pairs, and the weight of a cart's item.

    The weight is the item's rarity to the power of ``rarity``, over the sum of its partners'
    strengths to the power of ``spread``. The strengths of the items are added, or the ``largest``
    is used.
    """

    measure: Measure
    rarity: float = 0.5
    spread: float = scores.SPREAD
    largest: bool = False


DEFAULT = Blend(scores.strength)


def sure(power: float) -> Measure:
    """Return the cosine times a power of the log-likelihood ratio."""

    def measure(pair: Any, first: Any, second: Any, total: Any) -> Floats:
        ratio = np.maximum(scores.log_likelihood_ratio(pair, first, second, total), 0.0)
        found: Floats = scores.cosine(pair, first, second) * ratio**power
        return found

    return measure


MEASURES: dict[str, Measure] = {
    "plain counts": lambda pair, first, second, total: np.asarray(pair, np.float64),
    "confidence": lambda pair, first, second, total: scores.confidence(pair, first),
    "lift": scores.lift,
    "cosine": lambda pair, first, second, total: scores.cosine(pair, first, second),
    "log-likelihood ratio": lambda *counts: np.maximum(scores.log_likelihood_ratio(*counts), 0.0),
}


class Pairs:
    """The counts of some baskets, all pairs at once."""

    def __init__(
        self, baskets: Baskets, half_life_days: float | None = None, max_basket: int | None = None
    ) -> None:
        rule = CountingRule(
            reference_day=int(baskets.day.max(initial=0)),
            half_life_days=half_life_days or float(conf.default("ORDERS", "HALF_LIFE_DAYS")),
            max_basket=max_basket or conf.default("ORDERS", "MAX_BASKET"),
            window_days=conf.default("ORDERS", "WINDOW_DAYS"),
        )
        self.counts: OrderCounts = LocalEngine().count(baskets, rule)
        columns: Any = zip(*self.counts.pairs(), strict=True)
        self.block = PairBlock(*map(np.concatenate, columns))
        self.items = baskets.items

    def similarity(
        self, measure: Measure, *, min_shoppers: int | None = None, most: int | None = None
    ) -> Any:
        """Return csr (I, I) of the measure, with each item's ``most`` best partners or all."""
        from scipy import sparse

        fewest = conf.default("ORDERS", "MIN_SHOPPERS") if min_shoppers is None else min_shoppers
        first, second, pair, _orders, shoppers = self.block
        weight = self.counts.items.weight
        value = measure(pair, weight[first], weight[second], self.counts.total_weight)
        kept = np.flatnonzero((shoppers >= fewest) & (value > 0))
        if most is not None:
            order = kept[np.lexsort((second[kept], -value[kept], first[kept]))]
            start = np.searchsorted(first[order], first[order])
            kept = order[np.arange(len(order)) - start < most]
        table = (value[kept], (first[kept], second[kept]))
        return sparse.csr_matrix(table, shape=(self.items, self.items))

    def recommender(self, blend: Blend, min_shoppers: int | None = None) -> Recommender:
        """Return a recommender by the best ``PARTNERS`` of each item in a cart."""
        from scipy import sparse

        table = self.similarity(blend.measure, min_shoppers=min_shoppers, most=scores.MAX_PARTNERS)
        together = np.asarray(table.sum(axis=1)).ravel()
        says = self._rarity() ** blend.rarity / np.maximum(together, 1e-12) ** blend.spread
        table = sparse.csr_matrix(sparse.diags(says) @ table)
        if not blend.largest:
            return summed(table)
        return lambda carts: np.stack(
            [table[cart.indices].max(axis=0).toarray().ravel() for cart in carts]
        )

    def served(self, min_shoppers: int | None = None) -> Recommender:
        """Return a recommender by the same functions that serve pages."""
        table = self.similarity(scores.blend, min_shoppers=min_shoppers, most=scores.MAX_PARTNERS)
        share = self.counts.items.weight / max(self.counts.total_weight, 1)

        def partners(item: int) -> dict[int, float]:
            row = slice(table.indptr[item], table.indptr[item + 1])
            return dict(zip(table.indices[row].tolist(), table.data[row].tolist(), strict=True))

        def recommend(carts: Any) -> Floats:
            found = np.zeros(carts.shape)
            for at, cart in enumerate(carts):
                lists = [(partners(item), float(share[item])) for item in cart.indices]
                known = [(those, part) for those, part in lists if those]
                added = scores.cart_scores([t for t, _ in known], [part for _, part in known])
                found[at, list(added)] = list(added.values())
            return found

        return recommend

    def _rarity(self) -> Floats:
        share = self.counts.items.weight / max(self.counts.total_weight, 1)
        rarity: Floats = np.maximum(-np.log(np.clip(share, 1e-9, 1.0)), 1e-3)
        return rarity
