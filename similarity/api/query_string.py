"""What query strings and forms share: names that are known, texts that are storable, limits."""

from collections.abc import Iterable, Sequence
from typing import Any

from similarity import conf
from similarity.api.base import FORMAT
from similarity.api.errors import BadParameter
from similarity.catalog.adapter import CatalogAdapter
from similarity.similar.filters import is_filter, known_filters

#: Parameters of REST framework itself.
IGNORED = (FORMAT,)

#: Characters of a name or a value that an error repeats.
SHOWN = 100


def read_lists(
    given: Iterable[tuple[str, Sequence[Any]]],
    options: Sequence[str],
    adapter: CatalogAdapter | None,
    *,
    kind: str = "parameter",
    free: Sequence[str] = (),
) -> dict[str, list[Any]]:
    """Name → values of what was given: ``options`` and, with an adapter, its filters.

    ``kind`` is what an error calls them; of those in ``free`` a NUL is no error. Raises
    :class:`BadParameter` for a name that is not known.
    """
    lists = {name: list(values) for name, values in given if name not in IGNORED}
    known = [*options, *(known_filters(adapter) if adapter else ())]
    for name, values in lists.items():
        if name not in known and not (adapter and is_filter(adapter, name)):
            also = ""
            if adapter and conf.get("API", "FILTERS") is None:
                also = ", and attributes that products have"
            raise BadParameter(
                f"There is no {kind} {name[:SHOWN]!r}; known are {', '.join(known)}{also}.",
                name[:SHOWN],
            )
        if name not in free and any("\0" in str(value) for value in values):
            raise BadParameter(f"{name} holds a NUL character.", name)
    return lists


def read_limit(text: str | None, default: int) -> int:
    """How many results are asked for, where anything is. Raises :class:`BadParameter`."""
    most = conf.MAX_LIMIT
    if text is None:
        return int(min(default, most))
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
        raise BadParameter(
            f"limit is {text[:SHOWN]!r}; give a whole number from 1 to {most}.", "limit"
        )
    return int(text)
