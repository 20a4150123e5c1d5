"""More like these: products similar to several liked ones, and unlike the disliked."""

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


#: Most products given, liked and disliked each.
MAX_GIVEN = 50
#: Liked products whose categories stand in for vectors.
FALLBACK_SOURCES = 3


def more_like(
    liked: Sequence[Any],
    disliked: Sequence[Any] = (),
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    fill: bool | None = None,
) -> list[Hit]:
    """Products like the ``liked`` ones (instances or keys), away from the ``disliked``.

    ``limit`` of them wherever so many are similar and eligible: those of ``within`` (default: the
    adapter's ``eligible()``) without the given ones and their variants, one for each group of
    variants. Liked products that have little in common are searched for apart, and their
    finds take turns in proportion to how many are liked of each kind; a hit's score is its
    likeness to its own kind. A given product without vectors is left out of the search but
    never shown; where none of the liked has any, and where vectors run out, hits come from
    the categories of the first liked, by a tier that names it. ``fill`` as of
    :func:`similarity.similar.shelves.similar_to`.

    Raises :class:`QueryError` for no liked product, for more than MAX_GIVEN of either, and
    for one that is in both.
    """
    query = Query(limit, explain=explain, fill=fill)
    chosen, rejected = _given("liked", liked), _given("disliked", disliked)
    if not chosen:
        raise QueryError("liked is empty; name one product at least.")
    if both := set(chosen) & set(rejected):
        raise QueryError(f"{min(both, key=str)!r} is both liked and disliked; name it in one.")
    adapter = get_adapter()
    room = Within(adapter.eligible() if within is None else within)
    return Selection(chosen, rejected, query, room, adapter).hits()


@dataclass(frozen=True)
class Selection:
    """What is given, and what is found by it."""

    liked: list[Any]
    disliked: list[Any]
    query: Query
    within: Within
    adapter: CatalogAdapter

    def hits(self) -> list[Hit]:
        """One query for the products; one that went since it was found is left out."""
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
        """Variants' groups of all that is given; the catalogue tells those without vectors."""
        without = [key for key in (*self.liked, *self.disliked) if key not in self._stored]
        named = fallback.groups_of(without, self.adapter) if without else {}
        return [*(row.group for row in self._stored.values()), *named.values()]

    @cached_property
    def _sources(self) -> list[StoredVectors]:
        """The liked that have a direction, in the order given."""
        stored = (self._stored.get(key) for key in self.liked)
        return [row for row in stored if row is not None and row.has("fused")]

    @cached_property
    def _tastes(self) -> list[Taste]:
        disliked = (self._stored.get(key) for key in self.disliked)
        away = [row for row in disliked if row is not None and row.has("fused")]
        return tastes(_fused(self._sources), _fused(away))

    def _by_vector(self, taken: Taken) -> list[Candidate]:
        """The finds of each taste in turn, one for each group of variants."""
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
        """Above the floor of the liked products of this taste, whichever category they are of."""
        assert self._version is not None  # noqa: S101 - tastes are made of its vectors
        floor, wanted = floor_of(self._version), self.query.limit
        heights = floor.heights({"fused": 1.0}, "cosine") if floor.is_learned else None
        categories = {self._sources[at].category for at in taste.members}
        return near_enough(
            self._search(taste, taken),
            *(wanted, wanted, categories),
            None if self.query.fill else heights,
        )

    def _search(self, taste: Taste, taken: Taken) -> VectorSearch:
        assert self._version is not None  # noqa: S101 - tastes are made of its vectors
        # HNSW is right where the query lies among the rows that pass: near a liked product.
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
        """From the categories of the first liked, a share each, then from the whole shop."""
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
        """Each hit's likeness to the liked product of its taste that is nearest to it."""
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
    """Unit rows (N, D): half precision leaves lengths off by a thousandth."""
    if not rows:
        return np.zeros((0, 0), np.float32)
    stacked = np.stack([row.vectors["fused"] for row in rows])  # type: ignore[misc]
    lengths = np.linalg.norm(stacked, axis=1, keepdims=True)
    return np.divide(stacked, lengths, out=np.zeros_like(stacked), where=lengths > 0)
