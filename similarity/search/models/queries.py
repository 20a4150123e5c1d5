"""Search queries that are asked often, with their vectors made ahead."""

from django.db import models
from pgvector.django import HalfVectorField

from similarity.models.versions import EncoderVersion

#: A longer query is never kept: it is asked by one shopper, and may tell of him.
LONGEST_KEPT = 60


class HotQueryQuerySet(models.QuerySet["HotQuery"]):
    def hottest(self, count: int) -> "HotQueryQuerySet":
        """The ``count`` queries asked most often."""
        return self.order_by("-asked", "text")[:count]


class HotQuery(models.Model):
    """What shoppers search for, without who did: a row is made once many asked the same."""

    #: As :func:`similarity.search.query_vectors.normalised` gives it.
    text = models.CharField(max_length=LONGEST_KEPT, unique=True)
    #: How often it was counted: once in ten minutes at most, whoever asks.
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
    """A hot query in the space of one version's text vectors, and behind it, where the image
    encoder knows words, in the space of its image vectors: ``EncoderVersion.query_parts``."""

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
