"""The products of a page of the admin, read at once."""

from collections.abc import Iterable

from django.db.models import Model

from similarity.catalog.adapter import get_adapter
from similarity.exceptions import QueryError
from similarity.similar.within import key_of


def products_by_key(keys: Iterable[str]) -> dict[str, Model]:
    """Key as text → product, of those that exist still; one query and what cards read."""
    adapter = get_adapter()
    typed = []
    for key in keys:
        try:
            typed.append(key_of(key))
        except QueryError:  # the host's key has changed its type since
            continue
    every = adapter.model._base_manager.using(adapter.write_alias).filter(pk__in=typed)
    return {str(product.pk): product for product in adapter.for_display(every)}
