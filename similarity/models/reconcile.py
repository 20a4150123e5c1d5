"""Progress of comparing the catalogue with stored vectors, and changes not enqueued at once."""

from django.db import OperationalError, connections, models, router, transaction
from django.utils import timezone

from similarity.models.outbox import ENQUEUE

#: Longest :meth:`SpilledChangeManager.adopt` waits for a row that the host's transaction holds.
ADOPT_WAIT_MS = 50


class SpilledChangeManager(models.Manager["SpilledChange"]):
    def adopt(self, limit: int = 1000) -> int:
        """Move changes into the outbox; return how many rows were taken.

        Changes whose outbox row is still locked stay for the next call.
        """
        alias = router.db_for_write(SpilledChange)
        keys = self.using(alias).order_by("pk").values_list("product_key", flat=True)
        some = list(dict.fromkeys(keys[:limit]))
        try:
            return _adopt(alias, some) if some else 0
        except OperationalError:
            return sum(_adopt_alone(alias, key) for key in some)


class SpilledChange(models.Model):
    """A change that a trigger could not enqueue, because another transaction held its outbox row.

    Rows are only added, so that no transaction waits. Workers move them into the outbox.
    """

    product_key = models.CharField(max_length=255)

    objects = SpilledChangeManager()

    def __str__(self) -> str:
        return f"product {self.product_key}"


class ReconcileRound(models.Model):
    """A walk through the catalogue, unfinished until ``finished_at``; counts are of products."""

    started_at = models.DateTimeField(default=timezone.now)
    #: When the last page was done.
    updated_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    #: The last primary key that was compared, as text; empty at the start.
    after_key = models.CharField(max_length=255, blank=True)
    checked = models.PositiveBigIntegerField(default=0)
    #: Content has changed since it was embedded or put into the search index.
    stale = models.PositiveBigIntegerField(default=0)
    #: Without vectors in a version that should have them, or without a search document.
    missing = models.PositiveBigIntegerField(default=0)
    #: Stored for products that the catalogue no longer has.
    orphaned = models.PositiveBigIntegerField(default=0)
    enqueued = models.PositiveBigIntegerField(default=0)
    deleted = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"round of {self.started_at:%Y-%m-%d %H:%M}, {self.checked} products"


def _adopt(alias: str, keys: list[str]) -> int:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {int(ADOPT_WAIT_MS)}")
        cursor.execute(_TAKE, [keys])
        taken = [key for (key,) in cursor.fetchall()]
        different = "SELECT DISTINCT unnest(%s::text[])"
        cursor.execute(ENQUEUE.format(force="false", keys=different), [taken])
        return len(taken)


def _adopt_alone(alias: str, key: str) -> int:
    try:
        return _adopt(alias, [key])
    except OperationalError:
        return 0


_TAKE = """
    DELETE FROM similarity_spilledchange WHERE id IN (
        SELECT id FROM similarity_spilledchange WHERE product_key = ANY(%s::text[])
        ORDER BY id FOR UPDATE SKIP LOCKED
    ) RETURNING product_key
"""
