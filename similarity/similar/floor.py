"""The floor of shelves: a product below it is no more alike than any two of the catalogue.

A *department* is the first level of a category's path. A product of the same department must be
nearer than products of different departments usually are to each other. A product of another
department must be at least half as near as neighbours are, and its category must be close to the
product's own. :mod:`similarity.versions.floors` learns all of this from the catalogue.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, NamedTuple

from similarity.models import EncoderVersion
from similarity.similar.hits import Candidate
from similarity.similar.scoring import score_of_distance

#: One pair in twenty of different departments is nearer than its mean plus this many deviations.
DEVIATIONS = 1.645


class Heights(NamedTuple):
    """Least scores: for a product of the same department, and for any other product."""

    inside: float
    outside: float


@dataclass(frozen=True)
class Floor:
    """The floor learned from a version's vectors, as :attr:`EncoderVersion.floor` stores it."""

    version: EncoderVersion

    @property
    def is_learned(self) -> bool:
        return bool(self._columns)

    def heights(self, weights: Mapping[str, float], metric: str) -> Heights:
        """Return the least scores of hits that are found by ``weights``: column → share of 1.

        The mean of a weighted sum is the weighted sum of means. The deviations of its parts are
        assumed to be independent.
        """
        shares = {name: share for name, share in weights.items() if name in self._columns}
        total = sum(shares.values()) or 1.0
        mean, near, variance = 0.0, 0.0, 0.0
        for name, share in shares.items():
            column = self._columns[name]
            mean += share / total * column["mean"]
            near += share / total * column["near"]
            variance += (share / total * column["deviation"]) ** 2
        apart = min(mean + DEVIATIONS * sqrt(variance), near)
        return Heights(*(_score(metric, cosine) for cosine in (apart, near)))

    def admits(self, categories: Collection[int], hit: Candidate, heights: Heights) -> bool:
        """Return True if a shelf for a product of these categories (numbers) may show the hit."""
        if hit.score >= heights.outside:
            return any(self.is_close(own, hit.category) for own in categories)
        return hit.score >= heights.inside and any(
            self._department(own) == self._department(hit.category)
            for own in categories
            if own and hit.category
        )

    def is_close(self, own: int, other: int) -> bool:
        """Return True if the other category is close: in the same department, or learned as close.

        A new or missing category excludes no product by itself.
        """
        if own == other or not (own in self._departments and other in self._departments):
            return True
        same = self._department(own) == self._department(other)
        return same or other in self._close.get(own, ())

    def _department(self, category: int) -> int:
        return self._departments.get(category, category)

    @cached_property
    def _columns(self) -> Mapping[str, Mapping[str, float]]:
        return dict(self.version.floor.get("columns", {}))

    @cached_property
    def _departments(self) -> Mapping[int, int]:
        return dict(_numbered(self.version.floor.get("departments", {})))

    @cached_property
    def _close(self) -> Mapping[int, frozenset[int]]:
        learned = _numbered(self.version.floor.get("close", {}))
        return {category: frozenset(others) for category, others in learned}


def floor_of(version: EncoderVersion) -> Floor:
    """Return the version's floor, made once for each reading of the version's row."""
    known: Floor | None = getattr(version, "_similarity_floor", None)
    if known is None:
        known = Floor(version)
        version._similarity_floor = known  # type: ignore[attr-defined]
    return known


def _score(metric: str, cosine: float) -> float:
    """Return the score of unit rows with this cosine."""
    if metric == "l2":
        return score_of_distance(metric, sqrt(max(2.0 - 2.0 * cosine, 0.0)))
    return score_of_distance("cosine", 1.0 - cosine)


def _numbered(learned: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    """Yield pairs with numbers as keys, because JSON has texts as keys."""
    return ((int(category), value) for category, value in learned.items())
