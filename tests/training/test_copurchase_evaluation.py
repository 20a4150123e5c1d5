"""The evaluation of co-purchase: items hidden from later baskets, found again or not."""

import csv
import gzip
import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from similarity.orders.counting.engine import Baskets
from similarity.orders.evaluation import copurchase_evaluation, copurchase_peers
from similarity.orders.evaluation.copurchase_blends import DEFAULT, MEASURES, Pairs
from similarity.orders.evaluation.copurchase_datasets import by_time, load_baskets, slice_of
from similarity.orders.evaluation.hidden_items import Hidden, hide, judge, matrix

pytest.importorskip("scipy")


@pytest.fixture
def habits():
    """A hundred baskets: an item of six, the one it goes with, and something else."""
    dice = np.random.default_rng(4)
    bought = [sorted({n, n + 6, 12 + int(dice.integers(8))}) for n in dice.integers(0, 6, 100)]
    return Baskets(
        basket=np.repeat(np.arange(100, dtype=np.int32), 3),
        item=np.array(bought, np.int32).ravel(),
        shopper=np.arange(100, dtype=np.int64),
        day=np.full(100, 1000, np.int32),
        items=20,
    )


def test_baskets_come_in_the_order_of_time():
    baskets = Baskets(
        basket=np.array([0, 0, 1, 2], np.int32),
        item=np.array([1, 2, 0, 3], np.int32),
        shopper=np.array([7, 8, 9], np.int64),
        day=np.array([5, 3, 5], np.int32),
        items=4,
    )
    ordered = by_time(baskets)
    assert ordered.basket.tolist() == [0, 1, 1, 2]
    assert ordered.item.tolist() == [0, 1, 2, 3]
    assert ordered.shopper.tolist() == [8, 7, 9]
    later = slice_of(ordered, 1)
    assert (later.basket.tolist(), later.item.tolist()) == ([0, 0, 1], [1, 2, 3])
    assert slice_of(ordered, 1, 2).shopper.tolist() == [7]


def test_one_item_of_each_basket_is_hidden_and_the_same_by_the_same_seed(habits):
    asked = hide(habits, draws=2, seed=1)
    assert asked.carts.shape == (200, 20)
    whole = matrix(habits)
    for at, item in enumerate(asked.item):
        bought = set(whole[at // 2].indices)
        assert set(asked.carts[at].indices) == bought - {item}
    np.testing.assert_array_equal(hide(habits, draws=2, seed=1).item, asked.item)


def test_baskets_of_one_item_or_of_too_many_are_not_asked_about():
    sizes = [1, 2, 100, 101]
    baskets = Baskets(
        basket=np.repeat(np.arange(4, dtype=np.int32), sizes),
        item=np.concatenate([np.arange(size, dtype=np.int32) for size in sizes]),
        shopper=np.arange(4, dtype=np.int64),
        day=np.zeros(4, np.int32),
        items=101,
    )
    assert len(hide(baskets, draws=1, seed=1).item) == 2


def test_figures_by_hand():
    """Found first, third and not at all; what is in the cart takes no place."""
    from scipy import sparse

    carts = sparse.csr_matrix(np.eye(3, 12))
    scores = np.zeros((3, 12))
    scores[:, [0, 1, 2]] = 9
    scores[0, 5], scores[1, 5] = 10, 1
    found = judge(lambda asked: scores, Hidden(carts, np.array([5, 5, 5]), 1))
    assert found.hits_at_5 == found.hits_at_10 == pytest.approx(2 / 3)
    assert found.ndcg_at_10 == pytest.approx((1 + 1 / np.log2(4)) / 3)


def test_what_is_tuned_is_what_is_served(habits):
    """The choice is made with matrices, pages use cart_scores: one formula, twice."""
    pairs, asked = Pairs(habits), hide(habits, draws=1, seed=1)
    tuned, served = pairs.recommender(DEFAULT)(asked.carts), pairs.served()(asked.carts)
    for own, other in zip(tuned, served, strict=True):
        assert (own > 0).tolist() == (other > 0).tolist()
        kept = np.flatnonzero(own)
        ratio = (other[kept] / (1 - other[kept])) / own[kept]
        np.testing.assert_allclose(ratio, ratio[0])


def test_the_best_partners_are_kept_and_pairs_of_too_few_shoppers_are_not(habits):
    pairs = Pairs(habits)
    best = pairs.similarity(MEASURES["cosine"], most=1)
    assert all(int(best[item].indices[0]) == item + 6 for item in range(6))
    assert pairs.similarity(MEASURES["cosine"], min_shoppers=10**6).nnz == 0


@pytest.mark.parametrize("name", list(copurchase_peers.PEERS))
def test_every_peer_finds_a_habit(habits, name):
    pytest.importorskip(name.split()[0])
    recommend = copurchase_peers.PEERS[name](matrix(habits), 20)
    cart = matrix(habits)[:1]
    cart = type(cart)((np.ones(1), ([0], [3])), shape=(1, 20))
    scores = recommend(cart)[0]
    scores[3] = 0
    assert scores.argmax() == 9


@pytest.fixture
def groceries(tmp_path, habits):
    folder = tmp_path / "groceries"
    folder.mkdir()
    with gzip.open(folder / "baskets.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["basket_id", "item_id"])
        writer.writerows(zip(habits.basket + 1, habits.item + 100, strict=True))
    return tmp_path


def test_the_command_prints_a_table_and_json(groceries, monkeypatch):
    monkeypatch.setattr(copurchase_evaluation, "PEERS", {})
    arguments = (
        "similarity",
        "evaluate",
        "copurchase",
        "--dataset",
        "groceries",
        "--data-dir",
        str(groceries),
    )
    out = StringIO()
    call_command(*arguments, stdout=out)
    assert "similarity, MIN_SHOPPERS=3 (default)" in out.getvalue()
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    report = json.loads(out.getvalue())
    default = report["figures"]["similarity, MIN_SHOPPERS=3 (default)"]
    assert default["hr@10"] > report["figures"]["popularity"]["hr@10"]
    assert report["carts"] == 60
    assert report["choices"]


def test_data_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match="online-retail, groceries"):
        call_command("similarity", "evaluate", "copurchase", "--dataset", "nothing")
    with pytest.raises(CommandError, match=r"baskets\.csv\.gz"):
        call_command(
            "similarity", "evaluate", "copurchase", "--dataset", "groceries", "--data-dir", tmp_path
        )


def test_a_file_of_another_form_is_named(groceries):
    path = groceries / "groceries" / "baskets.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("basket,item\n1,2\n")
    with pytest.raises(CommandError, match="basket_id and item_id"):
        call_command(
            "similarity",
            "evaluate",
            "copurchase",
            "--dataset",
            "groceries",
            "--data-dir",
            groceries,
        )


def test_too_few_baskets_to_split_is_an_error(groceries):
    assert len(load_baskets("groceries", groceries, limit=3).day) == 3
    with pytest.raises(CommandError, match="too few"):
        call_command(
            *("similarity", "evaluate", "copurchase", "--dataset", "groceries"),
            *("--data-dir", groceries, "--limit", 1),
        )
