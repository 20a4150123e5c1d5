"""One shelf: its tiers asked in order until it is full, then its products loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.db import connections

from similarity.catalog.adapter import CatalogAdapter
from similarity.models import EncoderVersion, VectorCells
from similarity.models.vectors import PARTS
from similarity.similar import explain, fallback
from similarity.similar.found import Found, Taken
from similarity.similar.hits import Hit, Reason
from similarity.similar.query import Query
from similarity.similar.stored import read_vectors
from similarity.similar.tiers import Source, VectorTier, vector_tiers
from similarity.similar.within import Within


def live_version(using: str) -> EncoderVersion | None:
    """The live version without its fusion and figures; None before the first.

    Which one it is, and whether its row is still the one read before, is asked each time;
    the row itself is read once.
    """
    if connections[using].vendor != "postgresql":
        return None
    with connections[using].cursor() as cursor:
        cursor.execute(_WHICH)
        row = cursor.fetchone()
    return read_version(using, *row) if row else None


@lru_cache(maxsize=4)
def read_version(using: str, pk: int, row: str, cells: int | None) -> EncoderVersion | None:
    """The version whose row is the ``row``-th and whose live cells are ``cells``."""
    versions = EncoderVersion.objects.using(using).defer("fusion", "figures", "progress")
    version = versions.filter(pk=pk).first()
    if version is not None:
        version.cells_number = cells  # type: ignore[attr-defined]
    return version


#: ``row`` is another for every change of the row, within a transaction too.
_WHICH = (
    "SELECT version.id, version.xmin::text || version.ctid::text AS row, "  # noqa: S608 - names
    f"(SELECT id FROM {VectorCells._meta.db_table} WHERE version_id = version.id AND live) "
    f"FROM {EncoderVersion._meta.db_table} AS version WHERE status = 'live'"
)


@dataclass(frozen=True)
class Shelf:
    """Products similar to the product ``key`` among those ``within``."""

    query: Query
    key: Any
    within: Within
    exclude: Sequence[Any]
    adapter: CatalogAdapter

    @cached_property
    def version(self) -> EncoderVersion | None:
        """Read once: all of a shelf is of one version, whatever is promoted meanwhile."""
        return live_version(self.within.using)

    @cached_property
    def source(self) -> Source | None:
        """None where nothing is promoted yet or the product is not embedded yet."""
        if self.version is None:
            return None
        columns = ("fused", *PARTS)
        stored = read_vectors(self.version, [self.key], columns, self.within.using).get(self.key)
        return Source(self.version, stored) if stored else None

    @cached_property
    def vector_tiers(self) -> list[VectorTier]:
        return vector_tiers(self.source, self.query, self.within) if self.source else []

    def found(self, wanted: int) -> list[Found]:
        """The first ``wanted`` hits in the order of tiers, or all there are."""
        taken = Taken({self.key, *self.exclude}, {self._group})
        found: list[Found] = []
        for step, tier in enumerate(self.vector_tiers):
            if len(found) < wanted:
                added = tier.find(wanted - len(found), taken)
                found += [Found(*one[:3], tier.name, step) for one in added]
                taken.add(found)
        if len(found) < wanted:
            found += self._fallback(wanted - len(found), taken)
        return found

    def hits(self, found: Sequence[Found]) -> list[Hit]:
        """One query for the products; one that went since it was found is left out."""
        if not found:
            return []
        products = self.within.load(one.key for one in found)
        reasons = self._reasons(found) if self.query.explain else {}
        return [
            Hit(
                key=str(one.key),
                score=one.score,
                tier=one.tier,
                reasons=reasons.get(one.key, ()),
                product=products[one.key],
            )
            for one in found
            if one.key in products
        ]

    @cached_property
    def _group(self) -> str:
        if self.source:
            return self.source.stored.group
        return fallback.groups_of([self.key], self.adapter)[self.key]

    def _fallback(self, wanted: int, taken: Taken) -> list[Found]:
        found: list[Found] = []
        tiers = fallback.tiers(self.key, self.within, self.adapter, self._reach)
        for step, (tier, products) in enumerate(tiers, start=len(self.vector_tiers)):
            short = wanted - len(found)
            if not short:
                break
            found += fallback.fill(products, short, taken, self.adapter, tier=tier, step=step)
            taken.add(found)
        return found

    @property
    def _reach(self) -> str:
        """A product that vectors do not know yet gets neighbours of its department too."""
        if self.query.fill:
            return fallback.SHOP
        return fallback.CATEGORY if self.source else fallback.DEPARTMENT

    def _reasons(self, found: Sequence[Found]) -> dict[Any, tuple[Reason, ...]]:
        by_category = explain.by_category(found)
        if self.source is None:
            return by_category
        version, own = self.source.version, self.source.stored
        by_vector = [one for one in found if one.step < len(self.vector_tiers)]
        keys = [one.key for one in by_vector]
        others = read_vectors(version, keys, PARTS, self.within.using) if keys else {}
        blocks = version.blocks.get("attributes", {})
        reasons = {
            one.key: explain.reasons(
                own, others[one.key], self.vector_tiers[one.step].weights, blocks
            )
            for one in by_vector
            if one.key in others
        }
        return reasons | by_category
