"""A trial of the adapter: read one product as workers and pages read it."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, connections

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import Card
from similarity.catalog.content import ProductContent
from similarity.exceptions import ConfigurationError


def check_content(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Read the first product's content and card, if its database is among ``databases``."""
    try:
        adapter = get_adapter()
        alias = adapter.write_alias
    except ConfigurationError:
        return []  # similarity.E001 to E010
    if alias not in (databases or ()) or not _is_there(adapter):
        return []
    keys = adapter.iter_pks(size=1)
    return [*_check_read(adapter, keys[0]), *_check_card(adapter, keys[0])] if keys else []


def _is_there(adapter: CatalogAdapter) -> bool:
    """Return True if the table of products exists; before the first migrate it does not."""
    try:
        with connections[adapter.write_alias].cursor() as cursor:
            tables = connections[adapter.write_alias].introspection.table_names(cursor)
    except DatabaseError:
        return False  # similarity.E032
    return adapter.model._meta.db_table in tables


def _check_read(adapter: CatalogAdapter, key: Any) -> list[CheckMessage]:
    try:
        [content] = adapter.read_content([str(key)])
        if not isinstance(content, ProductContent) or content.key != str(key):
            raise TypeError(f"it gave {content!r:.200} for the key {str(key)!r}")
        content.fingerprint  # noqa: B018 - it is computed from every value
    except Exception as error:  # noqa: BLE001 - a host's adapter raises anything
        return [_failed(adapter, "content", key, error)]
    return []


def _check_card(adapter: CatalogAdapter, key: Any) -> list[CheckMessage]:
    products = adapter.model._base_manager.using(adapter.write_alias).filter(pk=key)
    try:
        card = adapter.card(adapter.for_display(products).get())
        if not isinstance(card, Card):
            raise TypeError(f"it gave {card!r:.200}, which is no Card")
    except Exception as error:  # noqa: BLE001 - as above
        return [_failed(adapter, "card", key, error)]
    return []


def _failed(adapter: CatalogAdapter, method: str, key: Any, error: Exception) -> CheckMessage:
    return Error(
        f"{type(adapter).__name__}.{method}() cannot read product {str(key)!r}: "
        f"{type(error).__name__}: {error}",
        hint="Correct the adapter of SIMILARITY['CATALOG']; "
        f"'manage.py similarity embed {key} --now' shows the whole traceback.",
        id="similarity.E026",
    )
