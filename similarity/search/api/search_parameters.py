"""The query strings of ``search/`` and ``suggest/``, read and checked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.http import QueryDict

from similarity.api.errors import BadParameter
from similarity.api.query_string import read_limit, read_lists
from similarity.catalog.adapter import CatalogAdapter
from similarity.search import facets as counting
from similarity.search.sorting import SORTS
from similarity.search.words import MAX_LENGTH
from similarity.similar.filters import PRICES, filter_names, filter_products, is_filter

SIGNER = signing.Signer(salt="similarity.search")

DEFAULT_LIMIT = 24
DEFAULT_SUGGESTIONS = 8

#: What shapes the answer, besides the filters.
OPTIONS = ("q", "limit", "cursor", "sort", "facets")
#: What is searched for may hold anything; a NUL in it is a blank.
ANYTHING = ("q",)


@dataclass(frozen=True)
class SearchParameters:
    """``filters`` is name → values, as :func:`filter_products` takes them."""

    text: str
    limit: int
    sort: str
    facets: Sequence[str]
    filters: Mapping[str, Sequence[str]]
    cursor: str | None

    @classmethod
    def parse(cls, query: QueryDict, adapter: CatalogAdapter) -> "SearchParameters":
        """Raises :class:`BadParameter` naming the parameter, its value and what it may be."""
        lists = read_lists(query.lists(), OPTIONS, adapter, free=ANYTHING)
        given = {name: lists.pop(name)[-1] for name in OPTIONS if name in lists}
        sort = given.get("sort", "relevance")
        if sort not in SORTS:
            raise BadParameter(f"sort is {sort!r:.100}; choose one of {', '.join(SORTS)}.", "sort")
        if sort.endswith("price") and not adapter.has_price:
            raise BadParameter(f"sort is {sort!r}, and the catalogue has no price.", "sort")
        return cls(
            text=_text(given),
            limit=read_limit(given.get("limit"), DEFAULT_LIMIT),
            sort=sort,
            facets=_facets(given.get("facets", ""), adapter),
            filters=lists,
            cursor=given.get("cursor"),
        )

    @property
    def after(self) -> str | None:
        """What the cursor stands for, if it belongs to this query."""
        if self.cursor is None:
            return None
        try:
            query, position = SIGNER.unsign_object(self.cursor)
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise BadParameter(
                "cursor is not one this API gave; leave it out to start anew.", "cursor"
            ) from error
        if query != self._digest:
            raise BadParameter(
                "cursor belongs to another query; leave it out to start anew.", "cursor"
            )
        return str(position)

    def cursor_for(self, position: str) -> str:
        """The signed cursor of the page that follows."""
        return SIGNER.sign_object([self._digest, position])

    def within(self, products: QuerySet[Any], adapter: CatalogAdapter) -> QuerySet[Any]:
        return filter_products(products, self.filters, adapter)

    def facet_rooms(
        self, products: QuerySet[Any], adapter: CatalogAdapter
    ) -> dict[str, QuerySet[Any]]:
        """Facet → products to count in: narrowed by all filters but its own, so that a second
        value of a facet can be chosen beside the first."""
        own = {name: PRICES if name == counting.PRICE else (name,) for name in self.facets}
        return {
            name: filter_products(
                products,
                {key: values for key, values in self.filters.items() if key not in own[name]},
                adapter,
            )
            for name in self.facets
        }

    @property
    def _digest(self) -> str:
        told = [self.text, self.sort, dict(self.filters)]  # limit and facets may change
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class SuggestParameters:
    text: str
    limit: int

    @classmethod
    def parse(cls, query: QueryDict) -> "SuggestParameters":
        """Raises :class:`BadParameter`."""
        lists = read_lists(query.lists(), ("q", "limit"), None, free=ANYTHING)
        given = {name: values[-1] for name, values in lists.items()}
        return cls(_text(given), read_limit(given.get("limit"), DEFAULT_SUGGESTIONS))


def _text(given: Mapping[str, str]) -> str:
    text = given.get("q", "")
    if len(text) > MAX_LENGTH:
        raise BadParameter(
            f"q has {len(text)} characters; give {MAX_LENGTH} at most.",
            "q",
        )
    return text


def _facets(text: str, adapter: CatalogAdapter) -> list[str]:
    """``colour,brand`` as a list; ``price`` is the histogram of prices."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if len(names) > counting.MOST_FACETS:
        raise BadParameter(f"facets names {len(names)}; {counting.MOST_FACETS} at most.", "facets")
    for name in names:
        known = name == counting.PRICE or is_filter(adapter, name)
        if not known or not counting.is_countable(name, adapter):
            raise BadParameter(
                f"There is no facet {name[:100]!r}; known are price, "
                f"{', '.join(filter_names(adapter))}, and attributes that products have.",
                "facets",
            )
    return names
