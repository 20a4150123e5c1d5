"""Similar products: the public calls, with shelves, cursors of pages and the live version."""

import base64
import binascii
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections
from django.db.models import Model, QuerySet

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.exceptions import QueryError
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import read_vectors
from similarity.parts import PARTS
from similarity.similar import candidates, explain, fallback
from similarity.similar.hits import Candidate, Hit, Page, Query, Reason, Taken, excluded_keys
from similarity.similar.plans import VectorSearch
from similarity.similar.tiers import DIVERSITY_POOL, Source, VectorTier, diverse, vector_tiers
from similarity.similar.within import Within, key_of

#: Paging ends after this number of hits.
MAX_DEPTH = 1000
#: ``row`` changes with every change of the row, even within a transaction.
_WHICH = (
    "SELECT version.id, version.xmin::text || version.ctid::text AS row, "
    "(SELECT id FROM similarity_vectorcells WHERE version_id = version.id AND live) "
    "FROM similarity_encoderversion AS version WHERE status = 'live'"
)


class Cursor(NamedTuple):
    """The last hit shown: its tier's step, score and key, and the number of hits shown so far."""

    step: int
    score: float
    key: Any
    seen: int

    @property
    def token(self) -> str:
        text = json.dumps([self.step, self.score, str(self.key), self.seen])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> "Cursor":
        """Return the cursor of a token; raise :class:`QueryError` for any other text."""
        try:
            padded = token.encode("ascii") + b"=" * (-len(token) % 4)
            step, score, key, seen = json.loads(base64.b64decode(padded, b"-_", validate=True))
            cursor = cls(_count(step), float(score), key_of(key), _count(seen))
            if not math.isfinite(cursor.score):
                raise ValueError(cursor.score)
        except (
            AttributeError,
            TypeError,
            ValueError,
            OverflowError,
            binascii.Error,
            QueryError,
        ) as error:
            raise QueryError(
                f"after is {token!r:.100}; pass the cursor of the previous page unchanged."
            ) from error
        return cursor

    def following(self, found: Sequence[Candidate]) -> list[Candidate]:
        """Return the candidates after this position, even if others before it came or went."""
        here = [one for one in found if one.step == self.step]
        return self._following_in_step(here) + [one for one in found if one.step > self.step]

    def _following_in_step(self, found: list[Candidate]) -> list[Candidate]:
        if any(one.score for one in found):
            return [one for one in found if (-one.score, one.key) > (-self.score, self.key)]
        # Without scores the order is the host's. Continue after the same product; if it is gone
        # from the shop, after the number of products shown so far.
        keys = [one.key for one in found]
        return found[keys.index(self.key) + 1 if self.key in keys else self.seen :]


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(value)
    return value


def live_version(using: str) -> EncoderVersion | None:
    """Return the live version without its fusion and figures; None before the first promotion.

    Each call asks for the live version and the state of its row; the row itself is read once.
    """
    if connections[using].vendor != "postgresql":
        return None
    with connections[using].cursor() as cursor:
        cursor.execute(_WHICH)
        row = cursor.fetchone()
    return read_version(using, *row) if row else None


@lru_cache(maxsize=8)
def read_version(using: str, pk: int, row: str, cells: int | None) -> EncoderVersion | None:
    """Return the version, with ``cells`` as its live cells; ``row`` identifies the row's state."""
    versions = EncoderVersion.every.using(using).defer("fusion", "figures", "progress")
    version = versions.filter(pk=pk).first()
    if version is not None:
        version.cells_number = cells  # type: ignore[attr-defined]
    return version


@dataclass(frozen=True)
class Shelf:
    """The products similar to the product ``key``, among those ``within``."""

    query: Query
    key: Any
    within: Within
    exclude: Sequence[Any]
    adapter: CatalogAdapter

    @cached_property
    def version(self) -> EncoderVersion | None:
        """Read once, so that a whole shelf is of one version even during a promotion."""
        return live_version(self.within.using)

    @cached_property
    def source(self) -> Source | None:
        """The product's vectors; None without a live version, or if it is not embedded yet."""
        if self.version is None:
            return None
        columns = ("fused", *PARTS)
        stored = read_vectors(self.version, [self.key], columns, self.within.using).get(self.key)
        return Source(self.version, stored) if stored else None

    @cached_property
    def vector_tiers(self) -> list[VectorTier]:
        return vector_tiers(self.source, self.query, self.within) if self.source else []

    def found(self, wanted: int) -> list[Candidate]:
        """Return the first ``wanted`` hits in the order of tiers, or all if there are fewer."""
        taken = Taken({self.key, *self.exclude}, {self._group})
        found: list[Candidate] = []
        for step, tier in enumerate(self.vector_tiers):
            if len(found) < wanted:
                added = tier.find(wanted - len(found), taken)
                found += [one._replace(tier=tier.name, step=step) for one in added]
                taken.add(found)
        if len(found) < wanted:
            found += self._fallback(wanted - len(found), taken)
        return found

    def hits(self, found: Sequence[Candidate]) -> list[Hit]:
        """Return the hits, by one query for the products; products deleted since are left out."""
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

    def _fallback(self, wanted: int, taken: Taken) -> list[Candidate]:
        found: list[Candidate] = []
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
        """How far fallbacks reach: a product without vectors also gets those of its department."""
        if self.query.fill:
            return fallback.SHOP
        return fallback.CATEGORY if self.source else fallback.DEPARTMENT

    def _reasons(self, found: Sequence[Candidate]) -> dict[Any, tuple[Reason, ...]]:
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


def similar_to(
    product: Model | Any,
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    weights: Mapping[str, float] | None = None,
    diversity: float = 0.0,
    metric: str = "cosine",
    explain: bool = False,
    mode: str = "fused",
    exclude: Iterable[Any] = (),
    after: str | None = None,
    fill: bool | None = None,
) -> list[Hit]:
    """Return products similar to ``product`` (an instance or its key), best first.

    ``limit`` hits if that many are similar and eligible: products of ``within`` (default: the
    adapter's ``eligible()``) without the product itself, its variants and ``exclude``, one for
    each group of variants. A shelf ends at the floor (docs/retrieval.md) before it would show
    products of another kind. Products that vectors do not reach come last, with their tier's
    name.

    ``weights``: part → weight of at least 0, instead of the version's own. ``diversity``: 0 to 1,
    how much the hits should differ among themselves. ``metric``: ``cosine``, ``dot`` or ``l2``.
    ``mode``: ``fused``, or a part alone (``text``, ``image``, ``colour``, ``attributes``).
    ``explain`` fills ``Hit.reasons``. ``after``: a cursor from :func:`similar_page`. ``fill``:
    True continues the shelf below the floor, and at last with best sellers and the newest
    products; None means ``SIMILARITY["SHELVES"]["FILL"]``.

    Raises :class:`similarity.exceptions.QueryError` for arguments it cannot serve, and never
    because of the catalogue's state.
    """
    query = Query(limit, metric, mode, weights, diversity, explain, fill)
    shelf = Shelf(query, key_of(product), *_room(within, exclude))
    return shelf.hits(_following(shelf, limit, _cursor(after, query)))


def similar_page(
    product: Model | Any,
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    weights: Mapping[str, float] | None = None,
    diversity: float = 0.0,
    metric: str = "cosine",
    explain: bool = False,
    mode: str = "fused",
    exclude: Iterable[Any] = (),
    after: str | None = None,
    fill: bool | None = None,
) -> Page:
    """Return the hits of :func:`similar_to`, and the cursor of the next page.

    Pages of one query never repeat a product while the catalogue does not change, and end after
    MAX_DEPTH hits. An exact scan skips no product. By HNSW a deeper search may find a product that
    belonged on an earlier page, and leaves it out. With ``diversity`` there is only one page,
    because it is chosen as a whole.
    """
    query = Query(limit, metric, mode, weights, diversity, explain, fill)
    shelf = Shelf(query, key_of(product), *_room(within, exclude))
    cursor = _cursor(after, query)
    if diversity:
        return Page(shelf.hits(shelf.found(limit)), None, _version(shelf))
    found = _following(shelf, limit + 1, cursor)
    shown = (cursor.seen if cursor else 0) + limit
    if len(found) <= limit or shown >= MAX_DEPTH:
        return Page(shelf.hits(found[:limit]), None, _version(shelf))
    last = found[limit - 1]
    token = Cursor(last.step, last.score, last.key, shown).token
    return Page(shelf.hits(found[:limit]), token, _version(shelf))


def similar_to_vector(
    vector: npt.ArrayLike,
    limit: int = 8,
    *,
    column: str = "fused",
    version: EncoderVersion | None = None,
    within: QuerySet[Any] | None = None,
    diversity: float = 0.0,
    metric: str = "cosine",
    exclude: Iterable[Any] = (),
) -> list[Hit]:
    """Return products nearest to a vector of no product, for example of a query or a shopper.

    ``vector`` (D,) is of the kind that ``column`` holds in ``version`` (default: live). Only
    products with vectors are found; [] without a live version. Raises :class:`QueryError` for a
    vector of another length, a zero vector, or values that are not finite.
    """
    query = Query(limit, metric, column, None, diversity)
    room, excluded, _adapter = _room(within, exclude)
    version = version or live_version(room.using)
    if version is None:
        return []
    search = VectorSearch(
        version, column, _unit_vector(vector, column, version), room, metric, exclude=excluded
    )
    pool = DIVERSITY_POOL * limit if diversity else limit
    found = candidates.nearest(search, limit, pool)[:pool]
    chosen = diverse(found, limit, diversity, version, room.using)
    products = room.load(one.key for one in chosen)
    return [
        Hit(str(one.key), one.score, query.mode, product=products[one.key])
        for one in chosen
        if one.key in products
    ]


def _room(within: QuerySet[Any] | None, exclude: Iterable[Any]) -> tuple[Within, list[Any], Any]:
    adapter = get_adapter()
    passing = adapter.eligible() if within is None else within
    return Within(passing), excluded_keys(exclude), adapter


def _version(shelf: Shelf) -> int | None:
    return shelf.version.pk if shelf.version else None


def _cursor(after: str | None, query: Query) -> Cursor | None:
    if after is None:
        return None
    if query.diversity:
        raise QueryError(
            f"diversity is {query.diversity!r} and after is given: a diverse page is chosen as a "
            "whole and has no next page; leave out either."
        )
    return Cursor.parse(after)


def _following(shelf: Shelf, wanted: int, cursor: Cursor | None) -> list[Any]:
    """Return the next ``wanted`` hits after the cursor, at most MAX_DEPTH hits down."""
    if cursor is None:
        return shelf.found(wanted)
    depth = min(cursor.seen, MAX_DEPTH) + wanted
    while True:
        found = shelf.found(depth)
        following = cursor.following(found)
        # Products that came in above the cursor meanwhile move others down.
        if len(following) >= wanted or len(found) < depth or depth >= MAX_DEPTH + wanted:
            return following[:wanted]
        depth += wanted


def _unit_vector(
    vector: npt.ArrayLike, column: str, version: EncoderVersion
) -> npt.NDArray[np.float32]:
    array = np.asarray(vector, dtype=np.float32)
    length = version.dimensions.get(column)
    if array.shape != (length,):
        raise QueryError(
            f"the vector's shape is {array.shape}; {column!r} of {version} holds {length} numbers."
        )
    norm = float(np.linalg.norm(array))
    if not np.isfinite(norm) or norm < 1e-12:
        raise QueryError(f"the vector's length is {norm}; it must be finite and above 0.")
    return array / np.float32(norm)
