"""The database's clock, which all processes share."""

from datetime import datetime

from django.db import connections


def database_time(alias: str) -> datetime:
    """Return the current time, also within a transaction."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
