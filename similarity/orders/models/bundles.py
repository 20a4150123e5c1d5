"""Bundles: products sold together at one price, proposed from orders and decided by staff."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MinValueValidator
from django.db import models


class BundleQuerySet(models.QuerySet["Bundle"]):
    def published(self) -> "BundleQuerySet":
        """Return bundles that shoppers may see, if all their products can be bought."""
        return self.filter(status=Bundle.Status.PUBLISHED)

    def holding(self, keys: Iterable[Any]) -> "BundleQuerySet":
        """Return bundles that hold a product with one of these keys."""
        return self.filter(products__overlap=[str(key) for key in keys])


class Bundle(models.Model):
    """Products sold together at one price.

    The plugin proposes bundles from orders; staff accept, edit, price and publish them. A proposal
    that is found again gets new figures only: decisions of staff stay. Prices of the single
    products are never stored here, because they change.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed"
        ACCEPTED = "accepted"
        PUBLISHED = "published"
        REJECTED = "rejected"

    name = models.CharField(max_length=250)
    status = models.CharField(max_length=9, choices=Status, default=Status.PROPOSED)
    #: Keys of the host's products as text, one piece of each.
    products = ArrayField(models.TextField())
    #: For one piece of each product; empty if the host's products have no price.
    price = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    #: The products' currency; empty if they have no price.
    currency = models.CharField(max_length=10, blank=True, editable=False)
    #: Signature of the proposed items, see :func:`signature_of`; null for a bundle made by staff.
    signature = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    #: Orders that held all products when it was last found, and their distinct shoppers.
    orders = models.PositiveIntegerField(default=0, editable=False)
    shoppers = models.PositiveIntegerField(default=0, editable=False)
    #: Share of all orders read, in [0, 1].
    support = models.FloatField(default=0, editable=False)
    #: How many times more orders than if its products were bought independently.
    lift = models.FloatField(default=0, editable=False)
    #: True if staff changed its name, products or price; proposals then keep these.
    edited = models.BooleanField(default=False, editable=False)
    found_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = BundleQuerySet.as_manager()

    class Meta:
        db_table = "similarity_bundle"
        ordering = ["-orders", "pk"]
        indexes = [GinIndex(fields=["products"], name="similarity_bundle_products")]

    def __str__(self) -> str:
        return self.name


def signature_of(items: Iterable[str]) -> str:
    """Return a hash that does not depend on the order of ``items``, names by ``group_name``."""
    text = "\0".join(sorted(items))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
