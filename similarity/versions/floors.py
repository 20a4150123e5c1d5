"""Learning where the shelves of a version stop, from its stored vectors.

- ``columns``: for each column the ``mean`` and ``deviation`` of the cosine of two products of
  different departments (any two products, if no category is known), and ``near``, halfway from
  there to the cosine of neighbours;
- ``departments``: each category's number → its department's number;
- ``close``: each category's number → close categories of other departments: their products are
  alike or are bought together.

:mod:`similarity.similar.floor` uses the result.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connections
from django.utils import timezone

from similarity.catalog.adapter import get_adapter
from similarity.extension import extensions
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import category_number, department_of
from similarity.parts import PARTS
from similarity.types import FloatArray
from similarity.vectors import encoding, upsert
from similarity.vectors.fusions import every_version
from similarity.versions import build, quality

logger = logging.getLogger(__name__)

#: Products whose pairs are compared, and the part of them whose neighbours are searched.
SAMPLE = 1500
ASKED = 200
NEIGHBOURS = 3
#: Fewest products that a floor is learned from.
FEW = 30
#: Two categories are close if their products are this much as alike as products of the same
#: category.
CLOSE = 0.4
#: Most close categories kept for each category.
MOST_CLOSE = 20
#: Outside the nightly round, learn again once there are this many times the products, up to a
#: number of products.
OUTGROWN = 2
COUNTED_UP_TO = 50_000

#: A product and a near product, each as column → row.
Pair = tuple[Mapping[str, FloatArray], Mapping[str, FloatArray]]


@dataclass(frozen=True)
class Sample:
    """A sample of N products: column → unit rows (N, d), zero if the product lacks the part."""

    keys: Sequence[Any]
    groups: npt.NDArray[Any]
    categories: npt.NDArray[np.int64]
    rows: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Categories:
    """C categories that products have: numbers, product counts, mean fused row (C, d)."""

    numbers: Sequence[int]
    counts: npt.NDArray[np.int64]
    means: FloatArray


def learn(version: EncoderVersion) -> None:
    """Learn the floor of the version's shelves and store it; with few products no floor."""
    sample = _sample(version)
    floor: dict[str, Any] = {"products": _count(version), "at": timezone.now().isoformat("T")}
    if len(sample.keys) >= FEW:
        categories = _categories(version)
        names = _names(version, categories.numbers)
        pairs = _neighbouring(version, sample)
        floor |= learned_from(sample, pairs, categories, names, _bought_together(names))
    version.floor = floor
    every_version().filter(pk=version.pk).update(floor=floor)


def learned_from(
    sample: Sample,
    pairs: Sequence[Pair],
    categories: Categories,
    names: Mapping[int, str],
    bought: set[tuple[int, int]],
) -> dict[str, Any]:
    """Return the floor learned from a sample, from ``pairs`` of neighbours and all categories."""
    departments = {number: category_number(department_of(name)) for number, name in names.items()}
    return {
        "columns": _columns(sample, pairs, departments),
        "departments": departments,
        "close": close_categories(categories, departments, bought),
    }


def learn_if_outgrown() -> None:
    """Call :func:`learn` for the live version, if it has outgrown the products it learned from.

    A drain of the outbox ends with this call; large catalogues wait for the night.
    """
    live = every_version().live()
    learned = live.floor.get("products", 0) if live else 0
    if live is None or learned >= COUNTED_UP_TO:
        return
    enough = max(OUTGROWN * learned, FEW)
    if _count(live, enough) == enough:
        learn(live)


def close_categories(
    categories: Categories, departments: Mapping[int, int], bought: set[tuple[int, int]]
) -> dict[int, list[int]]:
    """Return category → close categories of other departments, the closest first.

    The product of two categories' mean rows is the mean cosine of their pairs of products. It is
    divided by the mean cosine of pairs within the two categories.
    """
    cross = categories.means @ categories.means.T
    inside = _inside(cross.diagonal(), categories.counts)
    closeness = cross / np.sqrt(np.maximum(np.outer(inside, inside), 1e-6))
    of = np.array([departments.get(number, number) for number in categories.numbers])
    closeness[of[:, None] == of[None, :]] = -np.inf
    at = {number: place for place, number in enumerate(categories.numbers)}
    for first, second in bought:
        if first in at and second in at and of[at[first]] != of[at[second]]:
            closeness[at[first], at[second]] = max(closeness[at[first], at[second]], CLOSE)
    found: dict[int, list[int]] = {}
    for row, number in enumerate(categories.numbers):
        best = np.argsort(-closeness[row], kind="stable")[:MOST_CLOSE]
        if near := [categories.numbers[one] for one in best if closeness[row, one] >= CLOSE]:
            found[number] = near
    return found


def _inside(squares: FloatArray, counts: npt.NDArray[np.int64]) -> FloatArray:
    """Return (C,) the mean cosine of two products of each category; near the mean of all if few."""
    some = counts > 1
    pairs = np.maximum(counts * (counts - 1), 1)
    inside = np.where(some, (counts**2 * squares - counts) / pairs, 0.0)
    usual = np.average(inside[some], weights=counts[some]) if some.any() else 1.0
    # The value of a category with few products is mixed with the mean of all.
    trust = counts / (counts + 5)
    mixed: FloatArray = (trust * inside + (1 - trust) * usual).astype(np.float32)
    return mixed


def _columns(
    sample: Sample, pairs: Sequence[Pair], departments: Mapping[int, int]
) -> dict[str, dict[str, float]]:
    of = np.array([departments.get(int(number), int(number)) for number in sample.categories])
    groups = np.unique(sample.groups.astype(str), return_inverse=True)[1]
    apart: npt.NDArray[np.bool_] = np.not_equal.outer(groups, groups)
    if len(set(of.tolist()) - {0}) > 1:
        apart &= of[:, None] != of[None, :]
    learned = {}
    for column, rows in sample.rows.items():
        present = rows.any(axis=1)
        cosines = (rows @ rows.T)[apart & np.logical_and.outer(present, present)]
        near = [
            float(own[column] @ other[column]) for own, other in pairs if _both(own, other, column)
        ]
        if not len(cosines) or not near:
            continue
        mean = float(cosines.mean())
        learned[column] = {
            "mean": round(mean, 4),
            "deviation": round(float(cosines.std()), 4),
            "near": round((mean + float(np.mean(near))) / 2, 4),
        }
    return learned


def _both(own: Mapping[str, FloatArray], other: Mapping[str, FloatArray], column: str) -> bool:
    return bool(own[column].any() and other[column].any())


def _neighbouring(version: EncoderVersion, sample: Sample) -> list[Pair]:
    """Return pairs of a sampled product and a near product, each as column → row."""
    asked = list(sample.keys[:ASKED])
    found = quality.nearest(version, "fused", asked, NEIGHBOURS).others
    own = _rows_of(sample)
    others = _rows_of(_read(version, {one.key for nearest in found.values() for one in nearest}))
    return [
        (own[key], others[one.key])
        for key, nearest in found.items()
        for one in nearest
        if one.key in others
    ]


def _rows_of(sample: Sample) -> dict[Any, dict[str, FloatArray]]:
    return {
        key: {column: rows[at] for column, rows in sample.rows.items()}
        for at, key in enumerate(sample.keys)
    }


def _sample(version: EncoderVersion) -> Sample:
    return _read(version, build.sample_keys(SAMPLE))


def _read(version: EncoderVersion, keys: Any) -> Sample:
    columns = ["fused", *(part for part in PARTS if part in version.dimensions)]
    stored = ProductVectors.objects.using(upsert.alias()).of_version(version)
    found = list(
        stored.filter(product__in=list(keys))
        .order_by("product")
        .values_list("product_id", "group", "category", *columns)
    )
    rows = {
        column: _unit([one[3 + at] for one in found], version.dimensions[column])
        for at, column in enumerate(columns)
    }
    return Sample(
        keys=[one[0] for one in found],
        groups=np.array([one[1] for one in found], dtype=object),
        categories=np.array([one[2] for one in found], dtype=np.int64),
        rows=rows,
    )


def _unit(values: Sequence[Any], length: int) -> FloatArray:
    rows = np.zeros((len(values), length), np.float32)
    for at, value in enumerate(values):
        if value is not None:
            rows[at] = value
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def _categories(version: EncoderVersion) -> Categories:
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute(
            "SELECT category, count(*), avg(fused)::vector::real[] FROM similarity_productvectors "
            "WHERE version_id = %s AND category <> 0 GROUP BY category ORDER BY 1",
            [version.pk],
        )
        found = cursor.fetchall()
    means = np.array([row[2] for row in found], np.float32)
    means = means.reshape(len(found), version.dimensions["fused"])
    return Categories([row[0] for row in found], np.array([row[1] for row in found], int), means)


def _names(version: EncoderVersion, numbers: Sequence[int]) -> dict[int, str]:
    """Return number → name, from the content of one product of each category."""
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute(
            "SELECT min(product_id::text) FROM similarity_productvectors "
            "WHERE version_id = %s AND category <> 0 GROUP BY category",
            [version.pk],
        )
        keys = [key for (key,) in cursor.fetchall()]
    names: dict[int, str] = {}
    for some in build.chunks(keys, build.PAGE):
        contents, _unread = encoding.read_contents(get_adapter(), some)
        for content in contents:
            name = content.attributes.get("category", "")
            names[category_number(name)] = name
    return {number: names[number] for number in numbers if number in names}


def _bought_together(names: Mapping[int, str]) -> set[tuple[int, int]]:
    """Return pairs of categories that orders combine more often than by chance."""
    numbers = {name: number for number, name in names.items()}
    return {
        (numbers[one], numbers[other])
        for extension in extensions()
        for one, other in extension.related_categories()
        if one in numbers and other in numbers
    }


def _count(version: EncoderVersion, most: int | None = None) -> int:
    rows = ProductVectors.objects.using(upsert.alias()).of_version(version)
    return rows.count() if most is None else rows[:most].count()
