"""Frequent search queries, with prepared vectors."""

from django.db import models
from pgvector.django import HalfVectorField

from similarity.models.versions import EncoderVersion

#: A longer query is never stored, because a single shopper asks it and it may be personal.
LONGEST_KEPT = 60


class HotQueryQuerySet(models.QuerySet["HotQuery"]):
    def hottest(self, count: int) -> "HotQueryQuerySet":
        """Return the ``count`` most frequent queries."""
        return self.order_by("-asked", "text")[:count]


class HotQuery(models.Model):
    """A frequent query without its shoppers; a row is made after many of them asked the same."""

    #: As :func:`similarity.search.query_vectors.normalised` returns it.
    text = models.CharField(max_length=LONGEST_KEPT, unique=True)
    #: Clients that asked it; a client counts at most once a week.
    asked = models.PositiveBigIntegerField(default=0)
    asked_at = models.DateTimeField()

    objects = HotQueryQuerySet.as_manager()

    class Meta:
        db_table = "similarity_hotquery"
        verbose_name_plural = "hot queries"
        indexes = [models.Index(fields=["-asked", "text"], name="similarity_hot_queries")]

    def __str__(self) -> str:
        return self.text


class HotQueryVector(models.Model):
    """A hot query in the space of one version's text vectors, as ``EncoderVersion.query_parts``.

    If the image encoder knows words, the query in the space of the image vectors follows.
    """

    query = models.ForeignKey(HotQuery, on_delete=models.CASCADE, related_name="vectors")
    version = models.ForeignKey(EncoderVersion, on_delete=models.CASCADE, related_name="+")
    vector = HalfVectorField()

    class Meta:
        db_table = "similarity_hotqueryvector"
        constraints = [
            models.UniqueConstraint(
                fields=["query", "version"], name="similarity_hot_query_version"
            )
        ]

    def __str__(self) -> str:
        return f"vector of query {self.query_id}, version {self.version_id}"
