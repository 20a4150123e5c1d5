"""More like these: products similar to several liked products, and unlike disliked products.

Liked products are grouped into tastes; each taste is a search, and their results take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from django.db.models import QuerySet

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.exceptions import QueryError
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import FloatArray, StoredVectors, read_vectors
from similarity.parts import PARTS
from similarity.similar import explain, fallback
from similarity.similar.floor import floor_of
from similarity.similar.hits import Candidate, Hit, Query, Reason, Taken, excluded_keys
from similarity.similar.plans import VectorSearch
from similarity.similar.shelves import live_version
from similarity.similar.tiers import near_enough
from similarity.similar.within import Within

#: Rocchio's weight of the disliked mean; the liked mean has 1. It must be below 1, so that the
#: difference always has a direction. 0.25 is usual, because a dislike means less than a liking.
DISLIKED_SHARE = 0.25
#: Groups of liked products whose mean cosine is at least this are one taste. Parts are centred
#: before fusion, so products with nothing in common have cosines about 0; products of one kind
#: have 0.3 and more. A lower value mixes shirts with trousers, a higher value separates shirts.
SAME_TASTE_COSINE = 0.2
#: Each taste is a search of its own, so the nearest tastes are joined down to this number.
MAX_TASTES = 5

#: Most liked products, and most disliked products, of one call.
MAX_GIVEN = 50
#: Liked products whose categories are used as a fallback for vectors.
FALLBACK_SOURCES = 3

Key = TypeVar("Key")


@dataclass(frozen=True)
class Taste:
    """``vector``: float32 (D,) of length one; ``members``: rows of the liked products in it."""

    vector: FloatArray
    members: tuple[int, ...]


def tastes(liked: FloatArray, disliked: FloatArray) -> list[Taste]:
    """Return the tastes in ``liked`` (N, D), largest first; [] without liked products.

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
    """Return the lists merged so that every beginning holds each in proportion to its votes.

    The place of the n-th entry (from 0) is (n + ½) ÷ votes, as Sainte-Laguë allocates seats. An
    entry of several lists counts where it comes first. Reciprocal-rank fusion with votes as
    weights is not suitable: three votes would outweigh one down to rank 122.
    """
    turns = sorted(
        ((rank + 0.5) / count, at, rank)
        for at, (entries, count) in enumerate(zip(lists, votes, strict=True))
        for rank in range(len(entries))
    )
    return list(dict.fromkeys(lists[at][rank] for _place, at, rank in turns))


def _grouped(cosines: np.ndarray) -> list[tuple[int, ...]]:
    """Return groups of rows by average linkage: join the two nearest groups while near enough."""
    groups: list[tuple[int, ...]] = [(row,) for row in range(len(cosines))]
    sums = cosines.copy()  # sums of the cosines between the members of two groups
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
    """Return the mean's direction; if opposites cancel out, the member nearest to the others."""
    rows = list(group)
    mean = liked[rows].mean(axis=0)
    if np.linalg.norm(mean) < 1e-3:
        mean = liked[rows[int(cosines[np.ix_(rows, rows)].sum(axis=1).argmax())]]
    return _unit(mean)


def _unit(vector: FloatArray) -> FloatArray:
    return (vector / np.float32(np.linalg.norm(vector))).astype(np.float32)


def more_like(
    liked: Sequence[Any],
    disliked: Sequence[Any] = (),
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    fill: bool | None = None,
) -> list[Hit]:
    """Return products like the ``liked`` products (instances or keys), unlike the ``disliked``.

    ``limit`` hits if that many are similar and eligible: products of ``within`` (default: the
    adapter's ``eligible()``) without the given products and their variants, one for each group
    of variants. Liked products with little in common are searched for separately. The results
    take turns, in proportion to the liked products of each kind; a hit's score is its likeness
    to its own kind. A given product without vectors is not searched for and never shown. If no
    liked product has vectors, or if vectors find too few, hits come from the categories of the
    first liked products, with that tier's name. ``fill``: see
    :func:`similarity.similar.shelves.similar_to`.

    Raises :class:`QueryError` without a liked product, for more than MAX_GIVEN liked or disliked
    products, and for a product in both lists.
    """
    query = Query(limit, explain=explain, fill=fill)
    chosen, rejected = _given("liked", liked), _given("disliked", disliked)
    if not chosen:
        raise QueryError("liked is empty; name at least 1 product.")
    if both := set(chosen) & set(rejected):
        raise QueryError(f"{min(both, key=str)!r} is both liked and disliked; name it in one.")
    adapter = get_adapter()
    room = Within(adapter.eligible() if within is None else within)
    return Selection(chosen, rejected, query, room, adapter).hits()


@dataclass(frozen=True)
class Selection:
    """The given products of one call of :func:`more_like`, and the search for hits."""

    liked: list[Any]
    disliked: list[Any]
    query: Query
    within: Within
    adapter: CatalogAdapter

    def hits(self) -> list[Hit]:
        """Return the hits, by one query for the products; products deleted since are left out."""
        taken = Taken({*self.liked, *self.disliked}, set(self._groups))
        found = self._by_vector(taken)
        taken.add(found)
        found += self._fallback(self.query.limit - len(found), taken)
        products = self.within.load(one.key for one in found)
        reasons = self._reasons(found) if self.query.explain else {}
        return [
            Hit(
                str(one.key),
                one.score,
                one.tier,
                reasons.get(one.key, ()),
                False,
                products[one.key],
            )
            for one in found
            if one.key in products
        ]

    @cached_property
    def _version(self) -> EncoderVersion | None:
        return live_version(self.within.using)

    @cached_property
    def _stored(self) -> dict[Any, StoredVectors]:
        if self._version is None:
            return {}
        columns = ("fused", *PARTS) if self.query.explain else ("fused",)
        given = [*self.liked, *self.disliked]
        return read_vectors(self._version, given, columns, self.within.using)

    @cached_property
    def _groups(self) -> list[str]:
        """Variants' groups of all given products; without vectors the catalogue names the group."""
        without = [key for key in (*self.liked, *self.disliked) if key not in self._stored]
        named = fallback.groups_of(without, self.adapter) if without else {}
        return [*(row.group for row in self._stored.values()), *named.values()]

    @cached_property
    def _sources(self) -> list[StoredVectors]:
        """The liked products that have a direction, in the given order."""
        stored = (self._stored.get(key) for key in self.liked)
        return [row for row in stored if row is not None and row.has("fused")]

    @cached_property
    def _tastes(self) -> list[Taste]:
        disliked = (self._stored.get(key) for key in self.disliked)
        away = [row for row in disliked if row is not None and row.has("fused")]
        return tastes(_fused(self._sources), _fused(away))

    def _by_vector(self, taken: Taken) -> list[Candidate]:
        """Return the candidates of each taste in turn, one for each group of variants."""
        lists = [self._near_enough(taste, taken)[: self.query.limit] for taste in self._tastes]
        best: dict[str, Candidate] = {}
        for step, found in enumerate(lists):
            for one in found:
                known = best.get(one.group)
                if known is None or one.score > known.score:
                    best[one.group] = one._replace(tier="fused", step=step)
        turns = take_turns(
            [[one.group for one in found] for found in lists],
            [len(taste.members) for taste in self._tastes],
        )
        return [best[group] for group in turns[: self.query.limit]]

    def _near_enough(self, taste: Taste, taken: Taken) -> list[Candidate]:
        """Return candidates above the floor of this taste's liked products, of any category."""
        assert self._version is not None  # noqa: S101 - tastes need its vectors
        floor, wanted = floor_of(self._version), self.query.limit
        heights = floor.heights({"fused": 1.0}, "cosine") if floor.is_learned else None
        categories = {self._sources[at].category for at in taste.members}
        return near_enough(
            self._search(taste, taken),
            *(wanted, wanted, categories),
            None if self.query.fill else heights,
        )

    def _search(self, taste: Taste, taken: Taken) -> VectorSearch:
        assert self._version is not None  # noqa: S101 - tastes need its vectors
        # HNSW is correct if the query lies among the passing rows: near a liked product.
        source = self._sources[taste.members[0]].key
        return VectorSearch(
            self._version,
            "fused",
            taste.vector,
            self.within,
            source=source,
            exclude=list(taken.keys),
            exclude_groups=sorted(taken.groups),
        )

    def _fallback(self, wanted: int, taken: Taken) -> list[Candidate]:
        """Return products of the first liked products' categories, then of the shop."""
        if not wanted:
            return []
        sources = self.liked[:FALLBACK_SOURCES]
        reach = fallback.SHOP if self.query.fill else fallback.CATEGORY
        if not (self.query.fill or self._sources):
            reach = fallback.DEPARTMENT
        tiers = [list(fallback.tiers(key, self.within, self.adapter, reach)) for key in sources]
        near = [[tier for tier in of if tier[0] == "category"] for of in tiers]
        share = -(-wanted // len(sources))
        found: list[Candidate] = []
        for of in near:
            found += self._filled(of, min(share, wanted - len(found)), taken)
        for of in (*near, *(tiers[:1] if self.query.fill else tiers)):
            found += self._filled(of, wanted - len(found), taken)
        return found

    def _filled(self, tiers: Sequence[Any], wanted: int, taken: Taken) -> list[Candidate]:
        found: list[Candidate] = []
        for name, products in tiers:
            short = wanted - len(found)
            if short <= 0:
                break
            step = len(self._tastes)
            found += fallback.fill(products, short, taken, self.adapter, tier=name, step=step)
            taken.add(found)
        return found

    def _reasons(self, found: Sequence[Candidate]) -> dict[Any, tuple[Reason, ...]]:
        """Return reasons: each hit's likeness to the nearest liked product of its taste."""
        reasons = explain.by_category(found)
        by_vector = [one for one in found if one.tier == "fused"]
        if self._version is None or not by_vector:
            return reasons
        keys = [one.key for one in by_vector]
        others = read_vectors(self._version, keys, ("fused", *PARTS), self.within.using)
        blocks = self._version.blocks.get("attributes", {})
        for one in by_vector:
            if one.key in others:
                own = self._nearest(self._tastes[one.step], others[one.key])
                reasons[one.key] = explain.reasons(
                    own, others[one.key], self._version.weights, blocks
                )
        return reasons

    def _nearest(self, taste: Taste, other: StoredVectors) -> StoredVectors:
        members = [self._sources[at] for at in taste.members]
        cosines = _fused(members) @ _fused([other])[0]
        return members[int(cosines.argmax())]


def _given(name: str, products: Sequence[Any]) -> list[Any]:
    if isinstance(products, str | bytes) or not isinstance(products, Sequence | QuerySet):
        raise QueryError(f"{name} is {products!r:.80}; pass a list of products or keys.")
    if len(products) > MAX_GIVEN:
        raise QueryError(f"{name} has {len(products)} products; pass {MAX_GIVEN} at most.")
    return excluded_keys(products)


def _fused(rows: Sequence[StoredVectors]) -> FloatArray:
    """Return unit rows (N, D), because lengths in half precision are off by a thousandth."""
    if not rows:
        return np.zeros((0, 0), np.float32)
    stacked = np.stack([row.vectors["fused"] for row in rows])  # type: ignore[misc]
    lengths = np.linalg.norm(stacked, axis=1, keepdims=True)
    return np.divide(stacked, lengths, out=np.zeros_like(stacked), where=lengths > 0)
