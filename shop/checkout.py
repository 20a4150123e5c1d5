"""From a cart to an order."""

import secrets
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from shop.cart import CartLine
from shop.models import Customer, Order, OrderLine, Product

#: Without letters and digits that look alike.
NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class CheckoutRefused(Exception):
    """The order cannot be placed; ``problems`` are the reasons, for the shopper."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def new_order_number() -> str:
    """Return a number that cannot be guessed, for an order that is not placed yet.

    Placing an order twice under the same number (a double click, a resent form) gives one order.
    """
    drawn = "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(12))
    return f"{drawn[:4]}-{drawn[4:8]}-{drawn[8:]}"


def place_order(
    number: str, lines: Sequence[CartLine], *, name: str, email: str, address: str
) -> Order:
    """Place the order and take its pieces out of stock, in one transaction.

    Lock the products in key order. If two shoppers want the last piece, the first gets it, the
    other gets :class:`CheckoutRefused`, and there is no deadlock.
    """
    with transaction.atomic():
        customer, _ = Customer.objects.get_or_create(
            email=email.strip().lower(), defaults={"name": name}
        )
        order, created = Order.objects.get_or_create(
            number=number,
            defaults={
                "customer": customer,
                "name": name,
                "email": email,
                "address": address,
                "placed_at": timezone.now(),
            },
        )
        if created:
            _take(order, lines)
        return order


def _take(order: Order, lines: Sequence[CartLine]) -> None:
    keys = [line.product.pk for line in lines]
    locked = Product.objects.select_for_update().filter(pk__in=keys).order_by("pk")
    products = {product.pk: product for product in locked}
    problems = [problem for line in lines for problem in _problems(line, products)]
    if problems or not lines:
        raise CheckoutRefused(problems or ["Your cart is empty."])
    for line in lines:
        products[line.product.pk].stock -= line.quantity
    Product.objects.bulk_update(products.values(), ["stock"])
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            product=products[line.product.pk],
            quantity=line.quantity,
            unit_price=products[line.product.pk].price,
            discount=line.discount,
        )
        for line in lines
    )


def _problems(line: CartLine, products: dict[int, Product]) -> list[str]:
    product = products.get(line.product.pk)
    if product is None or not product.is_active or not product.in_stock:
        return [f"{line.product.name} has just been sold out."]
    if product.stock < line.quantity:
        return [f"Only {product.stock} of {product.name} are left; you asked for {line.quantity}."]
    if product.price != line.shown_price:
        return [
            f"The price of {product.name} changed from {line.shown_price} to "
            f"{product.price} {product.currency}."
        ]
    return []
