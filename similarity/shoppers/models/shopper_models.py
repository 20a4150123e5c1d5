"""Trained models of shoppers, with their artefact, data window, figures and curves."""

import hashlib

from django.db import models

from similarity.models import EncoderVersion


class ShopperModelQuerySet(models.QuerySet["ShopperModel"]):
    def live(self, kind: str) -> "ShopperModel | None":
        """Return the model of that kind that answers requests; None before the first."""
        return self.filter(kind=kind, status=ShopperModel.Status.LIVE).first()


class ShopperModel(models.Model):
    """One training run, and the model it made."""

    class Kind(models.TextChoices):
        SEQUENCE = "sequence"
        FACTORS = "factors"

    class Status(models.TextChoices):
        TRAINING = "training"
        CANDIDATE = "candidate"
        LIVE = "live"
        RETIRED = "retired"
        REFUSED = "refused"
        FAILED = "failed"

    kind = models.CharField(max_length=8, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.TRAINING)
    #: Safetensors bytes of everything but the items' vectors; null while training.
    weights = models.BinaryField(null=True, editable=False)
    weights_sha256 = models.CharField(max_length=64, default="", editable=False)
    #: The items' vectors: rows of :class:`~similarity.models.ProductVectors` of this version.
    items = models.ForeignKey(
        EncoderVersion, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    #: Hyper-parameters, see ``similarity.shoppers.training``.
    config = models.JSONField(default=dict)
    #: ``first`` and ``last`` event (ISO times), numbers of ``events``, ``shoppers``, ``items``.
    window = models.JSONField(default=dict)
    #: Measures of this model and of those it must beat, and the gate's decision with its reason.
    figures = models.JSONField(default=dict)
    #: Name → list of values by epoch, for example ``loss`` and ``ndcg``.
    curves = models.JSONField(default=dict)
    #: Shoppers erased since; the next training leaves them out and starts from nothing.
    erased = models.PositiveIntegerField(default=0)
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    promoted_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = ShopperModelQuerySet.as_manager()

    class Meta:
        db_table = "similarity_shoppermodel"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(status="live"),
                name="similarity_one_live_shopper_model",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} model {self.pk} ({self.status})"

    def artefact_is_intact(self) -> bool:
        """Return True if the stored weights still have the hash they were saved with."""
        return hashlib.sha256(bytes(self.weights or b"")).hexdigest() == self.weights_sha256
