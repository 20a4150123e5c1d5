"""Orders of the demo shop, and their counts."""

import itertools

import pytest
from django.utils import timezone

from similarity.orders.counting.full import count_all
from tests.host_models import Order, OrderLine


@pytest.fixture
def buy(db):
    """Places an order of ``products`` for each of ``shoppers``, guests all: ``buy(mug, pot)``.

    Four are one more than ``MIN_SHOPPERS``, from which on a pair is shown.
    """
    numbers = itertools.count(1)

    def buy(*products, shoppers=4):
        orders = Order.objects.bulk_create(
            Order(number=f"O-{number}", email=f"{number}@example.com", placed_at=timezone.now())
            for number in itertools.islice(numbers, shoppers)
        )
        OrderLine.objects.bulk_create(
            OrderLine(order=order, product=product, unit_price=product.price)
            for order in orders
            for product in products
        )

    return buy


@pytest.fixture
def counted(buy, make_product):
    """Counts the orders placed; others have bought something else, for lift to mean something."""

    def counted(others=60):
        buy(make_product(category="Other"), shoppers=others)
        return count_all()

    return counted
