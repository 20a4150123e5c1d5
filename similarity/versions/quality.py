"""How good a version's neighbours are, beside those of the live version, without judgements.

Figures are shares in [0, 1] over the same sample of eligible products in both, each with its
exact nearest ``K``:

- ``same_category``: neighbours of the product's own category;
- ``variants``: variants of the product among its nearest, of as many as fit;
- ``bought_together``: products with a partner of theirs among their neighbours;
- ``overlap``: column → neighbours that both versions have.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet, TextField
from django.db.models.functions import MD5, Cast
from django.utils import timezone

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.extension import first_known
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import PARTS
from similarity.vectors import upsert
from similarity.vectors.indexes import Progress
from similarity.versions import neighbours
from similarity.versions.neighbours import Nearest

#: Neighbours looked at, a usual shelf's.
K = 10

#: Products sampled: the standard error of a share is 3 points at most.
SAMPLE = 300

MEASURES = ("same_category", "variants", "bought_together")


def eligible() -> QuerySet[Any]:
    """Keys of the products that may be shown, each once however many rows a join gives it."""
    products = get_adapter().eligible().using(upsert.alias())
    return products.order_by().values("pk").distinct()


def coverage(version: EncoderVersion) -> tuple[int, int]:
    """(eligible products with vectors in this version, eligible products)."""
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
    """``{"with": id, "sample": N, "new": measures, "live": measures, "overlap": {column: share}}``.

    A measure the shop has no data for (no categories, variants or orders) is left out.
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
            found.append(neighbours.nearest(each, column, keys, K, report))
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
    """The measures of one version's neighbours, those that can be taken."""
    taken = {
        "same_category": _same_category(found),
        "variants": _variants(found),
        "bought_together": _bought_together(found),
    }
    return {name: round(value, 4) for name, value in taken.items() if value is not None}


def _sample(size: int) -> list[Any]:
    """Eligible products spread over the catalogue, the same in each call."""
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
    """Key → its categories; a product may have several, and one without any is left out."""
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
    """Group → the groups it was bought together with, where an app counts orders."""
    return first_known(lambda extension: extension.bought_with(groups), {})
