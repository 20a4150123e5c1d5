"""The search page: the request, its results, and the next possible searches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import Count, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from shop.facets import (
    FACETS,
    Chip,
    Facet,
    facet_counts,
    price_label,
    price_ranges,
    value_label,
)
from shop.models import Brand, Category, Product
from similarity import Hit, QueryError, filter_products
from similarity.search import Outcome, SearchPage, rerank, search, search_by_picture

PAGE_SIZE = 24
MAX_OFFERED = 6  # categories or brands with a matching name
#: A search by picture is a single page, because later products look different.
MOST_ALIKE = 48

PRICES = ("min_price", "max_price")
SORTS = {
    "relevance": "Best match",
    "price": "Price, low to high",
    "-price": "Price, high to low",
    "newest": "Newest",
}

#: Notice above the products, by the outcome of the search.
NOTICES = {
    "near_code": "No product has this code. These products have a similar code.",
    "some_words": "No product has all of these words. These products have most of them.",
    Outcome.RELATED: "No product matches these words. The products below are close in meaning.",
    Outcome.PRICED_OUT: "No matching product has this price. The products below match at "
    "another price.",
    Outcome.FILTERED_OUT: "No matching product passes the filters. The products below match "
    "without them.",
    Outcome.OUT_OF_TIME: "The search took too long and stopped before it had checked "
    "every product. Please search again.",
}

#: Heading of products that match except for the price or the filters; RELATED is for the rest.
OTHERWISE = {
    Outcome.PRICED_OUT: "At another price",
    Outcome.FILTERED_OUT: "Without the filters",
}
RELATED = "Related products"


@dataclass(frozen=True)
class Results:
    """The content of the page; a ``…_query`` is the query string of another search."""

    products: Sequence[Product]
    count_text: str
    facets: Sequence[Facet]
    chips: Sequence[Chip]
    sorts: Sequence[tuple[str, str, bool]]  #: (name, label, True if active)
    first_query: str
    clear_query: str
    price_ranges: Sequence[tuple[str, str, int]] = ()  #: (label, query string, products)
    counts_are_estimates: bool = False
    next_query: str = ""
    is_first: bool = True
    searched: str = ""  #: the searched words, corrected or as typed
    as_typed_query: str = ""  #: the typed words in quotes, if corrected words were searched
    outcome: str = Outcome.FOUND
    notice: str = ""
    remedy_query: str = ""  #: the search that the notice recommends
    remedy_label: str = ""
    related: Sequence[Product] = ()
    related_title: str = RELATED
    best_sellers: Sequence[Product] = ()
    categories: Sequence[Category] = field(default_factory=list)
    brands: Sequence[Brand] = field(default_factory=list)
    lowest_price: Decimal | None = None  #: not set, because the ranges show more
    highest_price: Decimal | None = None
    has_prices: bool = True

    @property
    def address(self) -> str:
        """Return the address of the filters' form, also for a search by picture."""
        return reverse("shop:search")


def find(
    asked: Mapping[str, Any], data: QueryDict, user: Any, picture: np.ndarray | None = None
) -> Results:
    """Search by words or by the vector ``picture``; a SearchForm read ``asked`` from ``data``."""
    search_ = Search(asked, data, user)
    return search_.by_picture(picture) if picture is not None else search_.by_words()


class Search:
    """A search with its filters."""

    def __init__(self, asked: Mapping[str, Any], data: QueryDict, user: Any) -> None:
        self.asked, self.data, self.user = asked, data, user
        self.text = asked.get("q", "")
        self.filters = {name: asked[name] for name in FACETS if asked.get(name)}
        self.filters |= {name: [str(asked[name])] for name in PRICES if asked.get(name) is not None}
        if asked.get("in_stock"):
            self.filters["in_stock"] = ["true"]
        self.sort = asked["sort"] if asked.get("sort") in SORTS else "relevance"

    def within(self, *without: str) -> QuerySet:
        """Return the products that pass the filters, except the filters ``without``."""
        products = Product.objects.filter(is_active=True)
        products = products.select_related("brand", "category").prefetch_related("images")
        filters = {name: values for name, values in self.filters.items() if name not in without}
        return filter_products(products, filters)

    def by_words(self) -> Results:
        # Each facet is counted as if its own values were not chosen.
        facets = {name: self.within(name) for name in FACETS} | {"price": self.within(*PRICES)}
        page = self._page(facets)
        first = not self.asked.get("after")
        searched = page.did_you_mean if page.corrected else self.text
        found = page.hits if page.total else []
        # Re-rank within a page only, so that pages neither repeat nor skip a product. Use the
        # corrected words, so that results, ranking and suggestions agree.
        by_relevance = self.sort == "relevance" and len(found) > 1
        hits = rerank(searched, found, self.user).results if by_relevance else found
        remedy_label, remedy_query = self._remedy(page)
        return self._results(
            products_of(hits),
            how_many(page.total, "" if page.total_is_exact else "+"),
            page.facets,
            price_chip=self._price_chip(page),
            sorts=[(name, label, name == self.sort) for name, label in SORTS.items()],
            price_ranges=price_ranges(page.prices, self.query, currency_of(found)),
            counts_are_estimates=not page.facets_are_exact,
            next_query=self.query(after=page.next) if page.next else "",
            is_first=first,
            searched=searched,
            as_typed_query=self.query(q=self._quoted()) if page.corrected else "",
            outcome=page.outcome,
            notice=NOTICES.get(page.outcome) or NOTICES.get(page.rescued, ""),
            remedy_label=remedy_label,
            remedy_query=remedy_query,
            related=products_of(page.related),
            related_title=OTHERWISE.get(page.outcome, RELATED),
            best_sellers=products_of(page.hits) if page.outcome == Outcome.NOTHING else (),
            categories=named(Category, searched) if first else [],
            brands=named(Brand, searched) if first else [],
        )

    def _remedy(self, page: SearchPage) -> tuple[str, str]:
        """Return (label, query string) of the search to try next, or ("", "")."""
        if page.outcome == Outcome.PRICED_OUT:
            return "Search at any price", self.query(q=page.without_price)
        if page.outcome == Outcome.FILTERED_OUT:
            return "Clear the filters", self._cleared()
        if page.outcome == Outcome.OUT_OF_TIME:
            return "Search again", self.query()
        return "", ""

    def _price_chip(self, page: SearchPage) -> list[Chip]:
        """Return the price read from the query, so that a shopper can see and remove it."""
        if page.price is None:
            return []
        currency = currency_of([*page.hits, *page.related])
        label = price_label(page.price.low, page.price.high, currency)
        return [Chip(label, self.query(q=page.without_price))]

    def by_picture(self, picture: np.ndarray) -> Results:
        hits = search_by_picture(picture, self.text, MOST_ALIKE, within=self.within())
        counts = {}
        for name in FACETS:
            found = hits
            if name in self.filters:
                within = self.within(name)
                found = search_by_picture(picture, self.text, MOST_ALIKE, within=within)
            counts[name] = facet_counts([hit.product for hit in found], name)
        more = "+" if len(hits) == MOST_ALIKE else ""
        count_text = f"{how_many(len(hits), more)} like your picture, most alike first"
        return self._results(products_of(hits), count_text, counts, sorts=[])

    def query(self, **changes: Any) -> str:
        """Return the query string of this search with ``changes``, by default of the first page."""
        query = self.data.copy()
        query.pop("after", None)
        for name, value in changes.items():
            query[name] = value
        return query.urlencode()

    def _quoted(self) -> str:
        """Put the words in quotes, so that they are not corrected."""
        return '"' + self.text.replace('"', " ") + '"'

    def _page(self, facets: Mapping[str, QuerySet]) -> SearchPage:
        asked = {"within": self.within(), "sort": self.sort, "facets": facets}
        if self.filters:
            asked["unfiltered"] = self.within(*self.filters)
        try:
            return search(self.text, PAGE_SIZE, after=self.asked.get("after") or None, **asked)
        except QueryError:  # the address was truncated when copied: start at the first page
            return search(self.text, PAGE_SIZE, **asked)

    def _results(
        self,
        products: Sequence[Any],
        count_text: str,
        counts: Mapping[str, Iterable[tuple[str, int]]],
        price_chip: Sequence[Chip] = (),
        **about: Any,
    ) -> Results:
        return Results(
            products=products,
            count_text=count_text,
            facets=self._facets(counts),
            chips=[*price_chip, *self._chips()],
            first_query=self.query(),
            clear_query=self._cleared(),
            **about,
        )

    def _cleared(self) -> str:
        """Return the same search without filters; a price in the words stays."""
        cleared = QueryDict(mutable=True)
        cleared.update({name: self.data[name] for name in ("q", "picture") if self.data.get(name)})
        return cleared.urlencode()

    def _facets(self, counts: Mapping[str, Iterable[tuple[str, int]]]) -> list[Facet]:
        """Return the facets with several values, or with a chosen value."""
        facets = [
            Facet.of(name, counts.get(name, ()), self.filters.get(name, [])) for name in FACETS
        ]
        return [facet for facet in facets if len(facet.options) > 1 or facet.chosen]

    def _chips(self) -> list[Chip]:
        chips = [
            Chip(value_label(name, value), self._without(name, value))
            for name in FACETS
            for value in self.filters.get(name, [])
        ]
        for name, label in (("min_price", "From"), ("max_price", "Up to")):
            if name in self.filters:
                chips.append(Chip(f"{label} {self.filters[name][0]}", self._without(name)))
        if "in_stock" in self.filters:
            chips.append(Chip("In stock", self._without("in_stock")))
        return chips

    def _without(self, name: str, value: str | None = None) -> str:
        rest = self.data.copy()
        rest.pop("after", None)
        kept = [other for other in rest.pop(name, []) if value is not None and other != value]
        rest.setlist(name, kept)
        return rest.urlencode()


def products_of(hits: Iterable[Hit]) -> list[Any]:
    return [hit.product for hit in hits if hit.product is not None]


def currency_of(hits: Iterable[Hit]) -> str:
    """Return the currency of the products; "" if there are several or no products."""
    currencies = {product.currency for product in products_of(hits)}
    return currencies.pop() if len(currencies) == 1 else ""


def how_many(products: int, more: str = "") -> str:
    return f"{products}{more} product{'' if products == 1 else 's'}"


def named(model: Any, text: str) -> Sequence[Any]:
    """Return categories or brands with this name that have products to show."""
    if not text:
        return []
    shown = Q(products__is_active=True)
    found = model.objects.filter(name__icontains=text).annotate(shown=Count("products", shown))
    return found.filter(shown__gt=0).order_by("-shown", "name")[:MAX_OFFERED]
