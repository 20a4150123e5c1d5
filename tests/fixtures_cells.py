"""A catalogue large enough for cells, with vectors drawn and not encoded."""

import numpy as np
import pytest
from django.db import connection
from pgvector import HalfVector

from similarity.cells import upkeep
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import category_number
from tests.host_models import Brand, Category, Product

PRODUCTS, CATEGORIES, DIMENSION = 3000, 12, 24


@pytest.fixture
def cells_catalogue(db):
    """Categories apart from each other, prices that have nothing to do with them."""
    dice = np.random.default_rng(8)
    brand = Brand.objects.create(name="Maker", slug="maker")
    categories = [Category.objects.create(name=f"C{n}", slug=f"c{n}") for n in range(CATEGORIES)]
    of = dice.integers(0, CATEGORIES, size=PRODUCTS)
    products = Product.objects.bulk_create(
        Product(
            sku=f"S{n}", name=f"P{n}", slug=f"p{n}", category=categories[of[n]], brand=brand,
            price=f"{1000 * dice.random():.2f}", stock=5,
        )
        for n in range(PRODUCTS)
    )  # fmt: skip
    centres = dice.normal(size=(CATEGORIES, DIMENSION))
    rows = centres[of] + 0.6 * dice.normal(size=(PRODUCTS, DIMENSION))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    version = EncoderVersion.objects.create(
        status="live", encoders={}, fusion=b"", weights={}, dimensions={"fused": DIMENSION}
    )
    ProductVectors.objects.bulk_create(
        ProductVectors(
            product=product, version=version, fused=HalfVector(row), fingerprint="0" * 64,
            group=f"product:{product.pk}", category=category_number(product.category.path),
        )
        for product, row in zip(products, rows, strict=True)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does; else every test of the filter is a scan
    upkeep.build(version, "default")
    yield version
    upkeep.drop(version, "default")
