"""Products, the peer's vectors, and the database's own log of changes to both.

Triggers write the two logs, in the transaction of the change. A save that was rolled back or lost
in a crash is therefore in neither log, even if its writer believes otherwise.
"""

from django.db import models


class Product(models.Model):
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.title


class PeerVector(models.Model):
    """The result of the peer's task: the vector, and the title it was made from."""

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
