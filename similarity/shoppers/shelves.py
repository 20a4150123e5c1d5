"""The shelves by their names, as tags and the API call them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import QuerySet

from similarity.exceptions import QueryError
from similarity.shoppers.personal_shelves import because_you_viewed, buy_again, recently_viewed
from similarity.shoppers.public_shelves import also_viewed, trending
from similarity.shoppers.recommending import recommend_for
from similarity.similar.hits import Hit

FOR_YOU, BECAUSE, RECENT, AGAIN = "for_you", "because_you_viewed", "recently_viewed", "buy_again"
#: The same for everybody.
TRENDING, ALSO = "trending", "people_also_viewed"
PUBLIC = (TRENDING, ALSO)


class Asked(NamedTuple):
    """What a page or a client asks of a shelf. ``product``: that of the page, or None."""

    who: Any
    limit: int
    within: QuerySet[Any] | None
    exclude: Iterable[Any] = ()
    product: Any = None
    diversity: float = 0.0
    explain: bool = False


class Shelf(NamedTuple):
    """``hits``, and the product that ``because_you_viewed`` is about."""

    hits: list[Hit]
    because: Any = None
    title: str = ""


def read_shelf(name: str, asked: Asked) -> Shelf:
    """Return a shelf by its name. Raises :class:`QueryError` for arguments it cannot serve."""
    if name not in _READERS:
        raise QueryError(f"shelf is {name!r}; choose one of {', '.join(SHELVES)}.")
    return _READERS[name](asked)


def _for_you(asked: Asked) -> Shelf:
    hits = recommend_for(
        asked.who,
        asked.limit,
        within=asked.within,
        diversity=asked.diversity,
        explain=asked.explain,
        exclude=_excluded(asked),
    )
    return Shelf(hits)


def _because(asked: Asked) -> Shelf:
    found = because_you_viewed(
        asked.who, asked.limit, within=asked.within, exclude=_excluded(asked)
    )
    return Shelf(found.hits, found.product, found.title) if found else Shelf([])


def _recent(asked: Asked) -> Shelf:
    own = _excluded(asked)
    return Shelf(recently_viewed(asked.who, asked.limit, within=asked.within, exclude=own))


def _again(asked: Asked) -> Shelf:
    own = _excluded(asked)
    return Shelf(buy_again(asked.who, asked.limit, within=asked.within, exclude=own))


def _trending(asked: Asked) -> Shelf:
    return Shelf(trending(asked.limit, within=asked.within, exclude=_excluded(asked)))


def _also(asked: Asked) -> Shelf:
    if asked.product is None:
        raise QueryError(
            f"shelf is {ALSO!r} and there is no product; name the product of the page."
        )
    return Shelf(
        also_viewed(asked.product, asked.limit, within=asked.within, exclude=asked.exclude)
    )


def _excluded(asked: Asked) -> list[Any]:
    return [*asked.exclude, *([] if asked.product is None else [asked.product])]


_READERS: Mapping[str, Callable[[Asked], Shelf]] = {
    FOR_YOU: _for_you,
    BECAUSE: _because,
    RECENT: _recent,
    AGAIN: _again,
    TRENDING: _trending,
    ALSO: _also,
}
SHELVES = tuple(_READERS)
