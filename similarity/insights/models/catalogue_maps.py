"""Maps of the catalogue in two dimensions, as they were last drawn, for staff to look at."""

from django.db import models

from similarity.models.versions import EncoderVersion


class CatalogueMap(models.Model):
    """One drawing; ``manage.py similarity map`` and the admin make them, the last few are kept.

    Titles are kept as they were: a page of thousands of points cannot ask for each product.
    """

    version = models.ForeignKey(EncoderVersion, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    #: Seconds it took.
    took_s = models.FloatField()
    #: Products with vectors, of which the map shows ``len(points["key"])``.
    products = models.PositiveIntegerField()
    #: [{"name": path, "products": how many of the map, "together": share of the nearest
    #: neighbours of its products that are in it too, 0 to 1, or None}]; the largest first
    categories = models.JSONField()
    #: {"key": […], "title": […], "x": […], "y": […], "category": [index, -1: none]};
    #: x and y from 0 to 1000
    points = models.JSONField()
    #: As :class:`similarity.insights.misfiled.Outlier` has them, the most striking first.
    outliers = models.JSONField()

    class Meta:
        db_table = "similarity_cataloguemap"
        verbose_name = "map of the catalogue"
        verbose_name_plural = "maps of the catalogue"
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return f"map of {self.made_at:%Y-%m-%d %H:%M}"

    @property
    def shown(self) -> int:
        """How many products are on it."""
        return len(self.points["key"])
