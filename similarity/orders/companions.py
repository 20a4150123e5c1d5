"""Read the template tags' bundles and bought-together shelves of products and carts."""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import router
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.catalog.card import Card, card_of
from similarity.connections import metrics
from similarity.orders.bundles.offers import Offer, bundle_offers
from similarity.orders.models import Bundle
from similarity.orders.partner_shelf import MAX_CART, bought_together
from similarity.similar.hits import Hit, require_limit
from similarity.similar.planner_settings import savepoint
from similarity.similar.shelf_cache import ShelfItem, cached_hits, language_of, shown_to
from similarity.similar.within import key_of


class Total(NamedTuple):
    """The total price of several products."""

    price: Decimal
    currency: str


def product_companions(
    product: Model | Any,
    limit: int = 4,
    *,
    request: HttpRequest | None = None,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    exclude: Collection[str] = (),
) -> list[Hit]:
    """Return :func:`similarity.orders.partner_shelf.bought_together` for a product's page.

    The products of the shelf are cached for ``CACHE["TIMEOUT_S"]``. Each request checks again
    whether they may be shown, and products in reserve move up. ``within`` narrows the products that
    may be shown. ``exclude``: keys, as texts, of products that the page shows elsewhere.
    """
    require_limit(limit)
    told = ["together", str(key_of(product)), limit, explain, language_of(explain)]
    eligible = shown_to(request, within)
    with metrics.timed("shelf_seconds", shelf="bought_together"), savepoint(eligible.db):
        return cached_hits(
            told,
            limit,
            eligible,
            lambda asked: bought_together(product, asked, within=eligible, explain=explain),
            exclude=exclude,
        )


def cart_companions(
    cart: Iterable[Any],
    limit: int = 4,
    *,
    request: HttpRequest | None = None,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    exclude: Collection[str] = (),
) -> list[Hit]:
    """Return products that go with a whole cart, without ``exclude`` (keys as texts).

    ``cart`` holds products, keys, or lines with a ``product`` each. If it has more than
    ``MAX_CART`` products, use the last ones. The result is not cached, because a cart belongs to
    one shopper and is rarely looked at twice.
    """
    require_limit(limit)
    eligible = shown_to(request, within)
    products = products_of(cart)[-MAX_CART:]
    with metrics.timed("shelf_seconds", shelf="cart"), savepoint(eligible.db):
        asked = min(limit + len(exclude), conf.MAX_LIMIT)
        hits = bought_together(products, asked, within=eligible, explain=explain)
        return [hit for hit in hits if hit.key not in exclude][:limit]


def products_of(cart: Any) -> list[Any]:
    """Return the products or keys of a host's cart; read the rows of a related manager."""
    model = get_adapter().model
    every = cart.all() if hasattr(cart, "all") else cart
    return [
        line if isinstance(line, model) else getattr(line, "product", line)
        for line in every
        if line is not None
    ]


def offers(
    product: Model | Any,
    limit: int = 2,
    *,
    request: HttpRequest | None = None,
    within: QuerySet[Any] | None = None,
) -> list[Offer]:
    """Return :func:`similarity.orders.bundles.offers.bundle_offers` for a product's page."""
    alias = router.db_for_read(Bundle)
    with metrics.timed("shelf_seconds", shelf="bundles"), savepoint(alias):
        return bundle_offers(product, limit, request=request, within=within)


def with_total(
    product: Model | Any, items: Sequence[ShelfItem], request: HttpRequest | None = None
) -> dict[str, Any]:
    """Return the template context of a product and its companions.

    ``card`` is the product's own card, and ``total`` the price of all products. Both are None if
    ``product`` is a key.
    """
    card = card_of(get_adapter(), product, request) if isinstance(product, Model) else None
    total = total_of([card, *(item.card for item in items)]) if card else None
    return {"items": items, "product": product, "card": card, "total": total}


def total_of(cards: Sequence[Card]) -> Total | None:
    """Return the sum of the prices; None if a price is missing or the currencies differ."""
    currencies = {card.currency for card in cards}
    prices = [card.price for card in cards if card.price is not None]
    if len(currencies) != 1 or len(prices) != len(cards):
        return None
    return Total(sum(prices, Decimal(0)), currencies.pop())
