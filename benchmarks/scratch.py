"""Create a benchmark's own database, beside databases with data."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil
from django.core.management import call_command
from django.db import connection

from benchmarks.guard import end_on_signals

#: The number of the process that uses the database follows this prefix.
PREFIX = "similarity_benchmark_"


@contextmanager
def own_database() -> Iterator[None]:
    """Use a database for this run; drop it afterwards, and drop databases of killed runs."""
    end_on_signals()
    name = f"{PREFIX}{os.getpid()}"
    try:
        with kept_database(name):
            yield
    finally:
        _drop([name, *_abandoned()])


def _abandoned() -> list[str]:
    """Return databases of runs whose process is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        names = [name for (name,) in cursor]
    numbers = {name: name.removeprefix(PREFIX) for name in names}
    return [
        name
        for name, number in numbers.items()
        if number.isdigit() and not psutil.pid_exists(int(number))
    ]


def _drop(names: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def kept_database(name: str) -> Iterator[None]:
    """Use the database ``name``, created if missing, and keep it for other runs."""
    usual = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
