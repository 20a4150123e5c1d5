"""Orders to count."""

import pytest

from tests.configure import with_settings
from tests.copurchase.random_orders import RandomShop


@pytest.fixture
def small_limits(settings, monkeypatch):
    """Limits that a handful of orders reach."""
    settings.SIMILARITY = with_settings(
        ORDERS={"MIN_SHOPPERS": 2, "MAX_BASKET": 4, "HALF_LIFE_DAYS": 30}
    )
    monkeypatch.setattr("similarity.orders.counting.scores.MAX_PARTNERS", 3)


@pytest.fixture
def random_shop(make_product, small_limits):
    """A shop of twelve products, four of them variants of two."""
    groups = ["", "", "", "", "G1", "G1", "G2", "G2", "", "", "", ""]
    products = [make_product(group=group) for group in groups]
    return lambda seed: RandomShop(products, seed)
