"""The calls others use: products similar to a product, or to a vector."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Model, QuerySet

from similarity.catalog.adapter import get_adapter
from similarity.exceptions import QueryError
from similarity.models import EncoderVersion
from similarity.similar import candidates
from similarity.similar.cursor import Cursor
from similarity.similar.hits import Hit, Page
from similarity.similar.plans import VectorSearch
from similarity.similar.query import Query, excluded_keys
from similarity.similar.shelf import Shelf, live_version
from similarity.similar.tiers import DIVERSITY_POOL, diverse
from similarity.similar.within import Within, key_of

#: Paging ends after this many hits.
MAX_DEPTH = 1000


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
    """Products similar to ``product`` (an instance or its key), best first.

    ``limit`` of them wherever so many are similar and eligible: those of ``within`` (default:
    the adapter's ``eligible()``) without the product itself, its variants and ``exclude``,
    one for each group of variants. A shelf stops at the floor (docs/retrieval.md) rather than
    show products of another kind. Products that vectors do not reach come last, by tiers that
    their hits name.

    ``weights``: part → weight of at least 0, instead of the version's own. ``diversity``: 0
    to 1, how much the hits should differ among themselves. ``metric``: ``cosine``, ``dot``
    or ``l2``. ``mode``: ``fused``, or one part alone (``text``, ``image``, ``colour``,
    ``attributes``). ``explain`` fills ``Hit.reasons``. ``after``: a cursor that
    :func:`similar_page` gave. ``fill``: whether the shelf goes on below the floor, and at last
    with best sellers and the newest products; None leaves it to ``SIMILARITY["SHELVES"]["FILL"]``.

    Raises :class:`similarity.exceptions.QueryError` for arguments it cannot serve, and
    never for the state of the catalogue.
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
    """As :func:`similar_to`, with the cursor of the page that follows.

    Pages of one query never repeat a product while the catalogue stands still, and end after
    MAX_DEPTH hits. None is skipped where the scan is exact; by HNSW a deeper search may meet
    one that belonged on a page before, and leaves it out. With ``diversity`` there is one
    page only, which is chosen as a whole.
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
    """Products nearest to a vector that is no product's: a search query's, a shopper's.

    ``vector`` (D,) is of the kind ``column`` holds in ``version`` (default: the live one).
    Only products with vectors are found; [] where no version is live. Raises
    :class:`QueryError` for a vector of another length, a zero or a non-finite one.
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
            "whole and has none after it; pass one of the two."
        )
    return Cursor.parse(after)


def _following(shelf: Shelf, wanted: int, cursor: Cursor | None) -> list[Any]:
    """The next ``wanted`` hits after the cursor, MAX_DEPTH hits down at most."""
    if cursor is None:
        return shelf.found(wanted)
    depth = min(cursor.seen, MAX_DEPTH) + wanted
    while True:
        found = shelf.found(depth)
        following = cursor.following(found)
        # Products that came in above the cursor meanwhile push others down.
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
