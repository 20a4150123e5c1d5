"""The quality of a version's neighbours beside the live version's, without human judgements.

Figures are shares in [0, 1], over the same sample of eligible products in both versions, each
with its exact nearest ``K``:

- ``same_category``: neighbours of the product's own category;
- ``variants``: variants of the product among its nearest, of as many as fit;
- ``bought_together``: products with a partner of theirs among their neighbours;
- ``overlap``: column → neighbours that both versions have.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db.models import BinaryField, Exists, F, Func, OuterRef, QuerySet, TextField
from django.db.models.functions import MD5, Cast
from django.utils import timezone

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.extension import first_known
from similarity.models import EncoderVersion, ProductVectors
from similarity.parts import PARTS
from similarity.types import Progress
from similarity.vectors import upsert

#: Neighbours per product, the size of a usual shelf.
K = 10
#: Sampled products: the standard error of a share is 3 points at most.
SAMPLE = 300
MEASURES = ("same_category", "variants", "bought_together")

#: Products compared at once: with a sample of 300 their scores take 24 MB.
PAGE = 20_000


class Neighbour(NamedTuple):
    key: Any
    group: str


@dataclass
class Nearest:
    """Sampled product's key → its nearest products, best first.

    ``others`` leaves out variants, as shelves do. ``all`` includes them, and ``siblings`` is the
    number of variants that can be found.
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
    """Return the ``k`` nearest eligible products, by cosine in ``column``, of each sampled product.

    A product without a vector in ``column`` is left out. ``progress`` is called with the number
    of products compared so far.
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
    """Return indices (N, ≤ k) of each row's highest scores, the highest first."""
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
    # pgvector's wire format: two int16 (length, unused), then halves, the high byte first.
    halves = np.frombuffer(b"".join(packed), ">f2").reshape(len(packed), length // 2)[:, 2:]
    return Rows(products, _unit(halves.astype(np.float32)))


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def eligible() -> QuerySet[Any]:
    """Return keys of products that may be shown, each once, although a join may repeat rows."""
    products = get_adapter().eligible().using(upsert.alias())
    return products.order_by().values("pk").distinct()


def coverage(version: EncoderVersion) -> tuple[int, int]:
    """Return (eligible products with vectors in this version, eligible products)."""
    products = eligible()
    rows = ProductVectors.objects.using(upsert.alias()).of_version(version)
    stored = rows.filter(product=OuterRef("pk"))
    return products.filter(Exists(stored)).count(), products.count()


def compare(
    version: EncoderVersion,
    live: EncoderVersion | None,
    progress: Progress | None = None,
    *,
    sample: int = SAMPLE,
) -> dict[str, Any]:
    """Compare two versions on a sample of eligible products.

    Returns ``{"with": id, "at": time, "sample": N, "new": measures, "live": measures, "overlap":
    {column: share}}``. A measure without data in this shop (no categories, variants or orders) is
    left out.
    """
    compared = [each for each in (version, live) if each is not None and each.pk is not None]
    columns = ["fused", *(part for part in PARTS if _in_all(compared, part))] if live else ["fused"]
    keys = _sample(sample)
    total = eligible().count() * len(columns) * len(compared)
    passed = 0
    measured: list[dict[str, float]] = []
    overlap: dict[str, float] = {}
    for column in columns:
        found = []
        for each in compared:
            report = _reporting(progress, passed, total)
            found.append(nearest(each, column, keys, K, report))
            passed += total // (len(columns) * len(compared))
        if column == "fused":
            measured = [measures(one) for one in found]
        if live is not None and (share := _overlap(*found)) is not None:
            overlap[column] = share
    if progress:
        progress("compare", total, total)
    return {
        "with": live.pk if live else None,
        "at": timezone.now().isoformat(timespec="seconds"),
        "sample": len(keys),
        "new": measured[0],
        "live": measured[1] if live else {},
        "overlap": overlap,
    }


def measures(found: Nearest) -> dict[str, float]:
    """Return those measures of one version's neighbours that can be taken."""
    taken = {
        "same_category": _same_category(found),
        "variants": _variants(found),
        "bought_together": _bought_together(found),
    }
    return {name: round(value, 4) for name, value in taken.items() if value is not None}


def _sample(size: int) -> list[Any]:
    """Return eligible products spread over the catalogue, the same in each call."""
    eligible = get_adapter().eligible().using(upsert.alias())
    spread = eligible.order_by(MD5(Cast("pk", TextField()))).values_list("pk", flat=True)
    return list(dict.fromkeys(spread[:size]))


def _in_all(versions: Sequence[EncoderVersion], part: str) -> bool:
    return all(part in version.dimensions for version in versions)


def _reporting(progress: Progress | None, passed: int, total: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda compared: progress("compare", min(passed + compared, total), total)


def _overlap(first: Nearest, second: Nearest) -> float | None:
    shares = []
    for key in first.others.keys() & second.others.keys():
        one, other = ({each.key for each in found.others[key]} for found in (first, second))
        if most := max(len(one), len(other)):
            shares.append(len(one & other) / most)
    return round(float(np.mean(shares)), 4) if shares else None


def _same_category(found: Nearest) -> float | None:
    keys = {near.key for nearest in found.others.values() for near in nearest}
    named = categories([*keys, *found.others])
    shares = [
        np.mean([bool(named[key] & named.get(near.key, set())) for near in nearest])
        for key, nearest in found.others.items()
        if nearest and key in named
    ]
    return float(np.mean(shares)) if shares else None


def categories(keys: Sequence[Any]) -> dict[Any, set[str]]:
    """Return key → the set of its categories, without products that have no category."""
    products = conf.product_model()._base_manager.using(upsert.alias()).filter(pk__in=keys)
    found = get_adapter().values_of("category", products)
    return {key: set(categories) for key, categories in found.items()}


def _variants(found: Nearest) -> float | None:
    shares = [
        sum(near.group == found.groups[key] for near in found.all[key]) / min(siblings, K)
        for key, siblings in found.siblings.items()
        if siblings
    ]
    return float(np.mean(shares)) if shares else None


def _bought_together(found: Nearest) -> float | None:
    partners = _partners(list(found.groups.values()))
    hits = [
        any(near.group in partners[group] for near in found.others[key])
        for key, group in found.groups.items()
        if group in partners
    ]
    return float(np.mean(hits)) if hits else None


def _partners(groups: Sequence[str]) -> Mapping[str, Collection[str]]:
    """Return group → the groups it was bought together with, if an app counts orders."""
    return first_known(lambda extension: extension.bought_with(groups), {})
