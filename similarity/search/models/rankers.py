"""Learned rankers, which re-order search results, with their measured quality."""

import hashlib

from django.db import models


class RankerVersionQuerySet(models.QuerySet["RankerVersion"]):
    def live(self) -> "RankerVersion | None":
        """Return the ranker that re-orders results, or None if the fixed blend does."""
        return self.filter(status=RankerVersion.Status.LIVE).first()


class RankerVersion(models.Model):
    """A small network over ranking signals, trained by ``manage.py similarity train-ranker``."""

    class Status(models.TextChoices):
        CANDIDATE = "candidate"
        LIVE = "live"
        RETIRED = "retired"

    status = models.CharField(max_length=9, choices=Status, default=Status.CANDIDATE)
    #: Names of its inputs in their order; a release with other signals does not use it.
    signals = models.JSONField()
    #: Safetensors bytes of the network.
    artefact = models.BinaryField(editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    #: Training data and measured quality, shown in the admin.
    figures = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    promoted_at = models.DateTimeField(null=True, blank=True)

    objects = RankerVersionQuerySet.as_manager()

    class Meta:
        db_table = "similarity_rankerversion"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"],
                condition=models.Q(status="live"),
                name="similarity_one_live_ranker",
            )
        ]

    def __str__(self) -> str:
        return f"ranker {self.pk} ({self.status})"

    def artefact_is_intact(self) -> bool:
        """Return True if the stored network still has the hash it was saved with."""
        return hashlib.sha256(bytes(self.artefact)).hexdigest() == self.sha256
