"""The co-demand report as it was last made, an item a row, for staff to look at."""

from django.db import models


class DemandSnapshot(models.Model):
    """What moves with one product or category; written anew by beat once a week, and by
    ``manage.py similarity co-demand --all``.

    ``report`` is JSON as :mod:`similarity.planning.demand_snapshots` makes it: figures of
    items, and of pairs that enough shoppers bought; nothing of a single order.
    """

    class Kind(models.TextChoices):
        PRODUCT = "product"
        CATEGORY = "category"

    kind = models.CharField(max_length=8, choices=Kind)
    item = models.CharField(max_length=500)
    title = models.CharField(max_length=500)
    pairs = models.PositiveIntegerField()
    warnings = models.PositiveIntegerField()
    #: The smallest chance of a link by accident; null where there is none.
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
