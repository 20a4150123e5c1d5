"""The back-test on a made-up history whose truth is known."""

import csv
import gzip
import json
from datetime import date, timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from similarity.exceptions import ConfigurationError
from similarity.planning.evaluation.demand_evaluation import run
from similarity.planning.evaluation.retail_orders import read_online_retail

WEEKS = 40
COLUMNS = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "CustomerID")
MONDAY = date(2024, 1, 1)


def write(folder, rows):
    (folder / "online-retail").mkdir()
    with gzip.open(folder / "online-retail" / "online_retail.csv.gz", "wt", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(dict(zip(COLUMNS, row, strict=True)) for row in rows)
    return folder


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Twenty pairs of products that sell together, in orders of four customers a week."""
    rng = np.random.default_rng(0)
    rows = []
    for week in range(WEEKS):
        for pair in range(20):
            push = np.exp(0.8 * rng.normal())
            for order in range(4):
                at = MONDAY + timedelta(weeks=week, days=2 * order)
                invoice = f"{week:02}{pair:02}{order}"
                for code, level in ((f"1{pair:02}01", 10), (f"1{pair:02}02", 6)):
                    units = rng.poisson(level * push)
                    rows.append((invoice, code, units, f"{at} 10:00:00", f"{order + 1}.0"))
    return write(tmp_path_factory.mktemp("data"), rows)


def test_tables_and_json_of_a_known_history(history):
    found = run(None, history, history, None)
    assert (found.items, found.weeks) == (40, WEEKS)
    own, naive = found.everything["own history"], found.everything["seasonal naive (4 weeks)"]
    assert own.wape < naive.wape
    assert own.coverage == pytest.approx(0.8, abs=0.1)
    # What X sells in the same weeks says much of Y; its past weeks say nothing.
    assert found.knowing["X known"] < 0.6 * found.knowing["own history"]
    assert found.held[0].cases >= 100
    assert found.links["as sold"] >= 15
    assert found.links["weeks shuffled"] <= 1
    text = found.text()
    for part in ("seasonal naive (4 weeks)", "+ bought together", "WAPE where X is known", "held"):
        assert part in text
    assert json.loads(json.dumps(found.as_json()))["items"] == 40


def test_the_command_runs_it(history, capsys):
    call_command("similarity", "evaluate", "co-demand", "--data-dir", str(history), "--json")
    assert json.loads(capsys.readouterr().out)["weeks"] == WEEKS


def test_a_data_set_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="choose online-retail"):
        run("groceries", tmp_path, tmp_path, None)
    with pytest.raises(CommandError, match=r"online_retail\.csv\.gz"):
        call_command("similarity", "evaluate", "co-demand", "--data-dir", str(tmp_path))


def test_cancellations_fees_and_returns_are_left_out(tmp_path):
    day = "2024-01-01 10:00:00"
    rows = [
        ("1", "12345a", 2, day, "7.0"),
        ("1", "12345A", 3, day, "7.0"),
        ("C2", "12345A", 5, day, "7.0"),
        ("3", "POST", 1, day, "7.0"),
        ("4", "12345A", -1, day, ""),
        ("5", "54321", 1, day, ""),
    ]
    read = read_online_retail(write(tmp_path, rows) / "online-retail")
    assert [(sale.product, sale.units) for sale in read.sales()] == [("12345A", 5), ("54321", 1)]
    baskets, names = read.baskets_until(date(2024, 2, 1))
    assert names == ["product:12345A", "product:54321"]
    assert baskets.item.tolist() == [0, 1]
    assert baskets.shopper[0] == 7 < baskets.shopper[1]
    assert read.baskets_until(date(2024, 1, 1))[0].basket.tolist() == []


def test_a_file_of_another_form_is_told(tmp_path):
    folder = write(tmp_path, []) / "online-retail"
    with gzip.open(folder / "online_retail.csv.gz", "wt") as file:
        file.write("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match="needs the columns InvoiceNo"):
        read_online_retail(folder)
