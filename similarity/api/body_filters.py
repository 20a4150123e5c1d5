"""The filters of similar products in a body: ``{"brand": ["A", "B"], "max_price": 20}``."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from similarity.api.base import SHOWN, read_text
from similarity.api.errors import BadParameter
from similarity.catalog.adapter import CatalogAdapter
from similarity.similar.filters import MAX_FILTER_LENGTH, MAX_NAME, is_filter, known_filters

#: Filters of one request.
MAX_FILTERS = 20


def read_filters(
    body: Mapping[str, Any], adapter: CatalogAdapter, name: str = "filters"
) -> dict[str, Sequence[str]]:
    """Name → values, as :func:`similarity.similar.filters.filter_products` takes them.

    A single value stands for a list of it; numbers and booleans for what they are as text.
    Raises :class:`BadParameter`.
    """
    given = body.get(name, {})
    if not isinstance(given, Mapping) or len(given) > MAX_FILTERS:
        raise BadParameter(f"{name} must be an object of at most {MAX_FILTERS} filters.", name)
    found: dict[str, Sequence[str]] = {}
    for key, value in given.items():
        _require_known(key, name, adapter)
        values = value if isinstance(value, list) else [value]
        if not values:
            raise BadParameter(f"{name}.{key} is an empty list; leave it out.", name)
        found[key] = [_text(key, one, name) for one in values]
    return found


def _require_known(key: str, name: str, adapter: CatalogAdapter) -> None:
    known = known_filters(adapter)
    if key in known:
        return
    read_text({name: key}, name, most=MAX_NAME)
    if not is_filter(adapter, key):
        shown = ascii(key)[:SHOWN]
        raise BadParameter(f"There is no filter {shown}; known are {', '.join(known)}.", name)


def _text(key: str, value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(Decimal(str(value)))
    if not isinstance(value, str):
        raise BadParameter(f"{name}.{key} must hold texts, numbers or booleans.", name)
    return read_text({name: value}, name, most=MAX_FILTER_LENGTH)
