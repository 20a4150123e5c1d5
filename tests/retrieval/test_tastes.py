"""Grouping what is liked: what a mean may stand for, and how several kinds share a shelf."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from similarity.similar.more_like import (
    DISLIKED_SHARE,
    MAX_TASTES,
    SAME_TASTE_COSINE,
    take_turns,
    tastes,
)

NONE = np.zeros((0, 3), np.float32)


def rows(*vectors):
    array = np.asarray(vectors, dtype=np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_mean_of_the_liked_less_a_share_of_the_disliked_by_hand():
    (taste,) = tastes(rows([1, 0, 0], [0.6, 0.8, 0]), rows([0, 0, 1]))
    middle = np.array([1.6, 0.8, 0]) / np.hypot(1.6, 0.8)
    expected = middle - DISLIKED_SHARE * np.array([0, 0, 1])
    assert taste.vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    assert taste.members == (0, 1)


def test_things_with_nothing_in_common_are_tastes_apart_the_larger_first():
    tent, mugs = [1, 0, 0], ([0, 1, 0.1], [0, 1, -0.1])
    found = tastes(rows(tent, *mugs), NONE)
    assert [taste.members for taste in found] == [(1, 2), (0,)]
    assert found[0].vector == pytest.approx([0, 1, 0], abs=1e-6)


def test_nothing_liked_has_no_taste():
    assert tastes(NONE, NONE) == []


def test_opposites_forced_together_still_have_a_direction():
    """More kinds than tastes: the nearest are joined, even where their mean is nothing."""
    circle = [[np.cos(a), np.sin(a), 0] for a in np.arange(0, 2 * np.pi, np.pi / 16)]
    found = tastes(rows(*circle), rows([1, 0, 0]))
    assert len(found) <= MAX_TASTES
    assert all(np.isfinite(taste.vector).all() for taste in found)


vectors = st.lists(st.tuples(*[st.integers(-9, 9)] * 3).filter(any), min_size=1, max_size=12).map(
    lambda found: rows(*found)
)


@given(vectors, vectors)
def test_each_liked_is_in_one_taste_of_unit_length_and_tastes_lie_apart(liked, disliked):
    found = tastes(liked, disliked)
    assert sorted(row for taste in found for row in taste.members) == list(range(len(liked)))
    assert 1 <= len(found) <= MAX_TASTES
    for taste in found:
        assert np.linalg.norm(taste.vector) == pytest.approx(1, abs=1e-5)
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            between = liked[list(one.members)] @ liked[list(other.members)].T
            assert between.mean() < SAME_TASTE_COSINE + 1e-5


@given(vectors, vectors)
def test_a_dislike_never_brings_a_taste_nearer_to_what_is_disliked(liked, disliked):
    away = disliked.mean(axis=0)
    for plain, turned in zip(tastes(liked, NONE), tastes(liked, disliked), strict=True):
        assert turned.vector @ away <= plain.vector @ away + 1e-5


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), min_size=1, max_size=5),
    st.integers(1, 40),
)
def test_any_beginning_holds_each_taste_by_its_votes(shapes, depth):
    """Within one seat of its share, as long as no list is at its end."""
    lists = [[(at, rank) for rank in range(size)] for at, (size, _) in enumerate(shapes)]
    votes = [count for _, count in shapes]
    merged = take_turns(lists, votes)
    assert sorted(merged) == sorted(entry for entries in lists for entry in entries)
    beginning = merged[:depth]
    counts = [sum(1 for entry in beginning if entry[0] == at) for at in range(len(lists))]
    if all(count < len(entries) for count, entries in zip(counts, lists, strict=True)):
        places = [(count - 0.5) / vote for count, vote in zip(counts, votes, strict=True)]
        following = [(count + 0.5) / vote for count, vote in zip(counts, votes, strict=True)]
        assert max(places) <= min(following) + 1e-12


def test_an_entry_of_two_lists_comes_once_where_it_is_first():
    assert take_turns([["a", "b", "c"], ["c", "d"]], [1, 1]) == ["a", "c", "b", "d"]
