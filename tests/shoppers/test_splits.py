"""What a model may learn from, and what it is asked."""

import numpy as np
import pytest

from similarity.exceptions import SimilarityError
from similarity.shoppers.training.splits import by_time, histories_of, leave_one_out
from tests.shoppers.data import make_interactions


def learned(interactions):
    return [history.items.tolist() for history in histories_of(interactions)]


def asked(questions):
    ((histories, targets),) = questions.batches(100)
    return [(h.items.tolist(), t.tolist()) for h, t in zip(histories, targets, strict=True)]


def test_leave_one_out_asks_for_the_last_and_the_second_last():
    split = leave_one_out(make_interactions([[0, 1, 2, 3], [4, 5], [6, 7, 8]]))
    assert learned(split.test.train) == learned(split.validation.train) == [[0, 1], [4, 5], [6]]
    assert asked(split.validation.questions) == [([0, 1], [2]), ([6], [7])]
    assert asked(split.test.questions) == [([0, 1, 2], [3]), ([6, 7], [8])]


def test_a_repeat_is_history_and_never_a_target():
    """A shelf leaves out what the shopper knows, so such a target could not be found."""
    split = leave_one_out(make_interactions([[0, 1, 0, 2, 1, 2]]))
    assert asked(split.validation.questions) == [([0], [1])]
    assert asked(split.test.questions) == [([0, 1, 0], [2])]
    assert learned(split.test.train) == [[0]]


def test_leave_one_out_needs_three_items():
    with pytest.raises(SimilarityError, match="None of 2 shoppers has three"):
        leave_one_out(make_interactions([[0, 1, 0], [1]]))


def test_by_time_learns_nothing_from_after_the_cut():
    interactions = make_interactions(
        [[0, 1, 2, 3], [4, 5], [6, 7], [8, 9]],
        times=[[1, 2, 9, 10], [3, 4], [11, 12], [5, 13]],
    )
    split = by_time(interactions, share=0.5)  # the cut is at 9
    assert learned(split.train) == [[0, 1], [4, 5], [8]]
    assert split.train.shoppers.tolist() == [0, 0, 1, 1, 2]
    assert asked(split.questions) == [([0, 1], [2, 3]), ([8], [9])]
    assert split.train.times.max() < 9


def test_by_time_asks_for_new_items_only():
    split = by_time(make_interactions([[0, 1, 0, 2]]), share=0.5)
    assert asked(split.questions) == [([0, 1], [2])]
    with pytest.raises(SimilarityError, match="No shopper has events both before"):
        by_time(make_interactions([[0, 1, 0, 1]]), share=0.5)


def test_by_time_refuses_a_share_that_is_none():
    with pytest.raises(ValueError, match="share is 1"):
        by_time(make_interactions([[0, 1]]), share=1)


def test_a_sample_of_questions_keeps_each_whole():
    interactions = make_interactions([[s, s + 1, s + 2] for s in range(50)])
    questions = leave_one_out(interactions).test.questions
    sampled = asked(questions.sample(7))
    assert len(sampled) == 7
    assert all(question in asked(questions) for question in sampled)
    assert sampled == sorted(sampled)
    assert questions.sample(50) is questions


def test_batches_hold_every_question_once():
    questions = leave_one_out(make_interactions([[0, 1, 2]] * 5)).test.questions
    sizes = [len(histories) for histories, _ in questions.batches(2)]
    assert sizes == [2, 2, 1]
    assert questions.events.item_count == 3
    assert np.array_equal(questions.events.shoppers, np.repeat(np.arange(5), 2))
