"""Batches of sequences of similar length, with every event but the first as a target.

Long histories are cut into windows of ``length`` events from the end, so that each event is a
target once. Windows are sorted by length before they are cut into batches, so that hardly any
padding is computed: the histories of most shops are short, with few long ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from similarity.shoppers.interactions import Interactions
from similarity.shoppers.sequence_numpy import gap_buckets

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """B sequences of at most L events. ``items``, ``kinds``, ``gaps`` (B, L), ``lengths`` (B,).

    ``targets`` (B, L): the item after each event. ``counted`` (B, L): True where there is a target
    that the shopper has not met before, because shelves leave out what was seen.
    """

    items: Numbers
    kinds: Numbers
    gaps: Numbers
    lengths: Numbers
    targets: Numbers
    counted: npt.NDArray[np.bool_]


class Sequences:
    """The sequences of ``interactions`` for a model that reads ``length`` events."""

    def __init__(self, interactions: Interactions, length: int) -> None:
        self.items = interactions.items.astype(np.int64)
        self.kinds = interactions.kinds.astype(np.int64)
        self.gaps = _gaps(interactions)
        self.first = first_meetings(interactions)
        self._starts = interactions.starts()[:-1]
        self.begins, self.sizes = _windows(interactions.starts(), length)

    def targets(self) -> Numbers:
        """Return the items of all targets."""
        later = np.ones(len(self.items), bool)
        later[self._starts] = False
        return self.items[later & self.first]

    def steps(self, targets: int) -> int:
        """Return the number of batches of an epoch."""
        return len(_cuts(np.sort(self.sizes), targets)) - 1

    def batches(self, targets: int, dice: np.random.Generator) -> Iterator[Batch]:
        """Yield the windows in batches of at most ``targets`` events, in random order."""
        order = np.lexsort((dice.random(len(self.sizes)), self.sizes))
        sizes = self.sizes[order]
        cuts = _cuts(sizes, targets)
        for batch in dice.permutation(len(cuts) - 1):
            chosen = order[cuts[batch] : cuts[batch + 1]]
            yield self._batch(self.begins[chosen], self.sizes[chosen])

    def _batch(self, begins: Numbers, sizes: Numbers) -> Batch:
        """``sizes`` counts the targets of a window: one event less than it spans."""
        places = np.arange(sizes.max())
        inside = places < sizes[:, None]
        at = np.where(inside, begins[:, None] + places, begins[:, None])
        after = np.where(inside, at + 1, at)
        return Batch(
            items=self.items[at],
            kinds=self.kinds[at],
            gaps=self.gaps[at],
            lengths=sizes,
            targets=self.items[after],
            counted=inside & self.first[after],
        )


def first_meetings(interactions: Interactions) -> npt.NDArray[np.bool_]:
    """Return (E,) True for the first event of a shopper with an item."""
    pairs = interactions.shoppers.astype(np.int64) * interactions.item_count + interactions.items
    first = np.zeros(len(pairs), bool)
    first[np.unique(pairs, return_index=True)[1]] = True
    return first


def _gaps(interactions: Interactions) -> Numbers:
    """Return (E,) the bucket of the time from each event to the shopper's next; 0 for the last."""
    gaps = np.full(len(interactions.times), -1, np.int64)
    gaps[:-1] = np.diff(interactions.times)
    gaps[interactions.starts()[1:] - 1] = -1
    return gap_buckets(gaps)


def _windows(starts: Numbers, length: int) -> tuple[Numbers, Numbers]:
    """Return the first event and the number of targets of each window, cut from the end."""
    begins, sizes = [], []
    first, end = starts[:-1], starts[1:] - 1  # the last event has no target after it
    while len(end):
        keep = end > first
        first, end = first[keep], end[keep]
        begin = np.maximum(first, end - length)
        begins.append(begin)
        sizes.append(end - begin)
        end = begin
    return _joined(begins), _joined(sizes)


def _joined(parts: list[Numbers]) -> Numbers:
    return np.concatenate([*parts, np.zeros(0, np.int64)]).astype(np.int64)


def _cuts(sizes: Numbers, targets: int) -> list[int]:
    """Return where to cut windows in ascending size, so that a padded batch holds ``targets``."""
    cuts = [0]
    for place, size in enumerate(sizes):
        if (place - cuts[-1] + 1) * size > targets and place > cuts[-1]:
            cuts.append(place)
    return [*cuts, len(sizes)] if len(sizes) else cuts
