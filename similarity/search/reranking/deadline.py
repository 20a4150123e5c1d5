"""The time a re-ranking may take, given to each step in turn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from similarity.search.budget import Budget, bounding
from similarity.similar.planner_settings import savepoint


class OutOfTime(Exception):
    """The budget is used up."""


class Deadline(Budget):
    """A budget that ends the whole work, and not a step of it; steps ask how much is left."""

    def __init__(self, budget_ms: float) -> None:
        super().__init__(budget_ms)

    def check(self) -> None:
        """Raises :class:`OutOfTime` when nothing is left."""
        if self.left_s <= 0:
            raise OutOfTime

    @contextmanager
    def reading(self, using: str) -> Iterator["TimedReading"]:
        """Queries that PostgreSQL ends when the time is up; the limit is sent with each."""
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
