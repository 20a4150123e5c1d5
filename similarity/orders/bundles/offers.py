"""Find bundles that can be bought now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import Card, card_of
from similarity.orders.bundles.bundle_contents import product_keys
from similarity.orders.bundles.pricing import WITHOUT_CENTS, sums_of
from similarity.orders.models import Bundle
from similarity.orders.partner_shelf import keys_of
from similarity.similar.hits import require_limit

#: Maximum number of published bundles read per product, to limit the query on each page.
LOOKED_AT = 50


@dataclass(frozen=True)
class Offer:
    """A published bundle and the host's products in it, all of which can be bought now.

    ``total`` is the sum of the products' current prices, ``price`` the price of the bundle, and
    ``cards`` the cards of the products for the default templates.
    """

    key: str
    bundle: Bundle
    products: tuple[Any, ...]
    cards: tuple[Card, ...]
    total: Decimal
    price: Decimal
    currency: str

    @property
    def saving(self) -> Decimal:
        """Return the saving, always above 0, because a bundle without a saving is not offered."""
        return self.total - self.price

    @property
    def decimal_places(self) -> int:
        """Return the digits after the point in ``currency``: 0 for yen, otherwise 2."""
        return 0 if self.currency in WITHOUT_CENTS else 2

    @property
    def pieces(self) -> tuple[tuple[Any, Card], ...]:
        """Return each product with its card."""
        return tuple(zip(self.products, self.cards, strict=True))

    @property
    def name(self) -> str:
        return self.bundle.name


def bundle_offers(
    products: Model | Any | Sequence[Any],
    limit: int = 2,
    *,
    within: QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
) -> list[Offer]:
    """Return bundles with one of ``products`` that can be bought now, the most bought first.

    ``products`` is one product or all of a cart, as instances or keys. ``within`` narrows the
    products that may be shown to ``request``. Needs two queries and the host's prefetches for
    cards. Raises :class:`QueryError` for a limit out of range and for an invalid product.
    """
    require_limit(limit)
    bundles = Bundle.objects.published().holding(keys_of(products))[:LOOKED_AT]
    return _offers(bundles, within, request)[:limit]


def offers_of(
    keys: Iterable[str], *, within: QuerySet[Any] | None = None, request: HttpRequest | None = None
) -> dict[str, Offer]:
    """Return the bundles of these keys that can be bought now, by key; two queries for a cart."""
    known = [int(key) for key in keys if str(key).isdecimal() and len(str(key)) < 19]
    bundles = Bundle.objects.published().filter(pk__in=known) if known else ()
    return {offer.key: offer for offer in _offers(bundles, within, request)}


def _offers(
    bundles: Iterable[Bundle], within: QuerySet[Any] | None, request: HttpRequest | None
) -> list[Offer]:
    found = list(bundles)
    if not found:
        return []
    adapter = get_adapter()
    buyable = adapter.for_display(adapter.in_stock(adapter.eligible(request)))
    if within is not None:
        buyable = buyable.filter(pk__in=within.values("pk"))
    wanted = product_keys({key for bundle in found for key in bundle.products}, adapter)
    products = {str(product.pk): product for product in buyable.order_by().filter(pk__in=wanted)}
    offers = (_offer(bundle, products, adapter, request) for bundle in found)
    return [offer for offer in offers if offer is not None]


def _offer(
    bundle: Bundle,
    products: dict[str, Any],
    adapter: CatalogAdapter,
    request: HttpRequest | None,
) -> Offer | None:
    if not all(key in products for key in bundle.products):
        return None
    held = tuple(products[key] for key in bundle.products)
    sums = sums_of(held, adapter, request)
    # Prices may change after a bundle was published, so check again that it saves money.
    if sums is None or sums.price is None or sums.currency != bundle.currency:
        return None
    if not bundle.price or bundle.price >= sums.price:
        return None
    cards = tuple(card_of(adapter, product, request) for product in held)
    return Offer(str(bundle.pk), bundle, held, cards, sums.price, bundle.price, sums.currency)
