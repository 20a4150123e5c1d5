"""Leases on rows of the outbox: their worker, their end, and their outcome."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connections, models, transaction
from django.db.models.functions import Now

from similarity.connections.locks import living_owners
from similarity.models.retries import ERROR_LENGTH, OutboxManager, backoff_s, failed

if TYPE_CHECKING:
    from similarity.models.outbox import PendingProduct

#: Longest wait for a row that a transaction of the host is changing.
RELEASE_WAIT_MS = 1000

#: Seconds until the claim of a hung worker is free again. A dead worker's claim is free at once,
#: except behind a pooler.
LEASE_S = 300
#: A product is given up after this many workers died over it, or outlived their lease.
MAX_KILLS = 3


class LeaseManager(OutboxManager):
    """A manager of workers' claims; a claim's ``lease_until`` is the token that holds its rows."""

    def claim(self, limit: int, owner: int | None = None) -> list["PendingProduct"]:
        """Lease up to ``limit`` due rows, the longest waiting first, and return them.

        Other workers skip rows that are being claimed, so any number of workers share the work.
        ``owner`` is the number of :func:`similarity.connections.locks.owner`. With it the rows are
        free again as soon as this process is dead, without it after LEASE_S. Rows at which a worker
        died are left to :meth:`claim_alone`.
        """
        return self._lease("kills = 0", "available_at", limit, owner)

    def claim_alone(self, owner: int | None = None) -> list["PendingProduct"]:
        """Lease and return one row of those that a worker was embedding when it died.

        Only one at a time, because the product may kill workers (for example an image that uses all
        memory), and products claimed beside it must not be affected too. The row with the fewest
        kills comes first, so that the culprit delays no other product.
        """
        return self._lease("kills > 0", "kills, available_at", 1, owner)

    def free_abandoned(self) -> int:
        """Make due the rows of workers that are dead or outlived their lease; return how many.

        After MAX_KILLS such leases a row is dead instead. A restart of PostgreSQL does not count,
        because it ends every session, whatever the product.
        """
        rows = self.using(self.write_alias).filter(dead=False, lease_until__isnull=False)
        rows = rows.annotate(expired=models.Q(lease_until__lt=Now()))
        leases = list(rows.values_list("pk", "lease_until", "lease_owner", "expired"))
        if not leases:
            return 0
        # Read after the leases, so that a missing owner has certainly ended.
        living = living_owners(self.write_alias)
        abandoned = [
            (pk, until)
            for pk, until, owner, expired in leases
            if expired or (owner is not None and owner not in living)
        ]
        if not abandoned:
            return 0
        with connections[self.write_alias].cursor() as cursor:
            cursor.execute(
                _FREE_ABANDONED,
                {
                    "ids": [pk for pk, _until in abandoned],
                    "leases": [until for _pk, until in abandoned],
                    "lease_s": LEASE_S,
                    "most": MAX_KILLS,
                    "error": (
                        f"{MAX_KILLS} workers were killed, or outlived their lease of "
                        f"{LEASE_S} s, while they embedded this product. Look for a "
                        "very large image or text and at the workers' memory, then try the "
                        "product again in the admin."
                    ),
                },
            )
            return int(cursor.rowcount)

    def hold(self, claims: Sequence["PendingProduct"]) -> set[str]:
        """Lock the claimed rows still leased to this worker and return their keys.

        Call it inside the transaction that writes the vectors, because a slow worker whose lease
        ran out must not overwrite the next worker's vectors. Skip a row that a transaction of the
        host has locked, because the host may be waiting for another of these rows.
        """
        leases = {row.product_key: row.lease_until for row in claims}
        rows = (
            self.using(self.write_alias)
            .filter(product_key__in=list(leases))
            .order_by("product_key")
            .select_for_update(skip_locked=True)
        )
        return {row.product_key for row in rows if row.lease_until == leases[row.product_key]}

    def acknowledge(self, claims: Sequence["PendingProduct"]) -> int:
        """Delete the finished rows; return how many rows were deleted.

        A row whose generation changed since it was claimed stays, and is due at once.
        """
        if not claims:
            return 0
        done: dict[str, Any] = {
            "keys": [row.product_key for row in claims],
            "generations": [row.generation for row in claims],
            "leases": [row.lease_until for row in claims],
        }
        with connections[self.write_alias].cursor() as cursor:
            cursor.execute(_DELETE_DONE, done)
            deleted = int(cursor.rowcount)
            cursor.execute(_FREE_CHANGED, done)
        return deleted

    def fail(self, claims: Sequence["PendingProduct"], error: str) -> None:
        """Put rows back after their own error: later with each attempt, dead after the last.

        A row that changed meanwhile is due at once instead, because the change may be the cure.
        """
        for row in claims:
            held = self.using(self.write_alias).filter(pk=row.pk, lease_until=row.lease_until)
            held.exclude(generation=row.generation).update(lease_until=None, lease_owner=None)
            held.filter(generation=row.generation).update(
                lease_until=None, lease_owner=None, **failed(row.attempts, error)
            )

    def release(self, claims: Sequence["PendingProduct"], *, error: str = "") -> None:
        """Give rows back untried, due at once, or after a first backoff if there is an ``error``.

        The attempt does not count, because the product did not cause the error. A row still locked
        by a long transaction of the host is left to its lease.
        """
        wait = timedelta(seconds=backoff_s(1) if error else 0)
        for row in claims:
            held = self.using(self.write_alias).filter(pk=row.pk, lease_until=row.lease_until)
            try:
                with transaction.atomic(using=self.write_alias):
                    with connections[self.write_alias].cursor() as cursor:
                        cursor.execute(f"SET LOCAL lock_timeout = {int(RELEASE_WAIT_MS)}")
                    held.exclude(generation=row.generation).update(
                        lease_until=None, lease_owner=None
                    )
                    held.filter(generation=row.generation).update(
                        lease_until=None,
                        lease_owner=None,
                        attempts=row.attempts - 1,
                        available_at=Now() + wait,
                        last_error=error[:ERROR_LENGTH],
                    )
            except OperationalError:
                return

    def _lease(
        self, condition: str, order: str, limit: int, owner: int | None
    ) -> list["PendingProduct"]:
        statement = _LEASE.format(condition=condition, order=order)
        lease = timedelta(seconds=LEASE_S)
        rows = self.db_manager(self.write_alias).raw(statement, [limit, lease, owner])
        return sorted(rows, key=lambda row: (row.available_at, row.pk))


#: The CTE is materialised so that no plan can choose its rows more than once.
_LEASE = """
    WITH chosen AS MATERIALIZED (
        SELECT id FROM similarity_pendingproduct
        WHERE NOT dead AND available_at <= statement_timestamp()
            AND lease_until IS NULL AND {condition}
        ORDER BY {order} LIMIT %s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE similarity_pendingproduct AS pending
    SET lease_until = statement_timestamp() + %s, lease_owner = %s, attempts = attempts + 1
    FROM chosen WHERE pending.id = chosen.id
    RETURNING pending.*
"""

_DELETE_DONE = """
    DELETE FROM similarity_pendingproduct AS pending
    USING unnest(%(keys)s::text[], %(generations)s::bigint[], %(leases)s::timestamptz[])
        AS done(key, generation, lease)
    WHERE pending.product_key = done.key AND pending.generation = done.generation
      AND pending.lease_until = done.lease
"""

_FREE_CHANGED = """
    UPDATE similarity_pendingproduct AS pending
    SET lease_until = NULL, lease_owner = NULL, available_at = statement_timestamp()
    FROM unnest(%(keys)s::text[], %(leases)s::timestamptz[]) AS done(key, lease)
    WHERE pending.product_key = done.key AND pending.lease_until = done.lease
"""

#: Skip rows that a transaction of the host has locked; a later call frees them without waiting.
_FREE_ABANDONED = """
    WITH abandoned AS MATERIALIZED (
        SELECT id, kills + CASE
            WHEN lease_until - make_interval(secs => %(lease_s)s) < pg_postmaster_start_time()
            THEN 0 ELSE 1 END AS kills
        FROM similarity_pendingproduct AS held
        JOIN unnest(%(ids)s::bigint[], %(leases)s::timestamptz[]) AS old(id, lease) USING (id)
        WHERE lease_until = old.lease
        ORDER BY id FOR UPDATE OF held SKIP LOCKED
    )
    UPDATE similarity_pendingproduct AS pending
    SET lease_until = NULL, lease_owner = NULL, kills = abandoned.kills,
        attempts = greatest(pending.attempts - 1, 0),
        dead = abandoned.kills >= %(most)s,
        last_error = CASE WHEN abandoned.kills >= %(most)s THEN %(error)s
            ELSE pending.last_error END
    FROM abandoned WHERE pending.id = abandoned.id
"""
