"""Store drawn maps of the catalogue in two dimensions; staff look at them."""

from django.db import models

from similarity.models.versions import EncoderVersion


class CatalogueMap(models.Model):
    """A drawn map, from ``manage.py similarity map`` or the admin; the last few are kept.

    Titles are copied, because a page of thousands of points cannot query each product.
    """

    version = models.ForeignKey(EncoderVersion, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    #: Seconds that drawing took.
    took_s = models.FloatField()
    #: Products with vectors, of which the map shows ``len(points["key"])``.
    products = models.PositiveIntegerField()
    #: [{"name": path, "products": number on the map, "together": share of the nearest neighbours of
    #: its products that are also in it, 0 to 1, or None}]; the largest first.
    categories = models.JSONField()
    #: {"key": […], "title": […], "x": […], "y": […], "category": [index, or -1 without]}; x and y
    #: from 0 to 1000.
    points = models.JSONField()
    #: Fields of :class:`similarity.insights.misfiled.Outlier`, the most striking first.
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
        """Return the number of products on the map."""
        return len(self.points["key"])
