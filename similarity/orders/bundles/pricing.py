"""Compute the sum of a bundle's product prices and a price for the bundle."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import partial
from typing import NamedTuple

from django.db.models import Model
from django.http import HttpRequest

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.card import card_of, read_part

#: Currencies without a minor unit (ISO 4217).
WITHOUT_CENTS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)


class Sums(NamedTuple):
    """Sums for one piece of each product; None if a product lacks a price or cost."""

    price: Decimal | None
    cost: Decimal | None
    currency: str

    def margin(self, price: Decimal | None) -> Decimal | None:
        """Return ``price`` minus cost, or None if either is unknown."""
        return None if price is None or self.cost is None else price - self.cost


def sums_of(
    products: Sequence[Model], adapter: CatalogAdapter, request: HttpRequest | None = None
) -> Sums | None:
    """Return the sums of prices and costs of the products; None if their currencies differ."""
    cards = [card_of(adapter, product, request) for product in products]
    costs = [read_part(one, "cost", partial(adapter.cost, one), None) for one in products]
    currencies = {card.currency for card in cards}
    if len(currencies) != 1:
        return None
    return Sums(_sum([card.price for card in cards]), _sum(costs), currencies.pop())


def suggested_price(sums: Sums) -> Decimal | None:
    """Return the sum of prices minus ``ORDERS["BUNDLE_DISCOUNT_PERCENT"]``, at least the cost."""
    if sums.price is None:
        return None
    share = 1 - Decimal(str(conf.get("ORDERS", "BUNDLE_DISCOUNT_PERCENT"))) / 100
    smallest = Decimal(1) if sums.currency in WITHOUT_CENTS else Decimal("0.01")
    price = (sums.price * share).quantize(smallest, ROUND_HALF_UP)
    return price if sums.cost is None else max(price, sums.cost.quantize(smallest, ROUND_CEILING))


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None
