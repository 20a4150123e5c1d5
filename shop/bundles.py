"""Bundles in the cart: products at their own prices, less the bundle's saving.

The session stores the chosen bundles, their quantities and the prices shown. Each request
computes the saving again, from the current offers and cart: if one of its products is missing,
a bundle saves nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from shop.cart import Cart, CartLine, CartRefused
from similarity.orders import Offer, offers_of

SESSION_KEY = "cart_bundles"
MAX_BUNDLES = 20  # different bundles


@dataclass(frozen=True)
class CartBundle:
    """A bundle that applies, and how many times."""

    offer: Offer
    quantity: int

    @property
    def saving(self) -> Decimal:
        return self.quantity * self.offer.saving


@dataclass(frozen=True)
class PricedCart:
    """Lines with their discounts; ``notices`` are the changes, for the shopper."""

    lines: list[CartLine]
    bundles: list[CartBundle]
    notices: list[str]

    @property
    def subtotal(self) -> Decimal:
        return sum((line.total + line.discount for line in self.lines), Decimal("0"))

    @property
    def total(self) -> Decimal:
        return sum((line.total for line in self.lines), Decimal("0"))


class CartBundles:
    def __init__(self, session: SessionBase) -> None:
        self.session = session
        self._entries: dict[str, dict[str, Any]] = session.get(SESSION_KEY, {})

    def add(self, offer: Offer) -> None:
        """Put one piece of each of its products into the cart, at the bundle's price.

        Raise :class:`CartRefused` and leave the cart unchanged if a piece cannot be added.
        """
        if offer.key not in self._entries and len(self._entries) >= MAX_BUNDLES:
            raise CartRefused(f"A cart holds {MAX_BUNDLES} different bundles at most.")
        Cart(self.session).add_together(offer.products)
        held = self._entries.get(offer.key, {"quantity": 0})["quantity"]
        self._put(offer, held + 1)

    def remove(self, key: str, products: Iterable[Any]) -> None:
        """Remove the bundle and its pieces from the cart."""
        entry = self._entries.pop(key, None)
        self._save()
        cart = Cart(self.session)
        for pk in products if entry else ():
            cart.take_out(pk, entry["quantity"])

    def clear(self) -> None:
        self._entries = {}
        self._save()

    def apply(
        self, lines: Sequence[CartLine], offers: Mapping[str, Offer]
    ) -> tuple[list[CartBundle], list[str]]:
        """Return the bundles that apply to these lines now, and the changes for the shopper."""
        left = {line.product.pk: line.quantity for line in lines}
        applied, notices = [], []
        for key, entry in list(self._entries.items()):
            offer = offers.get(key)
            possible = _possible(offer, left)
            count = min(entry["quantity"], possible)
            notices += _changes(entry, offer, count)
            if offer is None or not count:
                del self._entries[key]
                self._save()
                continue
            for product in offer.products:
                left[product.pk] -= count
            self._put(offer, count)
            applied.append(CartBundle(offer, count))
        return applied, notices

    def _put(self, offer: Offer, quantity: int) -> None:
        entry = {"quantity": quantity, "price": str(offer.price), "name": offer.name}
        if self._entries.get(offer.key) != entry:
            self._entries[offer.key] = entry
            self._save()

    def _save(self) -> None:
        self.session[SESSION_KEY] = self._entries


def priced_cart(request: HttpRequest) -> PricedCart:
    """Return the cart as it can be bought now, with the savings of its bundles."""
    held = Cart(request.session)
    notices = held.reconcile()
    lines = held.lines()
    keys = list(request.session.get(SESSION_KEY, {}))
    if not keys:
        return PricedCart(lines, [], notices)
    bundles, changed = CartBundles(request.session).apply(lines, offers_of(keys, request=request))
    return PricedCart(_discounted(lines, bundles), bundles, notices + changed)


def split_saving(offer: Offer) -> dict[Any, Decimal]:
    """Return key of a product → the bundle's saving on one piece of it.

    The parts are proportional to the prices, in whole cents by largest remainders, and add up
    exactly to the saving.
    """
    cents = 10**offer.decimal_places
    saving, total = int(offer.saving * cents), int(offer.total * cents)
    shares = {
        product.pk: divmod(saving * int(product.price * cents), total) for product in offer.products
    }
    missing = saving - sum(whole for whole, _ in shares.values())
    largest = sorted(shares, key=lambda pk: (-shares[pk][1], pk))[:missing]
    return {pk: Decimal(whole + (pk in largest)) / cents for pk, (whole, _) in shares.items()}


def _discounted(lines: Sequence[CartLine], bundles: Sequence[CartBundle]) -> list[CartLine]:
    discounts: dict[Any, Decimal] = {}
    for bundle in bundles:
        for pk, share in split_saving(bundle.offer).items():
            discounts[pk] = discounts.get(pk, Decimal("0")) + bundle.quantity * share
    return [replace(line, discount=discounts.get(line.product.pk, line.discount)) for line in lines]


def _possible(offer: Offer | None, left: Mapping[Any, int]) -> int:
    """Return how many times the pieces in the cart make up the bundle."""
    return min((left.get(product.pk, 0) for product in offer.products), default=0) if offer else 0


def _changes(entry: Mapping[str, Any], offer: Offer | None, count: int) -> list[str]:
    name, asked = entry["name"], entry["quantity"]
    if offer is None:
        return [
            f"{name} can no longer be bought as a bundle; its products are at their own prices."
        ]
    if not count:
        return [f"{name} is no longer a bundle, because some of its products are not in your cart."]
    changes = []
    if count < asked:
        changes.append(f"Your cart holds the products of {name} {count} ×, no longer {asked} ×.")
    if Decimal(entry["price"]) != offer.price:
        changes.append(
            f"The price of the bundle {name} changed from {entry['price']} "
            f"to {offer.price} {offer.currency}."
        )
    return changes
