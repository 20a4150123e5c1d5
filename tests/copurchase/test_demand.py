"""Orders as weekly units: whole weeks, items of variants, categories."""

from datetime import date, timedelta

import numpy as np
import pytest

from similarity.exceptions import DemandError
from similarity.orders.adapter import Sale
from similarity.planning.demand import read_weekly_sales, weekly_sales
from tests.copurchase.demand_series import weekly

MONDAY = date(2025, 1, 6)


def sales(*rows):
    """(product, day after the first Monday, units)"""
    return [Sale(product, MONDAY + timedelta(days=day), units) for product, day, units in rows]


def alone(keys):
    return [f"product:{key}" for key in keys]


def test_only_whole_weeks_are_kept():
    """From Thursday to the Tuesday after next: the one whole week between them."""
    found = weekly_sales(sales((1, 3, 5), (1, 7, 2), (1, 13, 4), (1, 15, 9)), alone)
    assert found.monday == MONDAY + timedelta(days=7)
    assert found.units.tolist() == [[6]]
    assert found.mondays == [date(2025, 1, 13)]


def test_variants_are_one_item_the_best_selling_first():
    found = weekly_sales(
        sales((1, 0, 5), (2, 1, 7), (3, 2, 1), (3, 6, 1)),
        lambda keys: ["product:3" if key == 3 else "group:G" for key in keys],
    )
    assert dict(zip(found.names, found.units[:, 0].tolist(), strict=True)) == {
        "group:G": 12,
        "product:3": 2,
    }
    assert found.members["group:G"] == ("2", "1")


@pytest.mark.parametrize("rows", [[], [(1, 0, 5)], [(1, 1, 5), (1, 12, 5)]])
def test_less_than_a_whole_week_is_refused(rows):
    with pytest.raises(DemandError, match="no whole week"):
        weekly_sales(sales(*rows), alone)


@pytest.mark.django_db
def test_the_week_that_runs_is_not_asked_for(make_product):
    """Half a week of sales would look like a fall."""
    key = make_product(group="G").pk

    class Orders:
        def sales(self, since, until):
            self.asked = (since.date(), until.date())
            return sales((key, 0, 5), (key, 13, 5))

    orders = Orders()
    found = read_weekly_sales(orders, weeks=10, today=MONDAY + timedelta(days=16))
    assert orders.asked == (date(2024, 11, 11), date(2025, 1, 20))
    assert found.names == ("group:G",)


def test_summed_by_label_leaves_out_what_has_none():
    found = weekly([[1, 2], [3, 4], [5, 6]], "abc").summed({"a": "X", "c": "X", "b": ""})
    assert found.names == ("X",)
    assert found.units.tolist() == [[6, 8]]
    assert found.members["X"] == ("a", "c")


def test_selling_asks_for_weeks_and_for_units():
    found = weekly([[1, 1, 1], [9, 0, 0], [2, 2, 0]], "abc").selling(2, 4)
    assert found.names == ("c",)
    assert found.row == {"c": 0}


def test_weeks_in_which_the_shop_was_closed_are_told():
    units = np.full((3, 6), 10)
    units[:, 2] = 0
    assert weekly(units).traded.tolist() == [True, True, False, True, True, True]


def test_an_item_that_sold_nothing_is_named():
    with pytest.raises(DemandError, match="'z' had no sales in the 2 weeks"):
        weekly([[1, 2]], "a").of("z")
