"""Suggestions while a shopper types: queries, categories and brands, products."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Model, Q, QuerySet
from psycopg.sql import Literal

from similarity.catalog import wording
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import page_url, title_of
from similarity.catalog.content import LEVEL
from similarity.catalog.plaintext import plain_line
from similarity.search import spelling, terms
from similarity.search.budget import Budget
from similarity.search.models import SearchValue
from similarity.search.spelling import Known
from similarity.similar.hits import require_limit
from similarity.similar.within import Fragment, Within, compose, parameter, sortable_key

#: Attributes whose values are suggested, by the kind of their suggestion.
KINDS = ("category", "brand")

#: The most completions of the last word that are tried with the words before it.
TRIED = 12
#: The most documents looked at for titles; a very short text finds any of them.
LOOKED_AT = 300
MAX_LENGTH = 100
#: The most suggestions that are queries, and that are categories and brands.
QUERIES = 5
VALUES = 3


class Suggestion(NamedTuple):
    """``kind``: ``query``, ``category``, ``brand`` or ``product``.

    ``key`` is a product's key, or the value to filter by; ``url`` the product's page, or "".
    """

    kind: str
    text: str
    key: str = ""
    url: str = ""


def suggest(text: str, limit: int = 8, *, within: QuerySet[Any] | None = None) -> list[Suggestion]:
    """Return suggestions: completed queries, then categories and brands, then products.

    The last word counts as unfinished. Accents and capitals do not matter. Every suggestion finds a
    product of ``within`` (default: the adapter's ``eligible()``), and was found within
    ``SEARCH["TIME_LIMIT_MS"]``. Raises :class:`QueryError` for invalid arguments.
    """
    budget = Budget.configured()
    require_limit(limit)
    words = wording.words_of(str(text)[:MAX_LENGTH])
    if not words:
        return []
    adapter = get_adapter()
    room = Within(adapter.eligible() if within is None else within)
    if room.keys is None:
        return []
    ended = str(text)[:MAX_LENGTH][-1:].isspace()
    found: list[Suggestion] = []
    step = partial(_suggest, found, words, ended, limit, room, adapter)
    budget.attempt(room.using, step, None)
    return found[:limit]


def _suggest(
    found: list[Suggestion],
    words: Sequence[str],
    ended: bool,
    limit: int,
    within: Within,
    adapter: CatalogAdapter,
) -> None:
    """Add suggestions to ``found`` as long as there is time."""
    endings = _endings(words, within, ended=ended)
    found += _queries(words, endings, within)[: min(QUERIES, max(limit // 2, 1))]
    found += _values(words, within, adapter)[: min(VALUES, max(limit // 3, 1))]
    found += _products(words, endings, within, adapter, limit - len(found))


def _endings(words: Sequence[str], within: Within, *, ended: bool) -> list[Known]:
    """Return completions of the last word, or the word itself if a blank follows it."""
    last = words[-1]
    completed = [] if ended else spelling.completions(last, within.using, TRIED)
    if completed or ended:
        return completed or spelling.known([last], within.using)
    return [Known(fixed, 0) for fixed in spelling.corrections([last], within).values()]


def _queries(words: Sequence[str], endings: Sequence[Known], within: Within) -> list[Suggestion]:
    """Return completed texts that find a product, those with the most frequent word first."""
    texts = [" ".join([*words[:-1], ending.word]) for ending in endings]
    typed = " ".join(words)
    return [Suggestion("query", text) for text in spelling.finding(texts, within) if text != typed]


def _values(words: Sequence[str], within: Within, adapter: CatalogAdapter) -> list[Suggestion]:
    """Return categories and brands with a word that begins like the text, if a product has them."""
    typed = " ".join(words)
    begun = Q(words__startswith=typed) | Q(words__contains=f" {typed}")
    rows = SearchValue.objects.using(within.using).filter(begun, name__in=KINDS)
    found = []
    for name, value in rows.order_by("-documents", "value").values_list("name", "value")[:8]:
        holding = adapter.filter_by(name, [value])
        if holding is not None and within.narrowed().filter(holding).exists():
            text = value.rsplit(LEVEL, 1)[-1] if name == "category" else value
            found.append(Suggestion(name, plain_line(text), value))
        if len(found) == VALUES:
            break
    return found


def _products(
    words: Sequence[str],
    endings: Sequence[Known],
    within: Within,
    adapter: CatalogAdapter,
    most: int,
) -> list[Suggestion]:
    """Return products whose title begins with the text, then those that have all its words."""
    if most < 1:
        return []
    keys = _titled(words, within, most)
    if len(keys) < most:
        keys += [key for key in _holding(words, endings, within, most) if key not in keys]
    products = within.load(keys[:most])
    return [_suggested(products[key], adapter) for key in keys[:most] if key in products]


def _titled(words: Sequence[str], within: Within, most: int) -> list[Any]:
    begun = Fragment("title LIKE %s", (f"{' '.join(words)}%",))
    return _first_of_groups(begun, Fragment("char_length(title)"), within, most)


def _holding(
    words: Sequence[str], endings: Sequence[Known], within: Within, most: int
) -> list[Any]:
    """Return products that hold the words, ranked by text search weights: the title counts most."""
    looked, _total = terms.look_up([*words[:-1], *(one.word for one in endings)], within.using)
    before = [looked[word].query for word in words[:-1] if looked[word].query]
    last = [looked[one.word].query for one in endings if looked[one.word].query]
    queries = [*before, f"({' | '.join(dict.fromkeys(last))})"] if last else before
    if not queries:
        return []
    query = " & ".join(queries)
    held = Fragment("document @@ %s::tsquery", (query,))
    return _first_of_groups(
        held, Fragment("-ts_rank(document, %s::tsquery)", (query,)), within, most
    )


def _first_of_groups(condition: Fragment, order: Fragment, within: Within, most: int) -> list[Any]:
    keys = within.keys
    if keys is None:
        return []
    with connections[within.using].cursor() as cursor:
        cursor.execute(
            *compose(
                'SELECT product_id, "group" FROM (SELECT * FROM similarity_searchdocument '
                "WHERE {condition} AND product_id IN ({keys}) LIMIT {looked_at}) AS looked_at "
                "ORDER BY {order}, {key} LIMIT {most}",
                condition=condition,
                keys=keys,
                looked_at=Literal(LOOKED_AT),
                order=order,
                key=sortable_key(),
                most=parameter(4 * most),
            )
        )
        rows = cursor.fetchall()
    first: dict[str, Any] = {}
    for key, group in rows:
        first.setdefault(group, key)
    return list(first.values())[:most]


def _suggested(product: Model, adapter: CatalogAdapter) -> Suggestion:
    return Suggestion("product", title_of(adapter, product), str(product.pk), page_url(product))
