"""What all shoppers may see of what others look at: coarse steps, released once a day.

No table holds a count, a time or a shopper. A name is that of a group of variants, see
:func:`similarity.models.vectors.group_name`; it is resolved to products when a shelf is shown.
"""

from datetime import date

from django.db import models


class PublicItem(models.Model):
    """``step``: 1 is the strongest. ``day``: the release that wrote the row."""

    name = models.CharField(max_length=255)
    step = models.PositiveSmallIntegerField()
    day = models.DateField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name}, step {self.step}"


class TrendingItem(PublicItem):
    """An item that is met more than before."""

    class Meta:
        db_table = "similarity_trendingitem"
        constraints = [
            models.UniqueConstraint(fields=["name"], name="similarity_trending_item"),
        ]


class AlsoViewedItem(PublicItem):
    """An item, ``name``, that shoppers met on the same day as the item ``source``."""

    source = models.CharField(max_length=255)

    class Meta:
        db_table = "similarity_alsovieweditem"
        constraints = [
            models.UniqueConstraint(fields=["source", "name"], name="similarity_also_viewed_item"),
        ]


class PublicReleaseQuerySet(models.QuerySet["PublicRelease"]):
    def last_day(self) -> date | None:
        """Return the day of the last release; None before the first."""
        return self.order_by("-day").values_list("day", flat=True).first()


class PublicRelease(models.Model):
    """A day on which the public shelves were counted, so that they change once a day at most."""

    day = models.DateField(primary_key=True)
    released_at = models.DateTimeField(auto_now_add=True)

    objects = PublicReleaseQuerySet.as_manager()

    class Meta:
        db_table = "similarity_publicrelease"

    def __str__(self) -> str:
        return str(self.day)
