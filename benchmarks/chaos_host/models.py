"""Products, the peer's vectors, and what the database itself saw happen to both.

The two logs are written by triggers, in the transaction of what they log: a save that was
rolled back or lost with a crash is in neither, whatever its writer believed.
"""

from django.db import models


class Product(models.Model):
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.title


class PeerVector(models.Model):
    """What the peer's task writes: the vector, and the title it was made of."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, primary_key=True)
    vector = models.JSONField()
    mark = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"vector of product {self.product_id}"


class SavedTitle(models.Model):
    """A committed save: the product had this title since ``at``."""

    product_key = models.BigIntegerField()
    title = models.CharField(max_length=200)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.product_key}: {self.title}"


class WrittenVector(models.Model):
    """A committed vector: ``mark`` is its fingerprint, or the peer's title."""

    product_key = models.BigIntegerField()
    mark = models.CharField(max_length=200)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.product_key}: {self.mark}"
