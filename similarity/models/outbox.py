"""The outbox: which products changed and are not yet embedded.

One row for each product, written in the transaction that changed it. A worker claims
rows by lease and acknowledges the generation it read, so that a change made meanwhile
stays pending.
"""

import datetime as dt
import random
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, models, router
from django.utils import timezone

from similarity import conf


class PendingProductQuerySet(models.QuerySet["PendingProduct"]):
    def due(self) -> "PendingProductQuerySet":
        """Rows a worker may claim now."""
        now = timezone.now()
        return self.filter(dead=False, available_at__lte=now).filter(
            models.Q(lease_until=None) | models.Q(lease_until__lt=now)
        )

    def dead(self) -> "PendingProductQuerySet":
        """Rows given up after MAX_ATTEMPTS, their last error kept."""
        return self.filter(dead=True)

    def waiting(self) -> "PendingProductQuerySet":
        """Rows that will be embedded: due now, leased or backing off."""
        return self.filter(dead=False)

    def revive(self) -> int:
        """Make dead rows due again, with a fresh count of attempts."""
        return self.filter(dead=True).update(
            dead=False, attempts=0, available_at=timezone.now(), lease_until=None
        )


class PendingProductManager(models.Manager.from_queryset(PendingProductQuerySet)):  # type: ignore[misc]
    def enqueue(self, keys: Iterable[Any], *, force: bool = False) -> int:
        """Mark products as changed; returns how many.

        A product already pending gets its next generation and is due at once, dead or
        not. ``force`` embeds it even where its fingerprint is unchanged. Keys are
        written in order, so that two transactions cannot wait for each other.
        """
        ordered = sorted({str(key) for key in keys})
        if not ordered:
            return 0
        with connections[self._write_alias()].cursor() as cursor:
            cursor.execute(
                f"""
                INSERT INTO {PendingProduct._meta.db_table} AS pending
                    (product_key, generation, force, available_at, attempts, last_error,
                     dead, created_at)
                SELECT key, 1, %s, now(), 0, '', false, now() FROM unnest(%s::text[]) AS key
                ON CONFLICT (product_key) DO UPDATE SET
                    generation = pending.generation + 1,
                    force = pending.force OR excluded.force,
                    available_at = now(), attempts = 0, dead = false
                """,  # noqa: S608 - the table's own name
                [force, ordered],
            )
        return len(ordered)

    def claim(self, limit: int) -> list["PendingProduct"]:
        """Lease up to ``limit`` due rows for this worker, the longest waiting first.

        Other workers pass over rows that are being claimed, so any number of them share
        the work. A lease that runs out makes the row due again.
        """
        alias = self._write_alias()
        chosen = (
            self.using(alias)
            .due()
            .order_by("available_at")
            .select_for_update(skip_locked=True)
            .values("pk")[:limit]
        )
        lease = timezone.now() + dt.timedelta(seconds=conf.get("LEASE_S"))
        table = PendingProduct._meta.db_table
        sql, parameters = chosen.query.sql_with_params()
        statement = (
            f"UPDATE {table} SET lease_until = %s, attempts = attempts + 1 "  # noqa: S608
            f"WHERE id IN ({sql}) RETURNING *"
        )
        return list(self.using(alias).raw(statement, [lease, *parameters]))

    def hold(self, claims: Sequence["PendingProduct"]) -> set[str]:
        """Lock the claimed rows still leased to this worker and return their keys.

        Called inside the transaction that writes the vectors: a worker so slow that its
        lease ran out may not overwrite what the next one wrote.
        """
        keys = [row.product_key for row in claims]
        leases = {row.product_key: row.lease_until for row in claims}
        rows = (
            self.using(self._write_alias())
            .filter(product_key__in=keys)
            .order_by("product_key")
            .select_for_update()
        )
        return {row.product_key for row in rows if row.lease_until == leases[row.product_key]}

    def acknowledge(self, claims: Sequence["PendingProduct"]) -> int:
        """Delete what was done; returns how many rows were deleted.

        A row whose generation has moved on since it was claimed stays, and is due at once.
        """
        with connections[self._write_alias()].cursor() as cursor:
            return _acknowledge(cursor, claims)

    def fail(self, claims: Sequence["PendingProduct"], error: str) -> None:
        """Put rows back after an error: later with each attempt, dead after the last.

        A row that changed meanwhile is due at once instead: the change may be the cure.
        """
        now = timezone.now()
        for row in claims:
            held = self.using(self._write_alias()).filter(pk=row.pk, lease_until=row.lease_until)
            held.exclude(generation=row.generation).update(lease_until=None)
            held.filter(generation=row.generation).update(
                lease_until=None,
                last_error=error[:2000],
                dead=row.attempts >= conf.get("MAX_ATTEMPTS"),
                available_at=now + dt.timedelta(seconds=backoff_s(row.attempts)),
            )

    def _write_alias(self) -> str:
        return self._db or router.db_for_write(PendingProduct)


class PendingProduct(models.Model):
    product_key = models.CharField(max_length=255, unique=True)
    #: Counts the changes; a worker deletes the row only at the generation it read.
    generation = models.PositiveBigIntegerField(default=1)
    #: Embed again even where the fingerprint is unchanged.
    force = models.BooleanField(default=False)
    available_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
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
            )
        ]

    def __str__(self) -> str:
        return f"product {self.product_key}, generation {self.generation}"


def backoff_s(attempts: int) -> float:
    """Seconds to wait after the given number of attempts: doubling, capped, ±25 % jitter."""
    wait = min(conf.get("BACKOFF_S") * 2 ** max(attempts - 1, 0), conf.get("BACKOFF_MAX_S"))
    return wait * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret


def _acknowledge(cursor: Any, claims: Sequence[PendingProduct]) -> int:
    if not claims:
        return 0
    read = {
        "keys": [row.product_key for row in claims],
        "generations": [row.generation for row in claims],
        "leases": [row.lease_until for row in claims],
    }
    table = PendingProduct._meta.db_table
    cursor.execute(
        f"""
        DELETE FROM {table} AS pending
        USING unnest(%(keys)s::text[], %(generations)s::bigint[], %(leases)s::timestamptz[])
            AS done(key, generation, lease)
        WHERE pending.product_key = done.key AND pending.generation = done.generation
          AND pending.lease_until = done.lease
        """,  # noqa: S608 - the table's own name
        read,
    )
    deleted = cursor.rowcount
    cursor.execute(
        f"""
        UPDATE {table} AS pending SET lease_until = NULL
        FROM unnest(%(keys)s::text[], %(leases)s::timestamptz[]) AS done(key, lease)
        WHERE pending.product_key = done.key AND pending.lease_until = done.lease
        """,  # noqa: S608 - the table's own name
        read,
    )
    return int(deleted)
