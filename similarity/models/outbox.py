"""The outbox: products that changed and are not yet embedded.

It has a row for each product, written in the transaction that changed it. A worker claims rows by
lease and acknowledges the generation it read, so that a change made meanwhile stays pending.
"""

from collections.abc import Iterable
from typing import Any, Self

from django.db import connections, models
from django.db.models.functions import Concat, Least, Now
from django.utils import timezone

from similarity.models.leases import LeaseManager
from similarity.models.retries import OutboxQuerySet


class PendingProductQuerySet(OutboxQuerySet):
    def due(self) -> Self:
        """Return rows a worker may claim now, including those whose lease ran out."""
        free = models.Q(lease_until=None) | models.Q(lease_until__lt=Now())
        return super().due().filter(free)

    def leased(self) -> Self:
        """Return rows that a worker is embedding."""
        return self.filter(dead=False, lease_until__gte=Now())

    def revive(self) -> int:
        """Make dead rows due again, with a fresh count of attempts; return how many.

        A product that killed workers is still tried alone.
        """
        return self.filter(dead=True).update(
            dead=False,
            attempts=0,
            kills=Least("kills", 1),
            available_at=Now(),
            created_at=Now(),
            lease_until=None,
        )

    def retry(self) -> int:
        """Make due the rows that were given up or back off after an error; return how many."""
        sooner = self.backing_off().update(available_at=Now(), lease_until=None)
        return self.revive() + sooner

    def give_up(self, reason: str) -> int:
        """Give up rows that no worker holds; return how many.

        Their last error begins with ``reason``.
        """
        free = self.filter(dead=False).exclude(lease_until__gte=Now())
        return free.update(
            dead=True,
            lease_until=None,
            last_error=Concat(models.Value(f"{reason}\n"), "last_error"),
        )


class PendingProductManager(LeaseManager.from_queryset(PendingProductQuerySet)):  # type: ignore[misc]
    def enqueue(self, keys: Iterable[Any], *, force: bool = False, durable: bool = True) -> int:
        """Mark products as changed; return how many.

        A pending product gets its next generation and is due at once, even if it was dead. A
        product that was due before keeps its place, however often it changes. ``force`` embeds it
        even if its fingerprint is unchanged. Keys are written in order, so that two transactions
        cannot wait for each other. Without ``durable``, outside a transaction only, the commit does
        not wait for the disk: the next durable commit includes it.
        """
        ordered = sorted({str(key) for key in keys})
        if not ordered:
            return 0
        with connections[self.write_alias].cursor() as cursor:
            keys = "SELECT unnest(%s::text[])"
            if not durable:
                keys += " FROM set_config('synchronous_commit', 'off', true)"
            cursor.execute(ENQUEUE.format(force="%s", keys=keys), [force, ordered])
        return len(ordered)

    def suspects(self) -> bool:
        """Return True if :meth:`claim_alone` would find a row."""
        return self.using(self.write_alias).due().filter(kills__gt=0).exists()


class PendingProduct(models.Model):
    product_key = models.CharField(max_length=255, unique=True)
    #: Counts the changes; a worker deletes the row only at the generation it read.
    generation = models.PositiveBigIntegerField(default=1)
    #: Embed again even if the fingerprint is unchanged.
    force = models.BooleanField(default=False)
    available_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    #: Number of the lease's holder, by :func:`similarity.connections.locks.owner`; null behind a
    #: pooler.
    lease_owner = models.IntegerField(null=True, blank=True, editable=False)
    #: How often a worker died, or outlived its lease, while it held this row. A later change does
    #: not reset it, because a product that kills workers at each save would never be given up.
    kills = models.PositiveSmallIntegerField(default=0, db_default=0)
    last_error = models.TextField(blank=True)
    dead = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = PendingProductManager()

    class Meta:
        verbose_name = "pending product"
        indexes = [
            models.Index(
                fields=["available_at"],
                condition=models.Q(dead=False),
                name="similarity_pending_due",
            ),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(lease_until__isnull=False),
                name="similarity_pending_leased",
            ),
            models.Index(
                fields=["kills", "available_at"],
                condition=models.Q(dead=False, kills__gt=0),
                name="similarity_pending_suspect",
            ),
            models.Index(
                fields=["available_at"],
                condition=models.Q(dead=True),
                name="similarity_pending_dead",
            ),
        ]

    def __str__(self) -> str:
        return f"product {self.product_key}, generation {self.generation}"


#: Marks the different keys that the query ``keys`` returns as changed. The triggers of
#: ``similarity.capture`` run the same statement.
ENQUEUE = """
    INSERT INTO similarity_pendingproduct AS pending
        (product_key, generation, force, available_at, attempts, last_error, dead, created_at)
    SELECT key, 1, {force}, statement_timestamp(), 0, '', false, statement_timestamp()
    FROM ({keys}) AS changed(key) ORDER BY key COLLATE "C"
    ON CONFLICT (product_key) DO UPDATE SET
        generation = pending.generation + 1,
        force = pending.force OR excluded.force,
        available_at = CASE WHEN pending.dead THEN statement_timestamp()
            ELSE least(pending.available_at, statement_timestamp()) END,
        attempts = 0, dead = false, last_error = ''
"""
