"""The cart in the shopper's session: product keys, quantities and the prices shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from shop.models import Product

SESSION_KEY = "cart"
MAX_QUANTITY = 99  # of one product
MAX_LINES = 100


class CartRefused(Exception):
    """The product cannot go into the cart; the message gives the shopper the reason."""


@dataclass(frozen=True)
class CartLine:
    product: Product
    quantity: int
    shown_price: Decimal  #: the price the shopper last saw
    discount: Decimal = Decimal("0")  #: saving of bundles on the whole line

    @property
    def total(self) -> Decimal:
        return self.quantity * self.product.price - self.discount

    @property
    def most(self) -> int:
        return min(self.product.stock, MAX_QUANTITY)


class Cart:
    """A cart with the quantities the shopper asked for; :meth:`reconcile` makes them possible."""

    def __init__(self, session: SessionBase) -> None:
        self.session = session
        self._entries: dict[str, dict[str, Any]] = session.get(SESSION_KEY, {})

    def __len__(self) -> int:
        """Return the number of pieces, without a query."""
        return sum(entry["quantity"] for entry in self._entries.values())

    def __iter__(self) -> Iterator[CartLine]:
        return iter(self.lines())

    def lines(self) -> list[CartLine]:
        """Return the products still for sale, in the order they were added: two queries."""
        products = Product.objects.filter(is_active=True).select_related("brand")
        found = products.prefetch_related("images").in_bulk([int(key) for key in self._entries])
        return [
            CartLine(found[int(key)], entry["quantity"], Decimal(entry["price"]))
            for key, entry in self._entries.items()
            if int(key) in found
        ]

    def add(self, product: Product, quantity: int) -> int:
        """Add up to ``quantity`` pieces, as stock allows; return how many were added.

        Raise :class:`CartRefused` if no piece can be added.
        """
        entry = self._entries.get(str(product.pk), {"quantity": 0})
        room = min(product.stock, MAX_QUANTITY) - entry["quantity"]
        self._check(product, entry["quantity"], room)
        added = min(quantity, room)
        self._put(product, entry["quantity"] + added)
        return added

    def add_together(self, products: Sequence[Product]) -> None:
        """Add one piece of each product, or raise :class:`CartRefused` and add no piece."""
        before = dict(self._entries)
        try:
            for product in products:
                self.add(product, 1)
        except CartRefused:
            self._entries = before
            self._save()
            raise

    def add_each(self, products: Sequence[Product]) -> list[str]:
        """Add one piece of each product that can be added; return the reasons of the others."""
        refusals = []
        for product in products:
            try:
                self.add(product, 1)
            except CartRefused as refusal:
                refusals.append(str(refusal))
        return refusals

    def set_quantity(self, product: Product, quantity: int) -> int:
        """Ask for ``quantity`` pieces of a product in the cart; return how many it holds now."""
        quantity = min(quantity, product.stock, MAX_QUANTITY)
        if quantity <= 0:
            self.remove(product.pk)
            return 0
        if str(product.pk) in self._entries:
            self._put(product, quantity)
        return quantity

    def remove(self, pk: int) -> None:
        self._entries.pop(str(pk), None)
        self._save()

    def take_out(self, pk: int, quantity: int) -> None:
        """Take ``quantity`` pieces out, or all if there are fewer."""
        entry = self._entries.get(str(pk))
        if entry is None or entry["quantity"] <= quantity:
            self.remove(pk)
            return
        self._entries[str(pk)] = {**entry, "quantity": entry["quantity"] - quantity}
        self._save()

    def clear(self) -> None:
        self._entries = {}
        self._save()

    def reconcile(self) -> list[str]:
        """Adjust the cart to stock and prices; return the changes, for the shopper."""
        notices = []
        lines = {str(line.product.pk): line for line in self.lines()}
        for key, entry in list(self._entries.items()):
            line = lines.get(key)
            if line is None or not line.product.in_stock or not line.product.price:
                del self._entries[key]
                name = line.product.name if line else entry.get("name", "A product")
                notices.append(f"{name} is no longer available and was removed from your cart.")
                continue
            if line.quantity > line.most:
                notices.append(
                    f"Only {line.most} of {line.product.name} can be ordered; "
                    f"your cart held {line.quantity}."
                )
            if line.shown_price != line.product.price:
                notices.append(
                    f"The price of {line.product.name} changed from {line.shown_price} "
                    f"to {line.product.price} {line.product.currency}."
                )
            self._put(line.product, min(line.quantity, line.most))
        if notices:
            self._save()
        return notices

    def _check(self, product: Product, held: int, room: int) -> None:
        if not product.is_active or not product.in_stock:
            raise CartRefused(f"{product.name} is sold out.")
        if not product.price:
            raise CartRefused(f"{product.name} has no price yet and cannot be ordered.")
        if room <= 0:
            raise CartRefused(f"Your cart already holds all {held} of {product.name} we can send.")
        if not held and len(self._entries) >= MAX_LINES:
            raise CartRefused(f"A cart holds {MAX_LINES} different products at most.")
        others = {entry["currency"] for entry in self._entries.values()} - {product.currency}
        if others:
            raise CartRefused(
                f"{product.name} is priced in {product.currency}, your cart in "
                f"{others.pop()}; please order them separately."
            )

    def _put(self, product: Product, quantity: int) -> None:
        entry = {
            "quantity": quantity,
            "price": str(product.price),
            "currency": product.currency,
            "name": product.name,
        }
        if self._entries.get(str(product.pk)) != entry:
            self._entries[str(product.pk)] = entry
            self._save()

    def _save(self) -> None:
        self.session[SESSION_KEY] = self._entries
