"""The time limits of search: for the database on one page, and for re-ranking."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from django.db import DatabaseError, Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.sql import Composable

from similarity import conf
from similarity.similar.planner_settings import local_settings, savepoint

QUERY_CANCELED = "57014"

_SAVEPOINT = "SAVEPOINT similarity_step"

Result = TypeVar("Result")


class Budget:
    """A time budget of ``budget_ms`` from now, after which PostgreSQL cancels queries; None: no
    limit.

    If a step is cancelled, the page shows the results found without it: words without meaning,
    estimated counts, or no counts. Loading the shown products is not a step.
    """

    def __init__(self, budget_ms: float | None = None) -> None:
        self._started = time.monotonic()
        self._until = math.inf if budget_ms is None else self._started + budget_ms / 1000
        #: True if a step was cancelled.
        self.late = False

    @classmethod
    def configured(cls) -> "Budget":
        """Return a budget of ``SEARCH["TIME_LIMIT_MS"]`` from now."""
        return cls(conf.get("SEARCH", "TIME_LIMIT_MS"))

    @property
    def left_s(self) -> float:
        """Return the seconds left, at least 0; infinite without a limit."""
        return max(self._until - time.monotonic(), 0.0)

    @property
    def took_ms(self) -> float:
        return 1000 * (time.monotonic() - self._started)

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of a step's query: no JIT, and a time-out (ms) at the budget's
        end."""
        if self._until == math.inf:
            return {"jit": "off"}
        return {"jit": "off", "statement_timeout": str(max(int(1000 * self.left_s), 1))}  # 0: none

    def attempt(self, using: str, step: Callable[[], Result], otherwise: Result) -> Result:
        """Return the result of ``step``, or ``otherwise`` if the time is up or a query is
        cancelled.

        A step reads from the database ``using`` and writes no data.
        """
        if self.left_s <= 0:
            self.late = True
            return otherwise
        try:
            with self.bounding(using):
                return step()
        except OperationalError as error:
            if not was_ended(error):
                raise
            self.late = True
            return otherwise

    def bounding(self, using: str) -> AbstractContextManager[None]:
        """Run each query of the block under :attr:`settings` at that moment."""
        return bounding(using, lambda: self.settings)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Exclude the block from the budget, because waiting for a worker has its own limit."""
        started = time.monotonic()
        yield
        self._until += time.monotonic() - started


def was_ended(error: DatabaseError) -> bool:
    """Return True if PostgreSQL cancelled the query, some microseconds before our own clock."""
    return getattr(error.__cause__, "sqlstate", "") == QUERY_CANCELED


@contextmanager
def bounding(using: str, settings: Callable[[], Mapping[str, str]]) -> Iterator[None]:
    """Run each query of the block under the ``settings`` at that moment, sent in its message."""
    connection = connections[using]
    if connection.settings_dict["OPTIONS"].get("server_side_binding", False):
        with local_settings(using, settings()):
            yield
    else:
        with _Bounding(connection, settings) as bound, connection.execute_wrapper(bound):
            yield


class _Bounding:
    """A wrapper that sends each query with its settings as one message, without a round trip.

    The settings last for the transaction. Outside a transaction of the host, the message is the
    transaction. Inside a host transaction, the first query follows a savepoint, and the block rolls
    back to it at the end. That restores the settings, and leaves the transaction usable if a query
    failed. The savepoint is a separate statement, because it would not be set in the message of a
    query that is not sent or does not parse.

    A query with a server-side cursor (``.iterator()``) is sent unchanged and has no own limit.
    """

    def __init__(
        self, connection: BaseDatabaseWrapper, settings: Callable[[], Mapping[str, str]]
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._in_hosts = connection.in_atomic_block or not connection.get_autocommit()
        self._begun = False

    def __enter__(self) -> "_Bounding":
        return self

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str | Composable,
        params: Any,
        many: bool,
        context: Any,
    ) -> Any:
        """Run a statement, as ``connection.execute_wrapper`` calls it."""
        if isinstance(sql, Composable):
            sql = sql.as_string(self._connection.connection)
        if self._in_hosts and not self._begun and sql != _SAVEPOINT:
            self._send(_SAVEPOINT)
            self._begun = True
        # Django sends DECLARE … CURSOR FOR before the query of a server-side cursor.
        kept = getattr(context["cursor"], "name", None)
        before = "" if kept else self._before(sql)
        returned = execute(f"{before}{sql}", params, many, context)
        while before and context["cursor"].nextset():  # skip one result for each setting
            pass
        return returned

    def _before(self, sql: str) -> str:
        """Return the settings to send before a statement in its message."""
        # After a failed query, Django's own ROLLBACK TO must come first.
        if sql.startswith(("SAVEPOINT", "ROLLBACK", "RELEASE")):
            return ""
        settings = self._settings().items()
        return "".join(f"SET LOCAL {name} = {value}; " for name, value in settings)

    def __exit__(self, failed: type[BaseException] | None, *error: object) -> None:
        if not self._begun:
            return
        try:
            self._send(f"ROLLBACK TO {_SAVEPOINT}; RELEASE {_SAVEPOINT}")
        except Error:
            if failed is None:  # else the first error explains a broken connection better
                raise

    def _send(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)


#: For callers that measure or train.
UNLIMITED = Budget()


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
