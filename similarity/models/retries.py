"""Retry rules shared by the outboxes of products and orders: when rows are due or given up.

All times come from the database's clock, because the clocks of web machines and workers differ, and
a row must be due the moment it is committed.
"""

import random
from datetime import timedelta
from typing import Any, Self

from django.db import models, router
from django.db.models import F
from django.db.models.functions import Now

#: Longest error text that a row keeps.
ERROR_LENGTH = 2000

#: Attempts before a row is given up, and the seconds before the second attempt. The wait doubles at
#: each attempt up to the longest wait.
MAX_ATTEMPTS = 8
BACKOFF_S = 10
BACKOFF_MAX_S = 3600


class OutboxQuerySet(models.QuerySet[Any]):
    def due(self) -> Self:
        """Return rows a worker may take now."""
        return self.filter(dead=False, available_at__lte=Now())

    def backing_off(self) -> Self:
        """Return rows that failed and wait for their next attempt."""
        return self.filter(dead=False, available_at__gt=Now())

    def waiting(self) -> Self:
        """Return rows that will be processed, now or later."""
        return self.filter(dead=False)

    def dead(self) -> Self:
        """Return rows given up after MAX_ATTEMPTS, with their last error."""
        return self.filter(dead=True)

    def revive(self) -> int:
        """Make dead rows due again, with a fresh count of attempts; return how many."""
        return self.dead().update(dead=False, attempts=0, available_at=Now())

    def lag_s(self) -> float:
        """Return the seconds for which the longest waiting row has been due; 0 without such a row.

        A row that backs off after an error counts from its next attempt.
        """
        rows = self.waiting().order_by("available_at").annotate(age=Now() - F("available_at"))
        oldest = rows.values_list("age", flat=True).first()
        return max(0.0, oldest.total_seconds()) if oldest is not None else 0.0


class OutboxManager(models.Manager[Any]):
    def get_queryset(self) -> models.QuerySet[Any]:
        """Return rows of the write database, because a read replica may lag behind a wake-up."""
        return super().get_queryset().using(self.write_alias)

    @property
    def write_alias(self) -> str:
        """Return the database that holds the outbox."""
        return self._db or router.db_for_write(self.model)


def failed(attempts: int, error: str) -> dict[str, Any]:
    """Return the fields of a row after its n-th attempt: due later, or dead after MAX_ATTEMPTS."""
    return {
        "attempts": attempts,
        "last_error": error[:ERROR_LENGTH],
        "dead": attempts >= MAX_ATTEMPTS,
        "available_at": Now() + timedelta(seconds=backoff_s(attempts)),
    }


def backoff_s(attempts: int) -> float:
    """Return the seconds to wait after ``attempts`` attempts: doubling, capped, ±25 % jitter."""
    doubled = BACKOFF_S * 2 ** min(max(attempts - 1, 0), 30)
    return min(doubled, BACKOFF_MAX_S) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
