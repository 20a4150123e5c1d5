"""Vectors of products, a row for each product and version."""

import hashlib
import zlib
from collections.abc import Collection
from typing import Any

from django.db import connections, models
from django.db.models import Window
from django.db.models.functions import DenseRank
from pgvector.django import HalfVectorField

from similarity import conf
from similarity.catalog.content import LEVEL
from similarity.models.versions import EncoderVersion
from similarity.parts import PARTS

#: Prefix of the name of an index of vectors.
INDEX_PREFIX = "similarity_v"
#: Prefix of the name of a group that holds a single product.
ALONE = "product:"
#: Most products of a group that are read if any of them will do.
MAX_MEMBERS = 200


class ProductVectorsQuerySet(models.QuerySet["ProductVectors"]):
    def of_version(self, version: EncoderVersion) -> "ProductVectorsQuerySet":
        """Narrow to a version. Every query starts here, because versions cannot be compared."""
        return self.filter(version=version)

    def members(self, groups: Collection[str]) -> dict[str, list[Any]]:
        """Map each group to the keys of its products, at most ``MAX_MEMBERS`` each, in key order.

        ``groups`` are names by :func:`group_name`. Groups of a product without variants hold only
        that product and are left out. Runs at most one query.
        """
        several = [name for name in groups if not name.startswith(ALONE)]
        if not several:
            return {}
        # The second condition is the index's condition.
        rows = self.filter(group__in=several).exclude(group__startswith=ALONE)
        # A product has the same place in each version.
        place = Window(DenseRank(), partition_by="group", order_by="product_id")
        placed = (
            rows.annotate(place=place).filter(place__lte=MAX_MEMBERS).order_by("group", "place")
        )
        keys = placed.values_list("group", "product_id", "place").distinct()
        found: dict[str, list[Any]] = {}
        for group, key, _place in keys:
            found.setdefault(group, []).append(key)
        return found


class ProductVectors(models.Model):
    """A product's vectors: ``fused`` answers "similar"; the parts re-weight, search and explain.

    All are rows of length one as half-precision vectors. A part that the product lacks is null. The
    lengths belong to the version, so the columns have no length, and ``similarity.vectors.indexes``
    creates the HNSW index of each version.
    """

    # The database deletes these rows with the product (see migration 0001), so that even raw SQL in
    # the host can delete products. Django must not delete them too, because it would lock vectors
    # before products, in the opposite order of a worker that writes them.
    product = models.ForeignKey(
        conf.product_model_reference(),
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
    )
    version = models.ForeignKey(EncoderVersion, on_delete=models.CASCADE, related_name="+")
    fused = HalfVectorField()
    #: Shared by the variants of a product, see :func:`group_name`.
    group = models.CharField(max_length=255)
    #: Cells are made within each category, see :func:`category_number`.
    category = models.IntegerField(default=0, db_default=0)
    fingerprint = models.CharField(max_length=64)
    encoded_at = models.DateTimeField(auto_now=True)

    objects = ProductVectorsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "product vectors"
        constraints = [
            models.UniqueConstraint(
                fields=["product", "version"], name="similarity_vectors_product_version"
            )
        ]
        indexes = [
            models.Index(
                fields=["group"],
                condition=~models.Q(group__startswith=ALONE),
                name="similarity_vectors_variants",
            )
        ]

    def __str__(self) -> str:
        return f"vectors of product {self.product_id}, version {self.version_id}"


for _part in PARTS:
    ProductVectors.add_to_class(_part, HalfVectorField(null=True))


def index_name(version: EncoderVersion, column: str) -> str:
    """Return the name of the HNSW index of a version over a column, ``similarity_v3_fused``."""
    return f"{INDEX_PREFIX}{int(version.pk)}_{column}"


def key_type(using: str) -> str:
    """Return the SQL type of a product's key in the database ``using``, to cast parameters.

    For example ``bigint``, ``uuid`` or ``varchar(40)``.
    """
    return str(ProductVectors._meta.get_field("product").db_type(connections[using]))


def group_name(key: str, group: str) -> str:
    """Return the group that the product's variants share, or the product itself without a group.

    The prefixes keep a product's key from being another's group.
    """
    name = f"group:{group}" if group else f"{ALONE}{key}"
    return name if len(name) <= 255 else f"hash:{hashlib.sha256(name.encode()).hexdigest()}"


def department_of(category: str) -> str:
    """Return the first level of a category's path: ``Outdoor`` of ``Outdoor > Tents``."""
    return category.split(LEVEL, 1)[0].strip()


def category_number(category: str) -> int:
    """Return a category's name as a number that fits an ``integer`` column; 0 if empty."""
    return zlib.crc32(category.encode(errors="replace")) - 2**31 if category else 0
