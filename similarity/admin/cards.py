"""Read the products of an admin page at once."""

from collections.abc import Iterable

from django.db.models import Model

from similarity.catalog.adapter import get_adapter
from similarity.exceptions import QueryError
from similarity.similar.within import key_of


def products_by_key(keys: Iterable[str]) -> dict[str, Model]:
    """Return key as text → existing product; one query and the host's prefetches."""
    adapter = get_adapter()
    typed = []
    for key in keys:
        try:
            typed.append(key_of(key))
        except QueryError:  # the type of the host's key has changed since then
            continue
    every = adapter.model._base_manager.using(adapter.write_alias).filter(pk__in=typed)
    return {str(product.pk): product for product in adapter.for_display(every)}
