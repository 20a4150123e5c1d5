"""The time a re-ranking may take, given to each step in turn."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connections

from similarity.search.budget import QUERY_CANCELED, bounding
from similarity.similar.planner_settings import savepoint


class OutOfTime(Exception):
    """The budget is used up."""


def was_ended(error: DatabaseError) -> bool:
    """Whether PostgreSQL ended the query: it does so some microseconds before our own clock."""
    return getattr(error.__cause__, "sqlstate", "") == QUERY_CANCELED


class Deadline:
    """``budget_ms`` from now on; steps ask how much of it is left."""

    def __init__(self, budget_ms: float) -> None:
        self.started = time.monotonic()
        self.budget_s = budget_ms / 1000

    @property
    def left_s(self) -> float:
        """Seconds that are left, 0 at least."""
        return max(self.started + self.budget_s - time.monotonic(), 0.0)

    @property
    def took_ms(self) -> float:
        return 1000 * (time.monotonic() - self.started)

    def check(self) -> None:
        """Raises :class:`OutOfTime` when nothing is left."""
        if self.left_s <= 0:
            raise OutOfTime

    @property
    def settings(self) -> dict[str, str]:
        """Of a query: PostgreSQL ends it when the time is up. Zero would mean no limit at all."""
        return {"statement_timeout": str(max(int(1000 * self.left_s), 1))}

    @contextmanager
    def reading(self, using: str) -> Iterator["Reading"]:
        """Queries that PostgreSQL ends when the time is up; the limit is sent with each."""
        self.check()
        with connections[using].cursor() as cursor:
            reading = Reading(self, using, cursor)
            with bounding(using, lambda: reading.settings):
                yield reading


class Reading:
    """Queries on the database ``using`` under a deadline, by ``cursor`` or by the ORM."""

    def __init__(self, deadline: Deadline, using: str, cursor: Any) -> None:
        self.using = using
        self.cursor = cursor
        self._deadline = deadline

    @property
    def settings(self) -> dict[str, str]:
        """Of a query that is sent now."""
        return self._deadline.settings

    @property
    def left_ms(self) -> float:
        """Above 0; raises :class:`OutOfTime` when nothing is left."""
        self._deadline.check()
        return 1000 * self._deadline.left_s

    def check(self) -> None:
        """Before each query: raises :class:`OutOfTime` when nothing is left."""
        self._deadline.check()

    @contextmanager
    def aside(self, budget_ms: float) -> Iterator[None]:
        """Queries that the answer can do without, in ``budget_ms`` from now on.

        Past that time PostgreSQL ends the query that runs, and none begins, whoever sends it:
        :class:`OutOfTime`. An error leaves the transaction as it was before.
        """
        whole, self._deadline = self._deadline, Deadline(budget_ms)

        def in_time(execute: Callable[..., Any], *arguments: Any) -> Any:
            self._deadline.check()
            return execute(*arguments)

        try:
            with savepoint(self.using), connections[self.using].execute_wrapper(in_time):
                yield
        finally:
            self._deadline = whole
