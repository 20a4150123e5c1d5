"""What shoppers did: one row for each event and product, in a table for each month."""

from django.db import models

from similarity import conf
from similarity.events.models.profiles import Profile, random_key


class Kind(models.IntegerChoices):
    """Kinds of events. The numbers are stored, so they never change."""

    VIEW = 1
    CLICK = 2
    ADD_TO_CART = 3
    PURCHASE = 4
    SEARCH = 5
    IMPRESSION = 6
    LIKE = 7
    DISLIKE = 8
    NOT_INTERESTED = 9


class Event(models.Model):
    """A shopper's event with a product, or a search.

    The table is partitioned by month of ``at``, see ``similarity.events.partitions``. It has no
    foreign keys in the database, so that a write waits for no row of the host: the events of a
    deleted product stay until their month is dropped, those of a deleted profile go with it.
    """

    pk = models.CompositePrimaryKey("at", "id")
    at = models.DateTimeField()
    id = models.BigIntegerField(default=random_key)
    #: Null for a search, because queries may name people and are not part of a profile.
    profile = models.ForeignKey(
        Profile,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    kind = models.SmallIntegerField(choices=Kind)
    #: Null for a search.
    product = models.ForeignKey(
        conf.product_model_reference(),
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    quantity = models.PositiveIntegerField(default=1)
    #: The price of one piece, in ``currency``; null if it is not known.
    value = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, default="")
    query = models.CharField(max_length=200, default="")
    #: Names the shelf that showed the product, for example ``similar_products:fused``.
    token = models.CharField(max_length=200, default="")
    #: True if the shop's own server recorded it; a browser may send anything.
    by_server = models.BooleanField(default=False)

    class Meta:
        db_table = "similarity_event"
        indexes = [
            models.Index(fields=["profile", "-at"], name="similarity_event_of_shopper"),
            # The few likes, dislikes and "not interested" of a shopper, which every shelf asks for.
            models.Index(
                fields=["profile"],
                condition=models.Q(kind__in=[Kind.LIKE, Kind.DISLIKE, Kind.NOT_INTERESTED]),
                name="similarity_event_opinions",
            ),
        ]

    def __str__(self) -> str:
        return f"{Kind(self.kind).label} at {self.at:%Y-%m-%d %H:%M}"


class EventBatch(models.Model):
    """The idempotency key of events already written, so that a repeated request adds none."""

    key = models.UUIDField(primary_key=True)
    #: When the key may be forgotten.
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "similarity_eventbatch"
        verbose_name_plural = "event batches"

    def __str__(self) -> str:
        return str(self.key)


class EventDay(models.Model):
    """The number of events of a kind on a day of the site's ``TIME_ZONE``, counted each night.

    Staff see these numbers, so that no page counts the events themselves. An erasure leaves them,
    because they tell nothing of a single shopper.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    kind = models.SmallIntegerField(choices=Kind)
    events = models.PositiveBigIntegerField()

    class Meta:
        db_table = "similarity_eventday"
        verbose_name = "events of a day"
        verbose_name_plural = "events by day"
        ordering = ["-day", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["day", "kind"], name="similarity_eventday_once")
        ]

    def __str__(self) -> str:
        return f"{self.events} × {Kind(self.kind).label} on {self.day:%Y-%m-%d}"
