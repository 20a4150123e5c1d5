"""Search over products that are not in a shop, with the same tables and SQL, in a transaction.

Temporary tables of the same names precede the shop's tables in PostgreSQL's search path. The
evaluation therefore measures the code that serves, and not a copy of it.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import connections, models, transaction

from similarity.catalog.content import ProductContent
from similarity.models.vectors import key_type
from similarity.search import documents, vocabulary
from similarity.search.models import SearchDocument
from similarity.similar.within import Fragment, Within, database_keys, key_field
from similarity.vectors import upsert

TABLES = (
    "similarity_searchdocument",
    "similarity_searchlexeme",
    "similarity_searchword",
    "similarity_searchvalue",
)
PAGE = 500


class ScratchWithin(Within):
    """Products without rows in the host's tables, as possible hits."""

    def __init__(self, keys: Fragment, using: str) -> None:
        self.using = using
        self.scratch = keys

    @property
    def keys(self) -> Fragment | None:
        return self.scratch

    @property
    def per_row(self) -> bool:
        return False


def scratch_within(using: str, only: Sequence[int] | None = None) -> ScratchWithin:
    """Return every product of the scratch index, or the products at the positions ``only``."""
    table = SearchDocument._meta.db_table
    if only is None:
        return ScratchWithin(Fragment(f"SELECT product_id FROM {table}"), using)  # noqa: S608
    kind = key_type(using)
    keys = database_keys((key_at(position) for position in only), using)
    return ScratchWithin(Fragment(f"SELECT unnest(%s::{kind}[])", (keys,)), using)


@contextmanager
def scratch_index(contents: Sequence[ProductContent]) -> Iterator[str]:
    """Index ``contents``, with key :func:`key_at` n for product n, and yield the alias.

    The index is rolled back at the end.
    """
    using = upsert.alias()
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            for table in TABLES:
                cursor.execute(
                    f"CREATE TEMPORARY TABLE {table} "
                    f"(LIKE public.{table} INCLUDING ALL) ON COMMIT DROP"
                )
        for start in range(0, len(contents), PAGE):
            some = enumerate(contents[start : start + PAGE], start)
            documents.write([replace(one, key=str(key_at(at)), group="") for at, one in some])
        vocabulary.refresh()
        with connections[using].cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"ANALYZE {table}")
        yield using
        transaction.set_rollback(True, using=using)


def key_at(position: int) -> Any:
    """Return a key of the product model's type for the n-th product."""
    field = key_field()
    if isinstance(field, models.UUIDField):
        return uuid.UUID(int=position + 1)
    return field.to_python(position + 1)


def positions(keys: Iterable[Any], count: int) -> list[int]:
    """Return the positions below ``count`` for keys of :func:`key_at`."""
    at = {key_at(position): position for position in range(count)}
    return [at[key] for key in keys]
