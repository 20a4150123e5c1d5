"""Encoder versions: the encoders, fusion and weights that made a set of vectors."""

import hashlib

from django.db import models

#: The least cosines of near products, until the catalogue's own are learned. The cosines that
#: separate photos differ from network to network, so until then photos have an order but no floor.
UNLEARNED_QUERY_FLOORS = {"text": 0.35, "image": 0.0, "photo": -1.0}


class EncoderVersionQuerySet(models.QuerySet["EncoderVersion"]):
    def live(self) -> "EncoderVersion | None":
        """Return the version that answers queries, or None before the first is promoted."""
        return self.filter(status=EncoderVersion.Status.LIVE).first()

    def live_key(self) -> int | None:
        """Return the key of the version that answers queries; cheaper than the whole version."""
        live = self.filter(status=EncoderVersion.Status.LIVE)
        return live.values_list("pk", flat=True).first()

    def before_live(self) -> "EncoderVersion | None":
        """Return the version that a rollback makes live: the live version's predecessor."""
        replaced = self.filter(status=EncoderVersion.Status.LIVE).values("replaced")
        return self.filter(pk__in=replaced, status=EncoderVersion.Status.RETIRED).first()

    def maintained(self) -> "EncoderVersionQuerySet":
        """Return versions the worker keeps up to date: the live one and its possible successors."""
        return self.exclude(status=EncoderVersion.Status.RETIRED)

    def item_sets(self) -> "EncoderVersionQuerySet":
        """Return the sets of vectors that optional apps keep, see ``EncoderVersion.every``."""
        return self.filter(status=EncoderVersion.Status.ITEMS)


class EncoderVersionManager(models.Manager["EncoderVersion"]):
    """Versions made by encoders; :meth:`EncoderVersionQuerySet.item_sets` are left out."""

    def get_queryset(self) -> EncoderVersionQuerySet:
        every = EncoderVersionQuerySet(self.model, using=self._db)
        return every.exclude(status=EncoderVersion.Status.ITEMS)


class EncoderVersion(models.Model):
    """A set of encoders, fusion and weights.

    Vectors of different versions never meet in a query.
    """

    class Status(models.TextChoices):
        BUILDING = "building"
        READY = "ready"
        LIVE = "live"
        RETIRED = "retired"
        #: A set of vectors that an optional app makes, keeps and drops by itself, for example the
        #: items of a model of shoppers. It is never built, promoted or counted as a version.
        ITEMS = "items"

    status = models.CharField(max_length=8, choices=Status, default=Status.BUILDING)
    #: part → {"class": dotted path, "options": …, "signature": str, "dimension": int}, and for the
    #: image part "joint": true if its encoder puts words in the space of photos
    encoders = models.JSONField()
    #: Safetensors bytes of the fusion (means and projections of each part).
    fusion = models.BinaryField(editable=False)
    fusion_sha256 = models.CharField(max_length=64, editable=False)
    #: "fused" and each part → length of the stored vector
    dimensions = models.JSONField()
    #: part → share of the fused vector's squared length; they add up to 1
    weights = models.JSONField()
    #: part → {block: [start, stop]} inside the part's vector (for explanations)
    blocks = models.JSONField(default=dict, blank=True)
    #: part → least cosine of a query with the vector of a near product, learned on the catalogue;
    #: ``photo``: that of a picture with ``image`` vectors
    query_floors = models.JSONField(default=dict, blank=True, db_default={}, editable=False)
    #: Number of products the fusion was fitted on.
    fitted_on = models.PositiveIntegerField(default=0)
    #: Quality and size figures, shown in the admin.
    figures = models.JSONField(default=dict, blank=True)
    #: The floor at which shelves stop, see ``similarity.versions.floors``; empty before it is
    #: learned.
    floor = models.JSONField(default=dict, blank=True, db_default={}, editable=False)
    #: Progress of its building, see ``similarity.versions.build``.
    progress = models.JSONField(default=dict, blank=True, db_default={})
    created_at = models.DateTimeField(auto_now_add=True)
    promoted_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    #: The version it was promoted over, which a rollback returns to.
    replaced = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    #: The version that was kept up to date before the switch. Set at the switch, until the products
    #: that changed while this version was not kept up to date are enqueued.
    catches_up_with = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    #: The first manager is the default, so that a dump holds every row.
    every = EncoderVersionQuerySet.as_manager()
    objects = EncoderVersionManager.from_queryset(EncoderVersionQuerySet)()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"],
                condition=models.Q(status="live"),
                name="similarity_one_live_version",
            )
        ]

    def __str__(self) -> str:
        return f"version {self.pk} ({self.status})"

    @property
    def query_parts(self) -> dict[str, int]:
        """Map each part to the length of a query's vector, as in ``HotQueryVector.vector``."""
        parts = {"text": int(self.dimensions["text"])} if "text" in self.dimensions else {}
        if self.encoders.get("image", {}).get("joint"):
            parts["image"] = int(self.dimensions["image"])
        return parts

    def query_floor(self, name: str) -> float:
        """Return the floor of that name, see :attr:`query_floors`."""
        return float(self.query_floors.get(name, UNLEARNED_QUERY_FLOORS[name]))

    def artefact_is_intact(self) -> bool:
        """Return True if the stored fusion still has the hash it was saved with."""
        return hashlib.sha256(bytes(self.fusion)).hexdigest() == self.fusion_sha256
