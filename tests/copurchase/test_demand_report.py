"""The report: which pairs it holds, what it says of them, and how it is written down."""

import csv
import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from similarity.orders.adapter import Basket
from similarity.orders.partners import Partner
from similarity.planning.demand_backtest import IntervalCalibration
from similarity.planning.demand_report import DemandQuestion, demand_report, typical_quantity
from similarity.planning.demand_tables import COLUMNS, sentence, table, warning, write_csv
from tests.copurchase.demand_series import linked_shop, weekly

CALIBRATION = IntervalCalibration(0.8, 1.5, 90, 0.81)
TITLES = {"product:0": "Mug", "product:1": "Plate", "product:7": "=cmd()"}


def partner(item, score=0.5):
    return Partner(item, (item[8:],), 41, 30, 0.01, 0.25, 6.2, 90.0, score)


@pytest.fixture(scope="module")
def sales():
    units = linked_shop(np.random.default_rng(0))
    units[0, [30, 31]] = units[1, [30, 31]] = 0
    return weekly(units)


def baskets(sales):
    """Of four orders with product 0 one holds product 7."""
    start = datetime(2025, 1, 6, 12, tzinfo=UTC)
    for order in range(400):
        at = start + timedelta(days=order % (7 * sales.weeks))
        yield Basket(str(order), "", at, (0, 7) if order % 4 == 0 else (0,))


@pytest.fixture(scope="module")
def report(sales):
    made = demand_report(
        sales,
        DemandQuestion(of="product:0", quantity=100),
        partners=lambda items: {item: [partner("product:7"), partner("gone")] for item in items},
        baskets=lambda: baskets(sales),
        calibration=CALIBRATION,
    )
    return made.__class__(made.sales, made.pairs, made.calibration, TITLES)


def test_pairs_by_sales_come_first_then_those_bought_together(report):
    linked, mirror, bought = report.pairs[0], report.pairs[1], report.pairs[-1]
    assert {(linked.first, linked.second), (mirror.first, mirror.second)} == {
        ("product:0", "product:1"),
        ("product:1", "product:0"),
    }
    assert linked.link.lag == 0
    assert linked.units.sold == 100
    assert linked.units.low < linked.units.expected < linked.units.high
    assert (bought.first, bought.second, bought.link) == ("product:0", "product:7", None)
    assert bought.together.expected == pytest.approx(25, abs=1)


def test_a_partner_that_sold_nothing_in_these_weeks_is_left_out(report):
    assert not any("gone" in (pair.first, pair.second) for pair in report.pairs)


def test_without_baskets_and_partners_weekly_sales_speak_alone(sales):
    made = demand_report(sales, DemandQuestion(of="product:0"), calibration=CALIBRATION)
    assert made.pairs
    assert all(pair.partner is None and pair.together is None for pair in made.pairs)


def test_no_more_pairs_than_asked_for(sales):
    made = demand_report(sales, DemandQuestion(most_pairs=1), calibration=CALIBRATION)
    assert len(made.pairs) == 1


def test_of_one_item_begins_with_it(report):
    firsts = [pair.first for pair in report.of("product:1").pairs]
    assert firsts == ["product:1", "product:0"]


def test_sentence_and_warning_say_figures(report):
    pair = next(pair for pair in report.pairs if pair.first == "product:0" and pair.units)
    said = sentence(report, pair)
    assert said.startswith("If Mug sells 100 (about 1 week), expect ")
    assert said.endswith(" of Plate.")
    told = warning(report, pair)
    assert "in 2 weeks with almost no sales of Mug" in told
    assert "Plate sold 0 instead of" in told
    bought = report.pairs[-1]
    assert sentence(report, bought).startswith("Of 100 orders with Mug, expect 1")
    assert warning(report, bought) == ""


def test_table_has_a_row_for_each_pair_and_says_how_far_to_trust_it(report):
    text = table(report)
    assert "they would have held 81% of 90" in text
    assert text.count("Mug") >= len(report.pairs)
    assert "41 (6.2×)" in text


def test_nothing_found_is_said():
    made = demand_report(
        weekly(np.random.default_rng(1).poisson(20, (40, 30))),
        DemandQuestion(),
        calibration=CALIBRATION,
    )
    assert made.pairs == []
    assert "No demand moves together" in table(made)


def test_csv_reads_back_and_runs_no_formula(report):
    file = io.StringIO()
    assert write_csv(report, file) == len(report.pairs)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert tuple(rows[0]) == COLUMNS
    assert rows[-1]["expect"] == "'=cmd()"
    assert (rows[-1]["if_sold_key"], rows[-1]["orders_together"]) == ("0", "41")
    assert rows[-1]["units_low"] == ""
    linked = next(row for row in rows if row["correlation"])
    assert float(linked["units_low"]) < float(linked["units_high"])


@pytest.mark.parametrize(("pace", "quantity"), [(1000, 100), (5, 50), (0.1, 5), (2, 20)])
def test_quantity_is_one_that_sells_within_a_quarter(pace, quantity):
    assert typical_quantity(np.full(30, pace)) == quantity
