import numpy as np
import pytest

from similarity.encoders.known import KnownVectors, name_of


def recorded(asked, values):
    def encode(places):
        asked.append(places)
        return np.array([[values[at]] for at in places], np.float32)

    return encode


def test_each_name_is_encoded_once_and_rows_keep_their_order():
    asked = []
    names = [b"a", b"b", b"a", b"c", b"b"]
    rows = KnownVectors().rows(names, recorded(asked, [1, 2, 0, 3, 0]))
    assert np.ravel(rows).tolist() == [1, 2, 1, 3, 2]
    assert asked == [[0, 1, 3]]


def test_known_in_the_next_batch():
    known, asked = KnownVectors(), []
    known.rows([b"a", b"b"], recorded(asked, [1, 2]))
    rows = known.rows([b"c", b"a"], recorded(asked, [3, 0]))
    assert np.ravel(rows).tolist() == [3, 1]
    assert asked == [[0, 1], [0]]


def test_batch_larger_than_what_is_kept_is_whole():
    """The bound is on memory and must not lose a product."""
    known = KnownVectors(size=3)
    rows = known.rows([bytes([n]) for n in range(9)], recorded([], list(range(9))))
    assert np.ravel(rows).tolist() == list(range(9))
    assert len(known) == 3


def test_the_latest_stay():
    known = KnownVectors(size=2)
    for name in (b"a", b"b", b"a", b"c"):
        known.rows([name], recorded([], [0]))
    assert known.get(b"a") is not None
    assert known.get(b"b") is None


def test_nothing_is_kept_where_encoding_fails():
    known = KnownVectors()

    def broken(places):
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        known.rows([b"a"], broken)
    assert len(known) == 0


def test_name_is_of_all_bytes():
    assert name_of(b"a" * 5000) != name_of(b"a" * 4999 + b"b")
