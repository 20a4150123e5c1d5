"""What a bundle's products cost alone, and what the bundle may cost."""

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
    """Of one piece of each product; None where a product has none."""

    price: Decimal | None
    cost: Decimal | None
    currency: str

    def margin(self, price: Decimal | None) -> Decimal | None:
        """What the shop keeps of ``price``."""
        return None if price is None or self.cost is None else price - self.cost


def sums_of(
    products: Sequence[Model], adapter: CatalogAdapter, request: HttpRequest | None = None
) -> Sums | None:
    """What the products cost shoppers alone, and the shop; None where currencies differ."""
    cards = [card_of(adapter, product, request) for product in products]
    costs = [read_part(one, "cost", partial(adapter.cost, one), None) for one in products]
    currencies = {card.currency for card in cards}
    if len(currencies) != 1:
        return None
    return Sums(_sum([card.price for card in cards]), _sum(costs), currencies.pop())


def suggested_price(sums: Sums) -> Decimal | None:
    """The sum of prices less ``ORDERS["BUNDLE_DISCOUNT_PERCENT"]``, and never below cost."""
    if sums.price is None:
        return None
    share = 1 - Decimal(str(conf.get("ORDERS", "BUNDLE_DISCOUNT_PERCENT"))) / 100
    smallest = Decimal(1) if sums.currency in WITHOUT_CENTS else Decimal("0.01")
    price = (sums.price * share).quantize(smallest, ROUND_HALF_UP)
    return price if sums.cost is None else max(price, sums.cost.quantize(smallest, ROUND_CEILING))


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None
