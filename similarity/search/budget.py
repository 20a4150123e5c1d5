"""The time that the database may take over one page of search."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from django.db import DatabaseError, Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.sql import Composable

from similarity import conf
from similarity.similar.planner_settings import local_settings

QUERY_CANCELED = "57014"

_SAVEPOINT = "SAVEPOINT similarity_step"

Result = TypeVar("Result")


class Budget:
    """``budget_ms`` from now on, in which PostgreSQL ends each query; None is no limit.

    A step that is ended leaves what was found without it: words without meaning, counts that
    are estimated, or none. Loading the products that are shown is no step.
    """

    def __init__(self, budget_ms: float | None = None) -> None:
        self._started = time.monotonic()
        self._until = math.inf if budget_ms is None else self._started + budget_ms / 1000
        #: Whether a step was ended.
        self.late = False

    @classmethod
    def configured(cls) -> "Budget":
        """``SEARCH["TIME_LIMIT_MS"]`` from now on."""
        return cls(conf.get("SEARCH", "TIME_LIMIT_MS"))

    @property
    def left_s(self) -> float:
        """Seconds that are left, 0 at least; infinite without a limit."""
        return max(self._until - time.monotonic(), 0.0)

    @property
    def took_ms(self) -> float:
        return 1000 * (time.monotonic() - self._started)

    @property
    def settings(self) -> dict[str, str]:
        """Of a step's query: no compilation, and an end when the time, in ms, is up."""
        if self._until == math.inf:
            return {"jit": "off"}
        return {"jit": "off", "statement_timeout": str(max(int(1000 * self.left_s), 1))}  # 0: none

    def attempt(self, using: str, step: Callable[[], Result], otherwise: Result) -> Result:
        """What ``step`` returns, ``otherwise`` where the time is up or one of its queries was
        ended. A step reads from the database ``using`` and writes nothing."""
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
        """Each query of the block runs under :attr:`settings` of its moment."""
        return bounding(using, lambda: self.settings)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time that is waited for a worker, which has a limit of its own, does not count."""
        started = time.monotonic()
        yield
        self._until += time.monotonic() - started


def was_ended(error: DatabaseError) -> bool:
    """Whether PostgreSQL ended the query: it does so some microseconds before our own clock."""
    return getattr(error.__cause__, "sqlstate", "") == QUERY_CANCELED


@contextmanager
def bounding(using: str, settings: Callable[[], Mapping[str, str]]) -> Iterator[None]:
    """Each query of the block runs under the ``settings`` of its moment, sent in its message."""
    connection = connections[using]
    if connection.settings_dict["OPTIONS"].get("server_side_binding", False):
        with local_settings(using, settings()):
            yield
    else:
        with _Bounding(connection, settings) as bound, connection.execute_wrapper(bound):
            yield


class _Bounding:
    """Sends each query with its settings, as one message: no round trip is spent on them.

    They hold for the transaction, which by itself is the message. In a transaction of the host's
    the first query comes after a savepoint, and the block goes back to it at the end: that puts
    the settings back, and leaves the transaction usable where a query failed. The savepoint is a
    statement of its own, for in the message of a query that is not sent or does not parse it
    would not be set.

    A query that PostgreSQL keeps a cursor of (``.iterator()``) is sent as it is and has no limit
    of its own.
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
        """As ``connection.execute_wrapper`` calls it."""
        if isinstance(sql, Composable):
            sql = sql.as_string(self._connection.connection)
        if self._in_hosts and not self._begun and sql != _SAVEPOINT:
            self._send(_SAVEPOINT)
            self._begun = True
        # PostgreSQL is sent DECLARE … CURSOR FOR before the query of a cursor that it keeps.
        kept = getattr(context["cursor"], "name", None)
        before = "" if kept else self._before(sql)
        returned = execute(f"{before}{sql}", params, many, context)
        while before and context["cursor"].nextset():  # a result for each setting comes first
            pass
        return returned

    def _before(self, sql: str) -> str:
        """What goes before a statement in its message."""
        # Where a query failed, Django's own ROLLBACK TO must come first.
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
            if failed is None:  # else, of a connection that broke, what broke it says more
                raise

    def _send(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)


#: For callers that measure or train.
UNLIMITED = Budget()
