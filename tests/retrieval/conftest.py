"""Synthetic catalogues with stored vectors, made by the fusion's own formula and no encoder."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from pgvector import HalfVector

from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import group_name
from similarity.parts import PARTS
from tests.fixtures_cells import cells_catalogue  # noqa: F401
from tests.host_models import Brand, Category, Product

WEIGHTS = {"text": 0.4, "image": 0.3, "colour": 0.15, "attributes": 0.15}
DIMENSIONS = {"text": 16, "image": 16, "colour": 8, "attributes": 16}
BLOCKS = {"attributes": {"brand": [0, 4], "category": [4, 8], "other": [8, 12], "price": [12, 16]}}


def unit(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)


def fuse(
    parts: Mapping[str, np.ndarray | None], weights: Mapping[str, float], dimensions
) -> np.ndarray:
    """sqrt(weight) × unit part, zeros for a part that is absent, scaled to length one."""
    pieces = [
        np.sqrt(weights[part]) * parts[part]
        if parts.get(part) is not None
        else np.zeros(dimensions[part])
        for part in PARTS
        if part in weights
    ]
    return unit(np.concatenate(pieces))


def half(row: np.ndarray) -> np.ndarray:
    """As the database keeps it."""
    return row.astype(np.float16).astype(np.float64)


@dataclass
class Catalogue:
    """Products with vectors of one version."""

    version: EncoderVersion
    products: list[Product]
    fused: np.ndarray  # (N, D)
    groups: list[str]

    def brute_force(self, at: int, allowed: set) -> list[tuple[float, int]]:
        """(score, key) of the best of each group, best first, without a database."""
        rows = np.array([row for row, one in enumerate(self.products) if one.pk in allowed], int)
        own, others = self.fused[at], self.fused[rows]
        cosines = others @ own / (np.linalg.norm(others, axis=1) * np.linalg.norm(own))
        best: dict[str, tuple[float, int]] = {}
        for row, cosine in sorted(zip(rows, cosines, strict=True), key=lambda pair: -pair[1]):
            group = self.groups[row]
            if group != self.groups[at]:
                best.setdefault(group, ((1 + cosine) / 2, self.products[row].pk))
        return list(best.values())


@pytest.fixture
def make_version(db):
    """Makes an encoder version; live unless told otherwise."""

    def make(
        weights=WEIGHTS, dimensions=DIMENSIONS, status="live", blocks=BLOCKS
    ) -> EncoderVersion:
        sizes = {part: dimensions[part] for part in PARTS if part in weights}
        return EncoderVersion.objects.create(
            status=status,
            encoders={},
            fusion=b"",
            weights=dict(weights),
            dimensions={"fused": sum(sizes.values()), **sizes},
            blocks=blocks,
        )

    return make


@pytest.fixture
def store(db):
    """Stores unit part vectors of a product (a missing part is null) and their fused row."""

    def store(product, version, **parts) -> ProductVectors:
        units = {
            part: unit(np.asarray(row, dtype=float)) if row is not None else None
            for part, row in parts.items()
        }
        fused = fuse(units, version.weights, version.dimensions)
        return ProductVectors.objects.create(
            product=product,
            version=version,
            fused=HalfVector(fused),
            group=group_name(str(product.pk), product.group),
            fingerprint="0" * 64,
            **{part: HalfVector(row) for part, row in units.items() if row is not None},
        )

    return store


def build_index(version: EncoderVersion, *columns: str) -> None:
    """As the indexing room builds it, but for CONCURRENTLY, which no transaction allows."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for column in columns or ("fused", "text", "image"):
            dimension = version.dimensions[column]
            cursor.execute(
                f"CREATE INDEX similarity_v{version.pk}_{column} ON similarity_productvectors "
                f"USING hnsw (({column}::halfvec({dimension})) halfvec_cosine_ops) "
                f"WHERE version_id = {version.pk}"
            )
        cursor.execute("ANALYZE similarity_productvectors")
        cursor.execute("ANALYZE host_product")


def random_parts(count: int, rng: np.random.Generator, clusters: int) -> dict[str, np.ndarray]:
    """Part → unit rows (N, D) around ``clusters`` centres shared by all parts."""
    of = np.arange(count) % clusters
    parts = {}
    for part, dimension in DIMENSIONS.items():
        centres = rng.normal(size=(clusters, dimension))
        parts[part] = unit(centres[of] + 0.6 * rng.normal(size=(count, dimension)))
    return parts


@pytest.fixture
def make_catalogue(db, make_version):
    """Makes N products in clusters, some variants of each other, with vectors and indexes.

    Category and brand follow the cluster; price and stock do not.
    """
    numbers = itertools.count(1)

    def make(
        count: int, *, clusters: int = 20, variants: Sequence[int] = (), index: bool = True
    ) -> Catalogue:
        rng = np.random.default_rng(7)
        run = next(numbers)
        category = [
            Category.objects.create(
                name=f"Kind {run}-{at}", slug=f"kind-{run}-{at}", path=f"Kind {run}-{at}"
            )
            for at in range(clusters)
        ]
        brand = Brand.objects.create(name=f"Brand {run}", slug=f"brand-{run}")
        group_of = {member: f"G{run}-{member // 3}" for member in variants}
        products = Product.objects.bulk_create(
            Product(
                sku=f"S{run}-{at}",
                name=f"Product {at}",
                slug=f"p{run}-{at}",
                category=category[at % clusters],
                brand=brand,
                price=int(rng.integers(1, 1000)),
                stock=int(rng.integers(0, 4)) * 5 + 1,
                group=group_of.get(at, ""),
            )
            for at in range(count)
        )
        version = make_version()
        parts = random_parts(count, rng, clusters)
        fused = np.stack(
            [
                fuse({p: rows[at] for p, rows in parts.items()}, WEIGHTS, DIMENSIONS)
                for at in range(count)
            ]
        )
        groups = [group_name(str(product.pk), product.group) for product in products]
        ProductVectors.objects.bulk_create(
            ProductVectors(
                product=product,
                version=version,
                fused=HalfVector(fused[at]),
                group=groups[at],
                fingerprint="0" * 64,
                encoded_at=timezone.now(),
                **{part: HalfVector(rows[at]) for part, rows in parts.items()},
            )
            for at, product in enumerate(products)
        )
        if index:
            build_index(version)
        return Catalogue(version, products, half(fused), groups)

    return make
