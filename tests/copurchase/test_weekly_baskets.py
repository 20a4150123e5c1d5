"""Orders by week with an item, and with its partner too."""

from datetime import UTC, datetime, timedelta

from similarity.orders.adapter import Basket
from similarity.planning.weekly_baskets import weekly_together
from tests.copurchase.demand_series import weekly


def basket(day, *products):
    at = datetime(2025, 1, 6, 12, tzinfo=UTC) + timedelta(days=day)
    return Basket(f"{day}", "", at, products)


def test_counts_by_hand():
    sales = weekly([[1, 1]] * 3)  # products 0, 1 and 2, two weeks
    baskets = [
        basket(-1, 0, 1),  # before
        basket(0, 0, 1),
        basket(6, 0, 2),
        basket(7, 1, 0, 99),
        basket(14, 0, 1),  # after
    ]
    pairs = [("product:0", "product:1"), ("product:2", "product:0")]
    both, orders = weekly_together(baskets, sales, pairs)[pairs[0]]
    assert (both.tolist(), orders.tolist()) == ([1, 1], [2, 1])
    both, orders = weekly_together(baskets, sales, pairs)[pairs[1]]
    assert (both.tolist(), orders.tolist()) == ([1, 0], [1, 0])


def test_variants_of_one_item_count_once():
    sales = weekly([[1]], ["group:G"])
    sales.members["group:G"] = ("0", "1")
    (both, orders), *_ = weekly_together(
        [basket(0, 0, 1)], sales, [("group:G", "group:H")]
    ).values()
    assert (both.tolist(), orders.tolist()) == ([0], [1])
