"""Lists of products: possible filters, active filters, order and page.

A list needs a fixed number of queries for any number of products. It stops at ``MAX_PAGES``,
because shoppers do not read further and an offset costs more with every page.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Min, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.http import QueryDict

from shop.facets import FACETS, Chip, Facet, Option
from shop.forms import FilterForm
from shop.models import Category

PAGE_SIZE = 24
MAX_PAGES = 40
MAX_BRANDS = 60
MAX_COLOURS = 24

SORTS: dict[str, tuple[str, Sequence[str]]] = {
    "newest": ("Newest", ["-pk"]),
    "price": ("Price, low to high", ["price", "-pk"]),
    "-price": ("Price, high to low", ["-price", "-pk"]),
    "name": ("Name", ["name", "-pk"]),
}

#: Feeds use both spellings.
COLOUR = Coalesce(KeyTextTransform("colour", "attributes"), KeyTextTransform("color", "attributes"))


class BoundedPaginator(Paginator):
    """A paginator that counts and pages only to ``MAX_PAGES``."""

    @cached_property
    def count(self) -> int:
        return min(self.counted, PAGE_SIZE * MAX_PAGES)

    @cached_property
    def counted(self) -> int:
        """Return ``count``, plus one if there are more products."""
        return self.object_list.order_by()[: PAGE_SIZE * MAX_PAGES + 1].count()

    @property
    def is_cut(self) -> bool:
        return self.counted > self.count


@dataclass(frozen=True)
class Choices:
    """The filter values that the products of a list offer."""

    brands: Sequence[tuple[str, str]]  #: (slug, name), the most frequent first
    colours: Mapping[str, Sequence[str]]  #: a colour → the attribute's values that name it
    lowest_price: Any
    highest_price: Any


@dataclass(frozen=True)
class Listing:
    form: FilterForm
    page: Page
    facets: Sequence[Facet]
    chips: Sequence[Chip]
    sorts: Sequence[tuple[str, str, bool]]  #: (name, label, True if active)
    lowest_price: Decimal | None
    highest_price: Decimal | None
    clear_query: str = ""

    @property
    def has_prices(self) -> bool:
        return bool(self.highest_price)

    @property
    def elided_pages(self) -> Sequence[Any]:
        return list(self.page.paginator.get_elided_page_range(self.page.number, on_each_side=1))


def subtree(category: Category) -> QuerySet[Category]:
    """Return a category and all categories below it."""
    below = Q(path__startswith=f"{category.path} > ")
    return Category.objects.filter(Q(pk=category.pk) | below)


def make_listing(
    scope: QuerySet, data: QueryDict, sorts: Mapping[str, tuple[str, Sequence[Any]]] = SORTS
) -> Listing:
    """Return the page of ``scope`` for a query string; ignore invalid parameters.

    The first of ``sorts`` is the default order.
    """
    choices = find_choices(scope)
    form = FilterForm(data, choices=choices, sorts=[(name, sorts[name][0]) for name in sorts])
    form.is_valid()
    chosen = form.cleaned_data
    sort = chosen.get("sort") or next(iter(sorts))
    products = apply_filters(scope, chosen, choices).order_by(*sorts[sort][1])
    products = products.select_related("brand", "category").prefetch_related("images")
    return Listing(
        form=form,
        page=BoundedPaginator(products, PAGE_SIZE).get_page(data.get("page")),
        facets=_facets(chosen, choices),
        chips=_chips(data, chosen, dict(choices.brands)),
        sorts=[(name, label, name == sort) for name, (label, _) in sorts.items()],
        lowest_price=choices.lowest_price,
        highest_price=choices.highest_price,
    )


def find_choices(scope: QuerySet) -> Choices:
    """Read the choices of all products in ``scope``: three queries."""
    scope = scope.order_by()
    brands = (
        scope.filter(brand__isnull=False)
        .values_list("brand__slug", "brand__name")
        .annotate(products=Count("pk"))
        .order_by("-products", "brand__name")[:MAX_BRANDS]
    )
    written = (
        scope.annotate(colour=COLOUR)
        .filter(colour__isnull=False)
        .values_list("colour")
        .annotate(products=Count("pk"))
        .order_by("-products", "colour")[: MAX_COLOURS * 10]
    )
    prices = scope.aggregate(lowest=Min("price"), highest=Max("price"))
    return Choices(
        brands=sorted(((slug, name) for slug, name, _ in brands), key=lambda pair: pair[1].lower()),
        colours=_colours([value for value, _ in written]),
        lowest_price=prices["lowest"],
        highest_price=prices["highest"],
    )


def apply_filters(scope: QuerySet, chosen: Mapping[str, Any], choices: Choices) -> QuerySet:
    if chosen.get("brand"):
        scope = scope.filter(brand__slug__in=chosen["brand"])
    if chosen.get("colour"):
        values = [value for colour in chosen["colour"] for value in choices.colours[colour]]
        scope = scope.annotate(colour=COLOUR).filter(colour__in=values)
    if chosen.get("min_price") is not None:
        scope = scope.filter(price__gte=chosen["min_price"])
    if chosen.get("max_price") is not None:
        scope = scope.filter(price__lte=chosen["max_price"])
    if chosen.get("in_stock"):
        scope = scope.filter(stock__gt=0)
    return scope


def _colours(values: Sequence[str]) -> dict[str, list[str]]:
    """Return colour → values that name it; a value may name several ("Black|Grey")."""
    found: dict[str, list[str]] = {}
    for value in values:
        for name in re.split(r"[|,;/\[\]\"]+", value):
            if name.strip():
                found.setdefault(name.strip().lower(), []).append(value)
    return dict(sorted(list(found.items())[:MAX_COLOURS]))


def _facets(chosen: Mapping[str, Any], choices: Choices) -> list[Facet]:
    """Return the facets with more than one value."""
    offered = {
        "brand": list(choices.brands),
        "colour": [(name, name.capitalize()) for name in choices.colours],
    }
    return [
        Facet(
            name,
            FACETS[name],
            [Option(key, label, None, key in (chosen.get(name) or ())) for key, label in values],
        )
        for name, values in offered.items()
        if len(values) > 1
    ]


def _chips(data: QueryDict, chosen: Mapping[str, Any], brands: Mapping[str, str]) -> list[Chip]:
    chips = []
    for name in ("brand", "colour"):
        for value in chosen.get(name) or []:
            label = brands.get(value, value) if name == "brand" else value.capitalize()
            chips.append(Chip(label, _without(data, name, value)))
    if chosen.get("min_price") is not None:
        chips.append(Chip(f"From {chosen['min_price']}", _without(data, "min_price")))
    if chosen.get("max_price") is not None:
        chips.append(Chip(f"Up to {chosen['max_price']}", _without(data, "max_price")))
    if chosen.get("in_stock"):
        chips.append(Chip("In stock", _without(data, "in_stock")))
    return chips


def _without(data: QueryDict, name: str, value: str | None = None) -> str:
    rest = data.copy()
    rest.pop("page", None)
    kept = [other for other in rest.pop(name, []) if value is not None and other != value]
    rest.setlist(name, kept)
    return rest.urlencode()
