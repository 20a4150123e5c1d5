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
        """What shoppers may see, as long as all of it can be bought."""
        return self.filter(status=Bundle.Status.PUBLISHED)

    def holding(self, keys: Iterable[Any]) -> "BundleQuerySet":
        """Bundles that hold a product of these keys."""
        return self.filter(products__overlap=[str(key) for key in keys])


class Bundle(models.Model):
    """Products sold together at one price.

    What is found in orders is proposed; staff accept, edit, price and publish. A proposal
    that is found again takes new figures and nothing else: what staff decided stays.
    Prices of the single products are never stored here, for they change.
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
    #: For one piece of each product; empty where the host's products have no price.
    price = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    #: As the products' own; empty where they have none.
    currency = models.CharField(max_length=10, blank=True, editable=False)
    #: Of the items it was proposed for, see :func:`signature_of`; null for one staff made.
    signature = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    #: Orders that held all of it when it was last found, and their distinct shoppers.
    orders = models.PositiveIntegerField(default=0, editable=False)
    shoppers = models.PositiveIntegerField(default=0, editable=False)
    #: Share of all orders read, in [0, 1].
    support = models.FloatField(default=0, editable=False)
    #: How many times more orders than if its products were bought independently.
    lift = models.FloatField(default=0, editable=False)
    #: Staff changed its name, products or price, which proposals then leave alone.
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
    """The same for the same items in any order; ``items`` are names by ``group_name``."""
    text = "\0".join(sorted(items))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
