"""A shop whose orders hold a planted pair: tea and teapots sell together."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.host_models import Order, OrderLine, Product

WEEKS = 45
MONDAY = date(2025, 1, 6)


@dataclass(frozen=True)
class DemandShop:
    tea: Product
    teapot: Product
    weeks: int
    today: date


@pytest.fixture(name="demand_shop")
def make_demand_shop(make_product):
    """An order a day; its lines hold what each of 12 products of 12 categories sold that day."""
    rng = np.random.default_rng(0)
    products = [make_product(name=f"Thing {at}", category=f"Kind {at}") for at in range(10)]
    tea = make_product(name="Tea", category="Teas")
    teapot = make_product(name="Teapot", category="Teapots")
    units = rng.poisson(20 * np.exp(0.5 * rng.normal(size=(12, WEEKS))))
    units[11] = rng.poisson(0.5 * units[10])
    lines = []
    orders = [_order(week) for week in range(WEEKS)]
    # The last day of the last week, so that it is a whole one.
    orders.append(_order(WEEKS - 1, day=6))
    Order.objects.bulk_create(orders)
    for row, product in enumerate([*products, tea, teapot]):
        lines += [
            OrderLine(
                order=orders[week],
                product=product,
                quantity=int(sold),
                unit_price=Decimal(1),
            )
            for week, sold in enumerate(units[row])
            if sold
        ]
    lines.append(OrderLine(order=orders[-1], product=products[0], quantity=1, unit_price=1))
    OrderLine.objects.bulk_create(lines)
    today = MONDAY + timedelta(weeks=WEEKS, days=2)
    return DemandShop(tea, teapot, WEEKS, today)


def _order(week, day=0):
    at = datetime(2025, 1, 6, 12, tzinfo=UTC) + timedelta(weeks=week, days=day)
    return Order(
        number=f"W{week}-{day}", email="a@example.com", name="A", address="B", placed_at=at
    )
