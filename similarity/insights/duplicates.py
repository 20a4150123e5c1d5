"""Find near-duplicate listings: products with similar text and picture that are not variants.

Candidates are the nearest products by fused vector, over the whole catalogue. Up to a few ten
thousand products, every pair is compared, in blocks. Beyond that, each product's neighbours come
from the cells or from the HNSW index; a duplicate is the nearest neighbour, so it is not missed.
Text and picture of a candidate must both be similar. If a product of the pair lacks text or
picture, the pair is judged by the common parts and by the fused vector.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections
from psycopg.sql import SQL, Identifier

from similarity.catalog.content import UNSETTLED
from similarity.cells import probing
from similarity.exceptions import QueryError, VersionError
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.cells import rows_table
from similarity.models.stored_vectors import FloatArray, StoredVectors, read_vectors
from similarity.models.vectors import key_type
from similarity.similar import candidates
from similarity.similar.planner_settings import local_settings
from similarity.similar.shelves import live_version
from similarity.similar.within import database_keys
from similarity.types import Progress

THRESHOLD = 0.95
#: The fused cosine of a candidate may be lower by this. Parts are centred before they are fused,
#: which removes their common direction, and colour and attributes count too.
SLACK = 0.2
#: Neighbours per product, from other groups.
NEIGHBOURS = 20
PAGE = 500
BLOCK = 1000

#: Cells that each product is compared with, because near-duplicates lie close together.
CELLS_EACH = 6

#: The limits of the database role suit pages, not this search.
BATCH_SETTINGS = {"statement_timeout": "0", "lock_timeout": "0"}

#: Without sorting, the planner can only use the index that gives the order. The scan continues past
#: the variants of the product itself.
INDEX_SETTINGS = {
    "jit": "off",
    **BATCH_SETTINGS,
    "enable_sort": "off",
    "enable_seqscan": "off",
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.ef_search": str(4 * NEIGHBOURS),
    "hnsw.max_scan_tuples": "2000",
}


class Duplicate(NamedTuple):
    """Two similar products. Cosines are in [-1, 1], None for a part that a product lacks.

    ``score`` is the smallest of the compared cosines: text and image if both products have them,
    otherwise also the fused vector.
    """

    score: float
    first: str
    second: str
    fused: float
    text: float | None
    image: float | None


@dataclass(frozen=True)
class DuplicateSearch:
    """The parameters of a search: ``threshold``, the lowest cosine, and ``limit``.

    ``limit`` is the maximum number of pairs; the pairs with the highest scores are kept.
    """

    threshold: float = THRESHOLD
    limit: int = 1000

    def __post_init__(self) -> None:
        if not 0.5 <= self.threshold <= 1:
            raise QueryError(f"threshold is {self.threshold}; choose 0.5 to 1.")
        if not 1 <= self.limit <= 100_000:
            raise QueryError(f"limit is {self.limit}; choose 1 to 100000 pairs.")


def find_duplicates(
    search: DuplicateSearch | None = None,
    using: str = "default",
    progress: Progress | None = None,
) -> list[Duplicate]:
    """Return near-duplicate pairs of the live version's products, the most similar first.

    Memory is bounded by the pairs kept, a page of products with their vectors and, up to
    ``EXACT_LIMIT`` products, their fused vectors at half precision. Raises :class:`VersionError`
    without a live version.
    """
    search = search or DuplicateSearch()
    version = live_version(using)
    if version is None:
        raise VersionError(
            "There is no live version; run 'manage.py similarity embed' and a worker first."
        )
    kept: list[Duplicate] = []
    known: set[tuple[str, str]] = set()
    for pairs in _candidates(version, search.threshold - SLACK, using, progress):
        for found in _judged(pairs, version, search.threshold, using):
            # Two mutual neighbours appear twice, in different pages.
            if (found.first, found.second) not in known:
                known.add((found.first, found.second))
                heapq.heappush(kept, found)
            if len(kept) > search.limit:
                worst = heapq.heappop(kept)
                known.remove((worst.first, worst.second))
    return sorted(kept, key=lambda one: (-one.score, one.first, one.second))


Pairs = set[tuple[Any, Any]]


def _candidates(
    version: EncoderVersion, least: float, using: str, progress: Progress | None
) -> Iterator[Pairs]:
    """Yield pairs of keys of different groups with a fused cosine of at least ``least``.

    Each pair comes once.
    """
    total = ProductVectors.objects.using(using).of_version(version).count()
    if total <= candidates.EXACT_LIMIT:
        yield from _exact(version, least, using, total, progress)
    elif (standing := probing.standing(version, using)) is not None:
        yield from _by_cells(version, standing, least, using, total, progress)
    elif not _has_index(version, using):
        yield from _exact(version, least, using, total, progress)
    else:
        yield from _by_index(version, least, using, total, progress)


def _exact(
    version: EncoderVersion, least: float, using: str, total: int, progress: Progress | None
) -> Iterator[Pairs]:
    keys: list[Any] = []
    groups: dict[str, int] = {}
    group: list[int] = []
    blocks: list[npt.NDArray[np.float16]] = []
    for page in _pages(version, using):
        rows = read_vectors(version, page, ("fused",), using)
        if not rows:  # deleted since their keys were read
            continue
        keys += rows
        group += [groups.setdefault(row.group, len(groups)) for row in rows.values()]
        blocks.append(np.stack([_unit(row, "fused") for row in rows.values()]).astype(np.float16))
    if not keys:
        return
    fused, of_group = np.concatenate(blocks), np.array(group)
    for start in range(0, len(keys), BLOCK):
        rows_at, own = fused[start : start + BLOCK].astype(np.float32), of_group[start:][:BLOCK]
        for other in range(start, len(keys), BLOCK):
            cosines = rows_at @ fused[other : other + BLOCK].astype(np.float32).T
            near = (cosines >= least) & (own[:, None] != of_group[other:][:BLOCK])
            first, second = np.nonzero(np.triu(near, k=1) if other == start else near)
            yield {
                (keys[start + a], keys[other + b])
                for a, b in zip(first.tolist(), second.tolist(), strict=True)
            }
        if progress:
            progress("compare listings", min(start + BLOCK, len(keys)), len(keys))


def _by_cells(
    version: EncoderVersion,
    standing: probing.StandingCells,
    least: float,
    using: str,
    total: int,
    progress: Progress | None,
) -> Iterator[Pairs]:
    """Yield candidates from the few cells nearest to each product, in any category."""
    done, near = 0, min(CELLS_EACH, len(standing.centroids))
    for page in _pages(version, using):
        rows = read_vectors(version, page, ("fused",), using)
        if not rows:  # deleted since their keys were read
            continue
        # A replaced set of cells remains for a few minutes; a long run takes longer.
        standing = probing.standing(version, using) or standing
        nearness = np.stack([_unit(row, "fused") for row in rows.values()]) @ standing.centroids.T
        cell = np.argpartition(-nearness, near - 1, axis=1)[:, :near]
        keys = [key for key in database_keys(rows, using) for _ in range(near)]
        with local_settings(using, BATCH_SETTINGS) as cursor:
            asked = (keys, cell.ravel().tolist(), -least)
            cursor.execute(_beside_sql(standing, version, using), asked)
            yield set(cursor.fetchall())
        done += len(page)
        if progress:
            progress("compare listings", done, max(total, done))


def _beside_sql(standing: probing.StandingCells, version: EncoderVersion, using: str) -> str:
    """Return SQL for the most similar products of these cells.

    Sketches select them, and vectors check them.
    """
    query = SQL(
        "SELECT own.product_id, near.product_id FROM ("
        "SELECT product_id, array_agg(cell) AS cells "
        "FROM unnest(%s::{key_type}[], %s::int[]) AS pair(product_id, cell) "
        "GROUP BY product_id) AS asked "
        "JOIN {rows} AS sketched USING (product_id) CROSS JOIN LATERAL ("
        "SELECT product_id FROM {rows} AS other WHERE other.cell = ANY(asked.cells) "
        'AND other."group" <> sketched."group" '
        "ORDER BY other.sketch <~> sketched.sketch LIMIT {neighbours}) AS close "
        "JOIN similarity_productvectors AS own ON own.version_id = {version} "
        "AND own.product_id = sketched.product_id "
        "JOIN similarity_productvectors AS near ON near.version_id = own.version_id "
        "AND near.product_id = close.product_id WHERE near.fused <#> own.fused <= %s"
    ).format(
        key_type=SQL(key_type(using)),
        rows=Identifier(rows_table(standing.number)),
        neighbours=NEIGHBOURS,
        version=int(version.pk),
    )
    return query.as_string(None)


def _by_index(
    version: EncoderVersion, least: float, using: str, total: int, progress: Progress | None
) -> Iterator[Pairs]:
    """Yield candidates from the index.

    It is enough if only one product of a pair has the other as neighbour.
    """
    done = 0
    for page in _pages(version, using):
        with local_settings(using, INDEX_SETTINGS) as cursor:
            cursor.execute(_neighbours_sql(version), (NEIGHBOURS, page, 1 - least))
            yield set(cursor.fetchall())
        done += len(page)
        if progress:
            progress("compare listings", done, max(total, done))


def _neighbours_sql(version: EncoderVersion) -> str:
    query = SQL(
        "SELECT own.product_id, near.product_id FROM similarity_productvectors AS own "
        "CROSS JOIN LATERAL ("
        "SELECT other.product_id, other.fused <=> own.fused AS distance "
        "FROM similarity_productvectors AS other "
        'WHERE other.version_id = {version} AND other."group" <> own."group" '
        "ORDER BY other.fused::halfvec({dimension}) <=> own.fused::halfvec({dimension}) LIMIT %s"
        ") AS near WHERE own.version_id = {version} AND own.product_id = ANY(%s) "
        "AND near.distance <= %s"
    ).format(version=int(version.pk), dimension=int(version.dimensions["fused"]))
    return query.as_string(None)


def _judged(
    pairs: Pairs, version: EncoderVersion, threshold: float, using: str
) -> Iterator[Duplicate]:
    # Put the smaller key first, so that a pair found from both sides counts once.
    ordered = sorted({(min(pair), max(pair)) for pair in pairs})
    for start in range(0, len(ordered), PAGE):
        some = ordered[start : start + PAGE]
        keys = {key for pair in some for key in pair}
        rows = read_vectors(version, keys, ("fused", "text", "image"), using)
        unseen = _unseen(version, keys, using)
        for first, second in some:
            if first in unseen or second in unseen:
                continue
            if first in rows and second in rows:  # both products still exist
                found = judge(rows[first], rows[second])
                if found.score >= threshold:
                    yield found


def _unseen(version: EncoderVersion, keys: Iterable[Any], using: str) -> set[Any]:
    """Return products whose photo could not be loaded yet; their text alone makes no duplicate."""
    rows = ProductVectors.objects.using(using).of_version(version).filter(product__in=list(keys))
    unseen = rows.filter(fingerprint=UNSETTLED, image=None)
    return set(unseen.values_list("product_id", flat=True))


def judge(one: StoredVectors, other: StoredVectors) -> Duplicate:
    """Return the similarity of two products, without a threshold."""
    fused = _cosine(one, other, "fused")
    text, image = (_cosine(one, other, part) for part in ("text", "image"))
    asked = [cosine for cosine in (text, image) if cosine is not None]
    if len(asked) < 2:
        asked.append(fused if fused is not None else -1.0)
    return Duplicate(min(asked), str(one.key), str(other.key), fused or 0.0, text, image)


def _cosine(one: StoredVectors, other: StoredVectors, column: str) -> float | None:
    if not (one.has(column) and other.has(column)):
        return None
    return min(float(_unit(one, column) @ _unit(other, column)), 1.0)


def _unit(row: StoredVectors, column: str) -> FloatArray:
    """Return the vector at length 1; a zero vector stays zero.

    Half precision changes lengths by a thousandth.
    """
    vector = row.vectors[column]
    assert vector is not None  # noqa: S101 - callers ask has() first; fused is never null
    return vector / max(np.float32(np.linalg.norm(vector)), np.float32(1e-12))


def _pages(version: EncoderVersion, using: str) -> Iterator[list[Any]]:
    """Keys of the version's products in their order, PAGE at a time."""
    rows = ProductVectors.objects.using(using).of_version(version).order_by("product_id")
    after = None
    while True:
        following = rows if after is None else rows.filter(product_id__gt=after)
        keys = list(following.values_list("product_id", flat=True)[:PAGE])
        if not keys:
            return
        yield keys
        after = keys[-1]


def _has_index(version: EncoderVersion, using: str) -> bool:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
            [f"similarity_v{version.pk}_fused"],
        )
        return cursor.fetchone() == (True,)
