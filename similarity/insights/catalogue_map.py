"""Draw the map of the catalogue: a sample of the live version's products, stored as a snapshot."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db.models import CharField, TextField
from django.db.models.functions import MD5, Cast
from django.utils import timezone

from similarity.catalog.adapter import get_adapter
from similarity.catalog.card import title_of
from similarity.encoders import device
from similarity.encoders.base import FloatArray, unit_rows
from similarity.exceptions import QueryError, VersionError
from similarity.insights import layout, misfiled
from similarity.insights.models import CatalogueMap
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.stored_vectors import StoredVectors, read_vectors
from similarity.parts import PARTS
from similarity.types import Progress
from similarity.vectors import fusions, upsert

#: Default number of products on a map.
PRODUCTS = 5000
MOST_PRODUCTS = 20_000

#: Maps kept, so that staff can compare with earlier maps.
KEPT = 3

#: Characters of a title that the map stores.
TITLE = 80

_PAGE = 1000


def draw_catalogue_map(products: int = PRODUCTS, progress: Progress | None = None) -> CatalogueMap:
    """Draw, store and return a map of at most ``products`` of the live version.

    Deletes older maps. Raises :class:`VersionError` without a live version, :class:`QueryError` for
    a number out of range, and :class:`ConfigurationError` without the extra ``map``.
    """
    if not 1 <= products <= MOST_PRODUCTS:
        raise QueryError(f"A map of {products} products cannot be drawn; 1 to {MOST_PRODUCTS} can.")
    started = time.monotonic()
    report = progress or (lambda phase, done, total: None)
    version = fusions.every_version().live()
    if version is None:
        raise VersionError(
            "There is no live version to draw; run 'manage.py similarity embed' first."
        )
    rows = _sample(version, products, report)
    if not rows:
        raise QueryError(
            f"Version {version.pk} has no vectors yet; run 'manage.py similarity embed'."
        )
    titles, paths = _told(rows, report)
    names, codes = _categories(paths)
    fused = np.stack([row.vectors["fused"] for row in rows])  # type: ignore[misc]
    report("neighbours", 0, 1)
    found = misfiled.nearest(_seen(rows, version), [row.group for row in rows])
    share = misfiled.shares(found, codes, names)
    outliers = misfiled.misfiled(found, share, codes, names) + misfiled.alone(found)
    report("layout", 0, 1)
    points = layout.two_dimensions(
        fused, threads=max(1, device.cores() // device.worker_processes())
    )
    report("layout", 1, 1)
    drawn = CatalogueMap.objects.using(upsert.alias()).create(
        version=version,
        made_at=timezone.now(),
        took_s=round(time.monotonic() - started, 1),
        products=ProductVectors.objects.using(upsert.alias()).of_version(version).count(),
        categories=[
            {"name": name, "products": int((codes == number).sum()), "together": share_kept}
            for number, (name, share_kept) in enumerate(
                zip(names, misfiled.together(share, codes, names), strict=True)
            )
        ],
        points={
            "key": [str(row.key) for row in rows],
            "title": titles,
            "x": [round(float(x), 1) for x in points[:, 0]],
            "y": [round(float(y), 1) for y in points[:, 1]],
            "category": codes.tolist(),
        },
        outliers=[_kept(outlier, rows) for outlier in outliers],
    )
    stale = CatalogueMap.objects.using(upsert.alias()).values_list("pk", flat=True)[KEPT:]
    CatalogueMap.objects.using(upsert.alias()).filter(pk__in=list(stale)).delete()
    return drawn


def _sample(version: EncoderVersion, most: int, report: Progress) -> list[StoredVectors]:
    """Return products in the order of a hash of their keys.

    The sample is fair, and the next drawing has the same products.
    """
    keys = list(
        ProductVectors.objects.using(upsert.alias())
        .of_version(version)
        .annotate(spread=MD5(Cast(Cast("product_id", CharField()), TextField())))
        .order_by("spread")
        .values_list("product_id", flat=True)[:most]
    )
    columns = ["fused", *(part for part in version.weights if part in PARTS)]
    rows: list[StoredVectors] = []
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        found = read_vectors(version, page, columns, upsert.alias())
        rows += [found[key] for key in page if key in found and found[key].has("fused")]
        report("read", min(start + _PAGE, len(keys)), len(keys))
    return rows


def _told(rows: Sequence[StoredVectors], report: Progress) -> tuple[list[str], list[str]]:
    """Return the title and the category path of each product; the path is "" without a category."""
    adapter = get_adapter()
    products = adapter.model._base_manager.using(upsert.alias())
    titles: dict[Any, str] = {}
    paths: dict[Any, str] = {}
    for start in range(0, len(rows), _PAGE):
        keys = [row.key for row in rows[start : start + _PAGE]]
        for product in products.filter(pk__in=keys):
            titles[product.pk] = title_of(adapter, product)[:TITLE]
        named = adapter.values_of("category", products.filter(pk__in=keys))
        paths |= {key: categories[0] for key, categories in named.items()}
        report("names", min(start + _PAGE, len(rows)), len(rows))
    return (
        [titles.get(row.key) or str(row.key) for row in rows],
        [paths.get(row.key, "") for row in rows],
    )


def _categories(paths: Sequence[str]) -> tuple[list[str], misfiled.IntArray]:
    """Return category names, the largest first, and each product's category number, -1 without."""
    counts: dict[str, int] = {}
    for path in paths:
        if path:
            counts[path] = counts.get(path, 0) + 1
    names = sorted(counts, key=lambda name: (-counts[name], name))
    numbers = {name: number for number, name in enumerate(names)}
    return names, np.asarray([numbers.get(path, -1) for path in paths], dtype=np.int64)


def _seen(rows: Sequence[StoredVectors], version: EncoderVersion) -> FloatArray:
    """Return unit rows of the parts that encoders see, without attributes.

    If the version has no such parts, use the fused vectors.
    """
    parts = [part for part in version.weights if part in PARTS and part != misfiled.LEFT_OUT]
    if not parts:
        return unit_rows(np.stack([row.vectors["fused"] for row in rows]))  # type: ignore[misc]
    blocks = []
    for part in parts:
        width = int(version.dimensions[part])
        block = np.zeros((len(rows), width), dtype=np.float32)
        for number, row in enumerate(rows):
            if (vector := row.vectors[part]) is not None:
                block[number] = vector
        blocks.append(np.sqrt(version.weights[part]) * block)
    return unit_rows(np.concatenate(blocks, axis=1).astype(np.float32))


def _kept(outlier: misfiled.Outlier, rows: Sequence[StoredVectors]) -> dict[str, Any]:
    """Return the outlier as JSON, with products as keys."""
    return {
        **outlier._asdict(),
        "nearest": [str(rows[number].key) for number in outlier.nearest],
    }
