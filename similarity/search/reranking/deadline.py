"""The time limit of a re-ranking, which its steps use in turn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from similarity.search.budget import Budget, bounding
from similarity.similar.planner_settings import savepoint


class OutOfTime(Exception):
    """The time limit has passed."""


class Deadline(Budget):
    """A budget that ends the whole work instead of one step; steps ask how much time is left."""

    def __init__(self, budget_ms: float) -> None:
        super().__init__(budget_ms)

    def check(self) -> None:
        """Raise :class:`OutOfTime` if no time is left."""
        if self.left_s <= 0:
            raise OutOfTime

    @contextmanager
    def reading(self, using: str) -> Iterator["TimedReading"]:
        """Run queries that PostgreSQL cancels at the deadline; each is sent with its limit."""
        self.check()
        with connections[using].cursor() as cursor:
            reading = TimedReading(self, using, cursor)
            with bounding(using, lambda: reading.settings):
                yield reading


class TimedReading:
    """Queries on the database ``using`` under a deadline, by ``cursor`` or by the ORM."""

    def __init__(self, deadline: Deadline, using: str, cursor: Any) -> None:
        self.using = using
        self.cursor = cursor
        self._deadline = deadline

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of a query that is sent now."""
        return self._deadline.settings

    @property
    def left_ms(self) -> float:
        """Return the milliseconds left, above 0; raise :class:`OutOfTime` if no time is left."""
        self._deadline.check()
        return 1000 * self._deadline.left_s

    def check(self) -> None:
        """Raise :class:`OutOfTime` if no time is left; call it before each query."""
        self._deadline.check()

    @contextmanager
    def aside(self, budget_ms: float) -> Iterator[None]:
        """Run optional queries, for at most ``budget_ms`` from now.

        After that time PostgreSQL cancels the running query, and any further query raises
        :class:`OutOfTime`, in the host's code too. An error leaves the transaction as it was
        before.
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
