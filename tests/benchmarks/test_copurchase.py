"""The benchmark of counting: every contender does its work on the same small set of orders."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("copurchase")


def test_orders_are_what_an_engine_takes(benchmark):
    """Each item once a basket, ascending; the same seed gives the same orders."""
    made = benchmark.make_orders(500, 40, 5, seed=3)
    line = made["basket"].astype(np.int64) * made["items"] + made["item"]
    assert (np.diff(line) > 0).all()
    assert made["item"].max() < made["items"]
    assert len(made["shopper"]) == len(made["day"]) == 500
    again = benchmark.make_orders(500, 40, 5, seed=3)
    np.testing.assert_array_equal(again["item"], made["item"])


@pytest.mark.parametrize("name", ["implicit cosine", "rusket item-kNN", "scipy product"])
def test_others_run(benchmark, name):
    package = {"i": "implicit", "r": "rusket", "s": "scipy"}[name[0]]
    pytest.importorskip(package)
    benchmark.CONTENDERS[name](benchmark.make_orders(200, 30, 4, seed=1), 16)()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("upkeep", [False, True])
def test_ours_writes_the_best_of_the_pairs(benchmark, monkeypatch, upkeep):
    """A run that wrote nothing would look fast."""
    from django.db import connection

    later = []
    monkeypatch.setattr("atexit.register", lambda *call: later.append(call))
    try:
        run = benchmark.ours(benchmark.make_orders(600, 20, 4, seed=1), 16, upkeep=upkeep)
        run()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM similarity_productpartners")
            assert cursor.fetchone() == (20,)
            cursor.execute("SELECT count(*) FROM similarity_paircounts")
            assert cursor.fetchone() == (20 if upkeep else 0,)
    finally:
        for do, *arguments in later:
            do(*arguments)
        with connection.cursor() as cursor:
            cursor.execute("SET search_path TO DEFAULT")


def test_help_names_what_can_be_chosen():
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "copurchase.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--lines" in done.stdout
    assert "implicit cosine" in done.stdout
