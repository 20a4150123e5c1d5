"""Near-duplicate listings as they were last found, and what staff said of them."""

from collections.abc import Iterable
from typing import Any

from django.db import models, router, transaction
from django.db.models.functions import Now


class DuplicateListingQuerySet(models.QuerySet["DuplicateListing"]):
    def open(self) -> "DuplicateListingQuerySet":
        """Pairs that staff have not dismissed."""
        return self.filter(dismissed=False)

    def replace(self, found: Iterable[Any]) -> int:
        """Put what was found in the place of what is there; returns how many are open.

        ``found`` have first, second, score, fused, text and image. A pair that was dismissed
        stays dismissed, and one that is not found again goes, unless it was dismissed.
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
    """Two products, by key as text, that are no variants and as good as the same."""

    first = models.CharField(max_length=255)
    second = models.CharField(max_length=255)
    #: The smallest of the cosines that were asked for.
    score = models.FloatField()
    fused = models.FloatField()
    text = models.FloatField(null=True)
    image = models.FloatField(null=True)
    #: Staff say that the two are different things.
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
