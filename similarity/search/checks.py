"""Checks of search against the database."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, connections, router

from similarity import conf
from similarity.search.models import SearchDocument


def check_search(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check the text search configuration, on the requested databases."""
    alias = router.db_for_write(SearchDocument)
    if alias not in (databases or ()) or connections[alias].vendor != "postgresql":
        return []
    try:
        return _check_search_config(alias)
    except DatabaseError:
        return []  # similarity.E032 reports it


def _check_search_config(alias: str) -> list[CheckMessage]:
    config = str(conf.get("SEARCH", "LANGUAGE"))
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_ts_config "
            "WHERE cfgname = %s), (SELECT string_agg(cfgname, ', ' ORDER BY cfgname) "
            "FROM pg_ts_config)",
            [config],
        )
        exists, known = cursor.fetchone()
    if exists:
        return []
    return [
        Error(
            f"SIMILARITY['SEARCH']['LANGUAGE'] is {config!r}, which the database {alias!r} does "
            "not have.",
            hint=f"Choose one of {known}, or make it by CREATE TEXT SEARCH CONFIGURATION.",
            id="similarity.E037",
        )
    ]
