"""Sequences in batches: each event is a target once, with hardly any padding."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from similarity.shoppers.training.batches import Sequences, first_meetings
from tests.shoppers.data import make_interactions


def read_pairs(sequences: Sequences, targets: int = 64) -> Counter:
    """Return (item, item after it) of each counted place of an epoch."""
    pairs: Counter = Counter()
    for batch in sequences.batches(targets, np.random.default_rng(0)):
        for row, column in zip(*np.nonzero(batch.counted), strict=True):
            pairs[int(batch.items[row, column]), int(batch.targets[row, column])] += 1
    return pairs


def test_each_event_but_the_first_is_a_target_once():
    walked = [[0, 1, 2, 3], [4, 5], [6], [7, 8, 9]]
    expected = Counter((a, b) for walk in walked for a, b in pairwise(walk))
    assert read_pairs(Sequences(make_interactions(walked), 50)) == expected


def test_long_histories_are_cut_from_the_end():
    sequences = Sequences(make_interactions([list(range(11))]), 4)
    assert sorted(zip(sequences.begins, sequences.sizes, strict=True)) == [(0, 2), (2, 4), (6, 4)]
    assert len(read_pairs(sequences)) == 10


def test_an_item_that_was_met_before_is_no_target():
    """A shelf leaves out what was seen, so predicting it again is worth nothing."""
    sequences = Sequences(make_interactions([[0, 1, 1, 0, 2]]), 50)
    assert read_pairs(sequences) == Counter({(0, 1): 1, (0, 2): 1})
    assert sequences.targets().tolist() == [1, 2]


def test_first_meetings_are_by_shopper():
    assert first_meetings(make_interactions([[0, 0, 1], [0, 1, 0]])).tolist() == [
        *(True, False, True),
        *(True, True, False),
    ]


def test_gaps_reach_to_the_next_event_and_never_to_another_shopper():
    times = [[0, 100, 10**6], [5, 6]]
    sequences = Sequences(make_interactions([[0, 1, 2], [0, 1]], times), 50)
    assert sequences.gaps.tolist() == [3, 10, 0, 1, 0]


@pytest.mark.parametrize("targets", [1, 16, 100, 10_000])
def test_batches_are_no_larger_than_asked_and_hardly_padded(targets):
    random = np.random.default_rng(0)
    walks = [random.permutation(300)[: random.integers(2, 40)].tolist() for _ in range(300)]
    sequences = Sequences(make_interactions(walks, items=300), 50)
    batches = list(sequences.batches(targets, random))
    assert len(batches) == sequences.steps(targets)
    assert sum(int(batch.counted.sum()) for batch in batches) == sum(len(w) - 1 for w in walks)
    assert all(batch.items.size <= targets or len(batch.items) == 1 for batch in batches)
    if targets == 100:
        places = sum(batch.items.size for batch in batches)
        assert places <= 1.1 * sum(len(walk) - 1 for walk in walks)


def test_an_epoch_is_reproducible_and_the_next_is_another():
    sequences = Sequences(make_interactions([[i, i + 1] for i in range(50)]), 50)

    def order(seed):
        batches = sequences.batches(8, np.random.default_rng(seed))
        return [batch.items.tolist() for batch in batches]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_no_sequence_of_two_events_gives_no_batch():
    sequences = Sequences(make_interactions([[0], [1]]), 50)
    assert list(sequences.batches(8, np.random.default_rng(0))) == []
    assert sequences.steps(8) == 0
