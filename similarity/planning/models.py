"""Store the latest co-demand report for staff, one row per item."""

from django.db import models


class DemandSnapshot(models.Model):
    """The co-demand of a product or category.

    Celery beat writes it once a week, and ``manage.py similarity co-demand --all`` on demand.
    ``report`` is JSON from :mod:`similarity.planning.demand_snapshots`. It has figures of items and
    of pairs that enough shoppers bought, but no data of single orders.
    """

    class Kind(models.TextChoices):
        PRODUCT = "product"
        CATEGORY = "category"

    kind = models.CharField(max_length=8, choices=Kind)
    item = models.CharField(max_length=500)
    title = models.CharField(max_length=500)
    pairs = models.PositiveIntegerField()
    warnings = models.PositiveIntegerField()
    #: The smallest chance that a link is accidental; null without a link.
    p_value = models.FloatField(null=True)
    headline = models.TextField()
    report = models.JSONField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "similarity_demandsnapshot"
        verbose_name = "co-demand"
        verbose_name_plural = "co-demand"
        ordering = [models.F("p_value").asc(nulls_last=True), "pk"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "item"], name="similarity_demand_item")
        ]

    def __str__(self) -> str:
        return self.title
