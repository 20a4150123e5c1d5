"""The time that the database may take over one page of search."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import OperationalError

from similarity import conf

QUERY_CANCELED = "57014"

Result = TypeVar("Result")


class Budget:
    """``budget_ms`` from now on, in which PostgreSQL ends each query; None is no limit.

    A step that is ended leaves what was found without it: words without meaning, counts that
    are estimated, or none. Loading the products that are shown is no step.
    """

    def __init__(self, budget_ms: float | None = None) -> None:
        self._until = None if budget_ms is None else time.monotonic() + budget_ms / 1000
        #: Whether a step was ended.
        self.late = False

    @classmethod
    def configured(cls) -> "Budget":
        """``SEARCH_BUDGET_MS`` from now on."""
        return cls(conf.get("SEARCH_BUDGET_MS"))

    @property
    def settings(self) -> dict[str, str]:
        """Planner settings of a step's query: no compilation, and an end when the time is up."""
        if self._until is None:
            return {"jit": "off"}
        left_ms = int(1000 * (self._until - time.monotonic()))
        return {"jit": "off", "statement_timeout": f"{max(left_ms, 1)}ms"}  # 0 is no limit

    def renew(self, cursor: Any) -> None:
        """Between two queries under the same settings: the next has what is left now."""
        if self._until is not None:
            timeout = self.settings["statement_timeout"]
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [timeout])
            cursor.fetchall()

    def attempt(self, step: Callable[[], Result], otherwise: Result) -> Result:
        """What ``step`` returns, ``otherwise`` where the time is up or one of its queries was
        ended. Each runs under :attr:`settings`, in a savepoint."""
        if self._until is not None and time.monotonic() >= self._until:
            self.late = True
            return otherwise
        try:
            return step()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != QUERY_CANCELED:
                raise
            self.late = True
            return otherwise

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time that is waited for a worker, which has a limit of its own, does not count."""
        started = time.monotonic()
        yield
        if self._until is not None:
            self._until += time.monotonic() - started


#: For callers that measure or train.
UNLIMITED = Budget()
