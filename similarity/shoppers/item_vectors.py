"""The items' vectors of a model, stored as rows of ``ProductVectors`` in a set of their own.

A model scores by inner product, and the plans of the core order by cosine. Each vector therefore
gets one more number, sqrt(M² - |v|²) with M the longest vector's length, so that all have the same
length and the cosine with a query that has 0 there is the inner product divided by a constant
(Bachrach et al., "Speeding up the Xbox recommender system using a Euclidean transformation for
inner-product spaces", 2014). Rows are stored with M as one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections, transaction
from psycopg.sql import SQL

from similarity.exceptions import TrainingError
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import array, vector_literal
from similarity.models.vectors import key_type
from similarity.shoppers.live_model import Network
from similarity.types import FloatArray, Progress, no_progress
from similarity.vectors import upsert

#: ``ProductVectors.fingerprint`` of a vector that the model learned, and of one that comes from
#: the product's content, because the model knows no event of it.
LEARNED, FROM_CONTENT = "learned", "content"
#: Products that are read and written at once.
PAGE = 5000
#: Products without events by which the longest vector is estimated.
SAMPLED = 5000

#: Names of N items, each a group of variants, and their vectors (N, D).
Batch = tuple[Sequence[str], FloatArray]


class LearnedItems:
    """All vectors that a model learned, by the name of the item."""

    def __init__(self, batches: Iterable[Batch], dim: int) -> None:
        names: list[str] = []
        blocks = [np.zeros((0, dim), np.float32)]
        for some, vectors in batches:
            if vectors.shape != (len(some), dim) or not np.isfinite(vectors).all():
                raise TrainingError(
                    f"{len(some)} items have vectors of the shape {vectors.shape}; they must be "
                    f"finite and have the shape ({len(some)}, {dim})."
                )
            names += some
            blocks.append(np.asarray(vectors, np.float32))
        self.vectors = np.concatenate(blocks)  # (I, D)
        self._at = {name: row for row, name in enumerate(names)}

    def rows_of(self, groups: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return (N,) the row of each group, -1 for groups that the model has not learned."""
        return np.array([self._at.get(group, -1) for group in groups], np.int64)


class Page(NamedTuple):
    """N products of the content's version: keys, groups, categories, and unit rows (N, C)."""

    keys: list[Any]
    groups: list[str]
    categories: list[int]
    content: FloatArray

    def among(self, present: set[str]) -> "Page":
        at = [row for row, key in enumerate(self.keys) if str(key) in present]
        return Page(
            [self.keys[row] for row in at],
            [self.groups[row] for row in at],
            [self.categories[row] for row in at],
            self.content[at],
        )


def stored_form(vectors: FloatArray, scale: float) -> FloatArray:
    """Return (N, D + 1) unit rows of vectors (N, D); longer vectors than ``scale`` are cut."""
    scaled = vectors / np.float32(scale)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    scaled /= np.maximum(lengths, 1.0)
    rest = np.sqrt(np.maximum(1.0 - (scaled * scaled).sum(axis=1, keepdims=True), 0.0))
    return np.hstack([scaled, rest]).astype(np.float32)


def query_form(vector: FloatArray) -> FloatArray:
    """Return (D + 1,) the query that orders stored rows by their inner product with ``vector``."""
    return np.append(vector, np.float32(0.0))


def scale_of(learned: LearnedItems, network: Network, alias: str) -> float:
    """Return M, the length of the longest vector, of those learned and a sample of the others."""
    page = next(_pages(network.content_version, alias, size=SAMPLED), None)
    lengths = [np.linalg.norm(learned.vectors, axis=1)]
    if page is not None:
        lengths.append(np.linalg.norm(network.project(page.content), axis=1))
    longest = float(np.concatenate(lengths).max(initial=0.0))
    if longest <= 0.0:
        raise TrainingError("The model has no item vector longer than 0; train it again.")
    return longest


def write_all(
    version: EncoderVersion,
    network: Network,
    learned: LearnedItems,
    alias: str,
    progress: Progress = no_progress,
) -> int:
    """Write a vector of every product with content into the empty set; return how many.

    Variants share the vector of their item. Products that the model has not learned get a vector
    from their content; a model of ids alone has no vector of them.
    """
    total, done = _count(network.content_version, alias), 0
    for page in _pages(network.content_version, alias):
        with transaction.atomic(using=alias):
            present = upsert.lock_products([str(key) for key in page.keys])
            _copy(version, network, learned, page.among(present), alias)
        done += len(page.keys)
        progress("items", done, max(total, done))
    with connections[alias].cursor() as cursor:
        cursor.execute("ANALYZE similarity_productvectors")
    return done


def _copy(
    version: EncoderVersion, network: Network, learned: LearnedItems, page: Page, alias: str
) -> None:
    at = learned.rows_of(page.groups)
    vectors = network.project(page.content)
    vectors[at >= 0] = learned.vectors[at[at >= 0]]
    known = np.any(vectors, axis=1)
    rows = stored_form(vectors, network.scale)
    marks = np.where(at >= 0, LEARNED, FROM_CONTENT)
    with (
        connections[alias].cursor() as cursor,
        cursor.copy(
            "COPY similarity_productvectors "
            '(product_id, version_id, fused, "group", category, fingerprint, encoded_at) FROM STDIN'
        ) as copy,
    ):
        for n in np.flatnonzero(known).tolist():
            told = (page.keys[n], version.pk, vector_literal(rows[n]), page.groups[n])
            copy.write_row((*told, page.categories[n], marks[n], "now"))


def _count(version: int, alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM similarity_productvectors WHERE version_id = %s", [version]
        )
        return int(cursor.fetchone()[0])


def _pages(version: int, alias: str, size: int = PAGE) -> Iterator[Page]:
    """Yield the products of an encoder version with their content, in key order."""
    after: Any = None
    while page := read_page(version, alias, after=after, size=size):
        yield page
        after = page.keys[-1]


def read_page(
    version: int, alias: str, *, after: Any = None, size: int = PAGE, keys: Any = None
) -> Page | None:
    """Return products of the version in key order: those ``after`` a key, or those of ``keys``."""
    kind = SQL(key_type(alias))
    statement = SQL(
        'SELECT product_id, "group", category, halfvec_send(fused) FROM similarity_productvectors '
        "WHERE version_id = %s AND (%s::{kind} IS NULL OR product_id > %s::{kind}) "
        "AND (%s::{kind}[] IS NULL OR product_id = ANY(%s::{kind}[])) "
        "ORDER BY product_id LIMIT %s"
    ).format(kind=kind)
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, [version, after, after, keys, keys, size])
        rows = cursor.fetchall()
    if not rows:
        return None
    content = np.stack([halves(binary) for *_rest, binary in rows])
    content /= np.maximum(np.linalg.norm(content, axis=1, keepdims=True), 1e-12)
    keys, groups, categories, _binary = zip(*rows, strict=True)
    return Page(list(keys), list(groups), list(categories), content)


def halves(binary: Any) -> FloatArray:
    """Return the numbers of a stored vector, which is never null."""
    vector = array(binary)
    assert vector is not None  # noqa: S101 - the column allows no null
    return vector
