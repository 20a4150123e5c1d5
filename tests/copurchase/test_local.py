"""What the engine of one machine does beyond the contract: blocks, threads, bounds."""

import numpy as np
import pytest

from similarity.exceptions import CountError
from similarity.orders.counting import local
from similarity.orders.counting.engine import Baskets, PairBlock
from similarity.orders.counting.local import LocalEngine
from tests.copurchase.baskets import RULE, as_dicts, by_definition, columns


def random_baskets(count=400, items=60, seed=3):
    rng = np.random.default_rng(seed)
    return [
        (
            int(rng.integers(0, count // 2)),
            int(rng.integers(800, 1005)),
            sorted(set(rng.zipf(1.4, rng.integers(1, 9)).clip(1, items) - 1)),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("pairs_a_block", [1, 50, 10_000_000])
def test_blocks_of_any_size_give_the_same_counts(monkeypatch, settings, pairs_a_block):
    """Memory bounds the blocks; one item is the least a block can be."""
    monkeypatch.setattr("similarity.orders.counting.engine.MEMORY_MB", 1)
    monkeypatch.setattr(local, "BYTES_A_PAIR", 2**20 // local.THREADS / pairs_a_block)
    baskets = random_baskets()
    counts = LocalEngine().count(columns(baskets, 60), RULE)
    assert as_dicts(counts) == by_definition(baskets, RULE)
    assert (sum(1 for _ in counts.pairs()) == 1) == (pairs_a_block > 10_000)


def test_a_block_keeps_to_its_bound(monkeypatch, settings):
    monkeypatch.setattr("similarity.orders.counting.engine.MEMORY_MB", 1)
    monkeypatch.setattr(local, "BYTES_A_PAIR", 2**20 // local.THREADS / 200)
    seen = []
    counted = local._Lines._block

    def recorded(self, low, high):
        seen.append((high - low, len(self._instances(low, high))))
        return counted(self, low, high)

    monkeypatch.setattr(local._Lines, "_block", recorded)
    as_dicts(LocalEngine().count(columns(random_baskets(), 60), RULE))
    assert len(seen) > 3
    assert all(instances <= 200 for wide, instances in seen if wide > 1)


def test_progress_goes_up_to_the_last_item():
    told = []
    counts = LocalEngine().count(
        columns(random_baskets(), 60), RULE, lambda phase, done, total: told.append((done, total))
    )
    list(counts.pairs())
    assert told == sorted(told)
    assert told[-1] == (60, 60)


def test_more_than_can_be_packed_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(local, "bits", lambda number: 40)
    with pytest.raises(CountError, match="SparkEngine"):
        as_dicts(LocalEngine().count(columns([(1, 1000, [0, 1])], 2), RULE))


def test_a_basket_of_many_items_is_counted_whole():
    baskets = [(1, 1000, range(100)), (2, 1000, range(101))]
    counts = LocalEngine().count(columns(baskets, 101), RULE)
    found = PairBlock(*(np.concatenate(column) for column in zip(*counts.pairs(), strict=True)))
    assert len(found.first) == 100 * 99
    assert isinstance(columns(baskets, 101), Baskets)
