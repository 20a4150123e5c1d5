"""Splits of interactions into events to learn from and questions with known answers.

A question is a shopper's history, and the items that this shopper met for the first time after it.
Items that the shopper already knew are never an answer, because a shelf leaves them out.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.exceptions import SimilarityError
from similarity.shoppers.interactions import Interactions

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.int64]


class History(NamedTuple):
    """L events of a shopper, oldest first; each array is (L,), as in :class:`Interactions`."""

    items: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    times: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Questions:
    """Q questions. Shopper q of ``events`` is the history of question q.

    ``targets`` (T,) int32: the items to be found, question after question. ``target_starts``
    (Q + 1,): the position of each question's first target, and T at the end.
    """

    events: Interactions
    targets: npt.NDArray[np.int32]
    target_starts: IndexArray

    def __len__(self) -> int:
        return len(self.target_starts) - 1

    def batches(self, size: int) -> Iterator[tuple[list[History], list[npt.NDArray[np.int32]]]]:
        """Yield the histories and the targets of at most ``size`` questions at a time."""
        starts = self.events.starts()
        for first in range(0, len(self), size):
            numbers = range(first, min(first + size, len(self)))
            yield (
                [cut_history(self.events, starts[q], starts[q + 1]) for q in numbers],
                [self.targets[self.target_starts[q] : self.target_starts[q + 1]] for q in numbers],
            )

    def sample(self, size: int, seed: int = 0) -> "Questions":
        """Return at most ``size`` of the questions, chosen at random, in their order.

        Only the shoppers are sampled. Each question still ranks the whole catalogue.
        """
        if len(self) <= size:
            return self
        kept = np.zeros(len(self), dtype=bool)
        kept[np.random.default_rng(seed).choice(len(self), size, replace=False)] = True
        counts = np.diff(self.target_starts)
        return Questions(
            select_events(self.events, kept[self.events.shoppers]),
            self.targets[np.repeat(kept, counts)],
            _starts_of(counts[kept]),
        )


@dataclass(frozen=True)
class Split:
    """Events to learn from, and questions about the time after them."""

    train: Interactions
    questions: Questions


@dataclass(frozen=True)
class LeaveOneOut:
    """``validation`` chooses hyper-parameters and when to stop; ``test`` is looked at once.

    Both have the same events to learn from.
    """

    validation: Split
    test: Split


def leave_one_out(interactions: Interactions) -> LeaveOneOut:
    """Ask for each shopper's last new item (test) and the one before it (validation).

    A new item is one that the shopper meets for the first time. Shoppers with fewer than three
    items are only learned from. Raises :class:`SimilarityError` if no shopper has three.

    The events to learn from may be later than a question of another shopper, so this split
    flatters every model a little; :func:`by_time` does not.
    """
    firsts = np.flatnonzero(_is_first(interactions))
    counts = np.bincount(interactions.shoppers[firsts], minlength=interactions.shopper_count)
    asked = np.flatnonzero(counts >= 3)
    if not len(asked):
        raise SimilarityError(
            f"None of {interactions.shopper_count} shoppers has three different products; "
            "leave-one-out needs a longer history. Import older events, or wait."
        )
    ends = np.cumsum(counts)[asked]
    test_at, validation_at = firsts[ends - 1], firsts[ends - 2]
    train = select_events(interactions, _before(interactions, asked, validation_at, others=True))
    return LeaveOneOut(
        *(
            Split(
                train,
                Questions(
                    select_events(interactions, _before(interactions, asked, at, others=False)),
                    interactions.items[at],
                    np.arange(len(asked) + 1),
                ),
            )
            for at in (validation_at, test_at)
        )
    )


def by_time(interactions: Interactions, share: float = 0.1) -> Split:
    """Ask what each shopper did after a moment, which leaves ``share`` of the events behind it.

    Only events before that moment are learned from, and only shoppers with a history before it are
    asked. Their targets are all items that they meet for the first time after it. Raises
    :class:`SimilarityError` if no shopper has both.
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share!r}; it must be between 0 and 1.")
    ordered = np.sort(interactions.times)
    cut = ordered[min(int(len(ordered) * (1 - share)), len(ordered) - 1)] if len(ordered) else 0
    return split_at(interactions, int(cut))


def split_at(interactions: Interactions, cut: int) -> Split:
    """Ask what each shopper did from the time ``cut`` on, in seconds since 1970; see by_time."""
    before = interactions.times < cut
    new = _is_first(interactions) & ~before
    shoppers, size = interactions.shoppers, interactions.shopper_count
    has_history = np.bincount(shoppers[before], minlength=size) > 0
    asked = has_history & (np.bincount(shoppers[new], minlength=size) > 0)
    if not asked.any():
        raise SimilarityError(
            f"No shopper has events both before and in the last {(~before).mean():.0%} of "
            f"{len(interactions.items)} events; a split by time needs shoppers who come back."
        )
    new &= asked[shoppers]
    return Split(
        select_events(interactions, before),
        Questions(
            select_events(interactions, before & asked[shoppers]),
            interactions.items[new],
            _starts_of(np.bincount(shoppers[new], minlength=size)[asked]),
        ),
    )


def select_events(interactions: Interactions, kept: BoolArray) -> Interactions:
    """Return the events where ``kept`` (E,) is True; shoppers without events are numbered away."""
    _, shoppers = np.unique(interactions.shoppers[kept], return_inverse=True)
    return replace(
        interactions,
        shoppers=shoppers.astype(np.int32),
        items=interactions.items[kept],
        kinds=interactions.kinds[kept],
        times=interactions.times[kept],
    )


def histories_of(interactions: Interactions) -> Iterator[History]:
    """Yield each shopper's history."""
    starts = interactions.starts()
    for first, last in itertools.pairwise(starts):
        yield cut_history(interactions, first, last)


def cut_history(interactions: Interactions, first: int, last: int) -> History:
    """Return the events from ``first`` to before ``last``."""
    part = slice(first, last)
    return History(interactions.items[part], interactions.kinds[part], interactions.times[part])


def _is_first(interactions: Interactions) -> BoolArray:
    """Return (E,) True where a shopper meets an item for the first time."""
    pairs = interactions.shoppers.astype(np.int64) * interactions.item_count + interactions.items
    first = np.zeros(len(pairs), dtype=bool)
    first[np.unique(pairs, return_index=True)[1]] = True
    return first


def _before(
    interactions: Interactions, asked: IndexArray, ends: IndexArray, *, others: bool
) -> BoolArray:
    """Return (E,) True for the events of ``asked`` before ``ends``; for all others ``others``."""
    limit = np.full(interactions.shopper_count, len(interactions.items) if others else 0)
    limit[asked] = ends
    kept: BoolArray = np.arange(len(interactions.items)) < limit[interactions.shoppers]
    return kept


def _starts_of(counts: IndexArray) -> IndexArray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
