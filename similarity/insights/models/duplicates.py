"""Store near-duplicate listings and the decisions of staff about them."""

from collections.abc import Iterable
from typing import Any

from django.db import models, router, transaction
from django.db.models.functions import Now


class DuplicateListingQuerySet(models.QuerySet["DuplicateListing"]):
    def open(self) -> "DuplicateListingQuerySet":
        """Return pairs that staff have not dismissed."""
        return self.filter(dismissed=False)

    def replace(self, found: Iterable[Any]) -> int:
        """Replace the stored pairs by ``found`` and return the number of open pairs.

        ``found`` have first, second, score, fused, text and image. Dismissed pairs stay dismissed.
        Other pairs that were not found again are deleted.
        """
        rows: list[Any] = [DuplicateListing(**one._asdict(), found_at=Now()) for one in found]
        alias = router.db_for_write(DuplicateListing)
        listings = self.using(alias)
        with transaction.atomic(using=alias):
            listings.filter(dismissed=False).delete()
            listings.bulk_create(
                rows,
                batch_size=1000,
                update_conflicts=True,
                unique_fields=["first", "second"],
                update_fields=["score", "fused", "text", "image", "found_at"],
            )
        return listings.open().count()


class DuplicateListing(models.Model):
    """A near-duplicate: two products, as keys in text, that are not variants."""

    first = models.CharField(max_length=255)
    second = models.CharField(max_length=255)
    #: The smallest of the compared cosines.
    score = models.FloatField()
    fused = models.FloatField()
    text = models.FloatField(null=True)
    image = models.FloatField(null=True)
    #: True if staff decided that the products are different.
    dismissed = models.BooleanField(default=False)
    found_at = models.DateTimeField()

    objects = DuplicateListingQuerySet.as_manager()

    class Meta:
        db_table = "similarity_duplicatelisting"
        verbose_name = "near-duplicate listing"
        ordering = ["-score", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["first", "second"], name="similarity_duplicate_listing_pair"
            )
        ]
        indexes = [
            models.Index(fields=["dismissed", "-score"], name="similarity_duplicate_score"),
        ]

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"
