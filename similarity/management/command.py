"""The base of all subcommands: help with examples, clean interruption, progress bars."""

import argparse
import sys
from types import TracebackType
from typing import Any, NoReturn

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import DatabaseError, OperationalError
from psycopg.errors import UndefinedColumn, UndefinedTable
from tqdm import tqdm

from similarity.exceptions import SimilarityError

INTERRUPTED = 130  # the exit code of a program ended by Ctrl-C


class HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """A formatter that keeps the line breaks of the examples."""


class SimilarityCommand(BaseCommand):
    """The base of all subcommands.

    Errors of the plugin, and a database that is down or not migrated, end as one line. Ctrl-C
    prints how to continue and exits with 130.
    """

    _called_from_command_line = False  # set by Django, unknown to django-stubs
    examples = ""
    if_interrupted = "Interrupted."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", HelpFormatter)
        kwargs.setdefault("epilog", self.examples)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except SimilarityError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            if not (remedy := _remedy(error)):
                raise
            first_line = str(error).splitlines()[0].rstrip(".:")
            raise CommandError(f"{first_line}. {remedy}") from error
        except KeyboardInterrupt:
            self.end_interrupted()

    def end_interrupted(self) -> NoReturn:
        """Write how to continue, and exit as a shell expects after Ctrl-C."""
        self.stderr.write(f"\n{self.if_interrupted}")
        raise SystemExit(INTERRUPTED) from None


def _remedy(error: DatabaseError) -> str:
    """Return a remedy if the database is down or not migrated; empty for other errors."""
    cause = error.__cause__
    if isinstance(cause, UndefinedTable | UndefinedColumn):
        return "Run manage.py migrate, then this command again."
    state = getattr(cause, "sqlstate", "") or ""
    # Without a state the server was never reached; 08 is a broken connection, 57P a shutdown.
    if isinstance(error, OperationalError) and (not state or state.startswith(("08", "57P"))):
        return "Start PostgreSQL, or correct DATABASES, then run this command again."
    return ""


class ProgressBars:
    """A progress bar for each phase, on standard error: ``bars(phase, done, total)``."""

    def __init__(self) -> None:
        self._phase = ""
        self._bar: Any = None

    def __enter__(self) -> "ProgressBars":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, phase: str, done: int, total: int) -> None:
        if phase != self._phase:
            self._close()
            interval_s = 0.2 if sys.stderr.isatty() else 10
            self._bar = tqdm(total=total, desc=phase, mininterval=interval_s, file=sys.stderr)
            self._phase = phase
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
