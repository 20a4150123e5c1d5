"""Exact neighbours of a sample of products in one version, from the vectors that are stored.

Every eligible product is compared, page by page by key: an index would add errors of its own
to what versions are compared by, and no more than a page is in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db.models import BinaryField, F, Func

from similarity.catalog.adapter import get_adapter
from similarity.models import EncoderVersion, ProductVectors
from similarity.vectors import upsert

#: Products compared at once: with 300 of a sample, 24 MB of scores.
PAGE = 20_000


class Neighbour(NamedTuple):
    key: Any
    group: str


@dataclass
class Nearest:
    """Sampled product's key → its nearest, best first.

    ``others`` leaves its variants out, as shelves do. ``all`` has them, and ``siblings`` says
    how many there are to be found.
    """

    others: dict[Any, list[Neighbour]] = field(default_factory=dict)
    all: dict[Any, list[Neighbour]] = field(default_factory=dict)
    siblings: dict[Any, int] = field(default_factory=dict)
    groups: dict[Any, str] = field(default_factory=dict)


class Rows(NamedTuple):
    """Unit rows (N, d) float32 of N products."""

    products: list[Neighbour]
    rows: npt.NDArray[np.float32]


def nearest(
    version: EncoderVersion,
    column: str,
    sample: Sequence[Any],
    k: int,
    progress: Callable[[int], None] | None = None,
) -> Nearest:
    """The ``k`` nearest eligible products, by cosine in ``column``, of each product sampled.

    A product that has no vector there is left out. ``progress`` is called with the number of
    products compared so far.
    """
    asked = read_rows(version, column, sample)
    if not asked.products:
        return Nearest()
    own = _positions([product.key for product in asked.products])
    groups = _positions([product.group for product in asked.products])
    every, others = _Best(len(asked.products), k), _Best(len(asked.products), k)
    siblings = np.zeros(len(asked.products), np.int64)
    compared = 0
    for page in _eligible(version, column):
        scores = asked.rows @ page.rows.T
        for at, product in enumerate(page.products):
            scores[own.get(product.key, ()), at] = -np.inf
        every.add(scores, page.products)
        for at, product in enumerate(page.products):
            for row in groups.get(product.group, ()):
                siblings[row] += product.key != asked.products[row].key
                scores[row, at] = -np.inf
        others.add(scores, page.products)
        compared += len(page.products)
        if progress:
            progress(compared)
    keys = [product.key for product in asked.products]
    return Nearest(
        others=dict(zip(keys, others.found(), strict=True)),
        all=dict(zip(keys, every.found(), strict=True)),
        siblings=dict(zip(keys, siblings.tolist(), strict=True)),
        groups={product.key: product.group for product in asked.products},
    )


class _Best:
    """The best ``k`` columns of each of ``rows`` rows, over pages of scores."""

    def __init__(self, rows: int, k: int) -> None:
        self._k = k
        self._scores = np.full((rows, 0), -np.inf, np.float32)
        self._products: list[Neighbour] = []  # every product that was among the best
        self._places = np.zeros((rows, 0), np.int64)

    def add(self, scores: npt.NDArray[np.float32], products: Sequence[Neighbour]) -> None:
        best = _best_columns(scores, self._k)
        named = {int(at): place for place, at in enumerate(np.unique(best), len(self._products))}
        self._products += [products[at] for at in named]
        places = np.vectorize(named.__getitem__, otypes=[np.int64])(best)
        scores = np.concatenate([self._scores, np.take_along_axis(scores, best, 1)], axis=1)
        places = np.concatenate([self._places, places], axis=1)
        kept = _best_columns(scores, self._k)
        self._scores = np.take_along_axis(scores, kept, 1)
        self._places = np.take_along_axis(places, kept, 1)

    def found(self) -> list[list[Neighbour]]:
        return [
            [
                self._products[place]
                for place, score in zip(places, scores, strict=True)
                if score > -2
            ]
            for places, scores in zip(self._places.tolist(), self._scores.tolist(), strict=True)
        ]


def _best_columns(scores: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """Indices (N, ≤ k) of the highest of each row, the highest first."""
    if scores.shape[1] > k:
        some = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, some, 1), axis=1, kind="stable")
        return np.take_along_axis(some, order, 1)
    return np.argsort(-scores, axis=1, kind="stable")


def _positions(values: Sequence[Any]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    for at, value in enumerate(values):
        found.setdefault(value, []).append(at)
    return found


def _eligible(version: EncoderVersion, column: str) -> Iterator[Rows]:
    eligible = get_adapter().eligible().using(upsert.alias()).order_by("pk").values_list("pk")
    after: Any = None
    while True:
        following = eligible if after is None else eligible.filter(pk__gt=after)
        keys = [key for (key,) in following[:PAGE]]
        if not keys:
            return
        after = keys[-1]
        page = read_rows(version, column, list(dict.fromkeys(keys)))
        if page.products:
            yield page


def read_rows(version: EncoderVersion, column: str, keys: Sequence[Any]) -> Rows:
    binary = Func(F(column), function="halfvec_send", output_field=BinaryField())
    rows = (
        ProductVectors.objects.using(upsert.alias())
        .of_version(version)
        .filter(product__in=keys, **{f"{column}__isnull": False})
        .values_list("product_id", "group", binary)
    )
    products, packed = [], []
    for key, group, value in rows:
        products.append(Neighbour(key, group))
        packed.append(bytes(value))
    length = len(packed[0]) if packed else 4
    # pgvector's wire form: two int16 (length, unused), then halves, the high byte first.
    halves = np.frombuffer(b"".join(packed), ">f2").reshape(len(packed), length // 2)[:, 2:]
    return Rows(products, _unit(halves.astype(np.float32)))


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
