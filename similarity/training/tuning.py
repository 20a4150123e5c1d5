"""The choice of the parts' weights on several catalogues at once."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from similarity.encoders.base import Encoded
from similarity.encoders.fusion import Fusion
from similarity.training.datasets import Dataset
from similarity.training.evaluation import halves
from similarity.training.metrics import ALL, Share, label_shares, neighbours

Weights = dict[str, float]
Shares = Mapping[str, Share]

_STEP = 0.1
_FINE_STEP = 0.05
_LEAST = 0.05  # a part with less would not be worth encoding


@dataclass(frozen=True)
class Trial:
    """A catalogue, encoded and fused once; only the weights change."""

    dataset: Dataset
    parts: Mapping[str, Encoded]
    fusion: Fusion

    def shares(self, weights: Weights) -> tuple[Shares, Shares]:
        """Return the shares of the queries that weights are chosen on, and of the other half."""
        vectors = self.fusion.reweighted(weights).fuse(self.parts).vectors
        found = neighbours(vectors, self.dataset.groups)
        first, second = halves(len(found))
        return (
            label_shares(found, self.dataset, first),
            label_shares(found, self.dataset, second),
        )


@dataclass(frozen=True)
class Choice:
    """``held_out``: catalogue → weights chosen on the others, and their figures on it.

    The two figures are of the half of the queries that no choice used: under the weights chosen
    without the catalogue, and under those chosen on all.
    """

    weights: Weights
    chosen_on: float
    held_out: Mapping[str, tuple[Weights, float, float]]


def objective(catalogues: Iterable[Shares]) -> float:
    """Return 0–1: half for the same type, half for the same in all labels of a catalogue.

    Each is a share of the attainable, averaged over the catalogues that know it. So a catalogue
    that knows only the type does not affect the share of colours.
    """
    attained: dict[str, list[float]] = {"type": [], ALL: []}
    for shares in catalogues:
        for label, figures in attained.items():
            if label in shares:
                figures.append(shares[label].attained)
    means = [float(np.mean(figures)) for figures in attained.values() if figures]
    return float(np.mean(means)) if means else 0.0


class Tuner:
    """A search for the weights with the best objective; each point is tried once.

    ``fixed`` parts keep their weight. The search tries a grid over the other parts, then steps of
    half its mesh from the best point while they help.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        fixed: Mapping[str, float],
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        self.trials = trials
        self.fixed = dict(fixed)
        self._progress = progress
        self._known: dict[tuple[float, ...], list[tuple[Shares, Shares]]] = {}
        self._free = [part for part in trials[0].fusion.weights if part not in fixed]

    def choose(self) -> Choice:
        """Return the choice on all catalogues, and choices that leave out each in turn."""
        everything = list(range(len(self.trials)))
        best = self._best(everything)
        held_out = {}
        for left_out in everything if len(everything) > 1 else ():
            weights = self._best([at for at in everything if at != left_out])
            name = self.trials[left_out].dataset.name
            without, on_all = (objective([self._shares(w)[left_out][1]]) for w in (weights, best))
            held_out[name] = (weights, without, on_all)
        return Choice(best, self._value(best, everything), held_out)

    def _best(self, on: Sequence[int]) -> Weights:
        room = 1 - sum(self.fixed.values())
        start = (self._whole(weights, room) for weights in grid(self._free, _STEP))
        best = max(start, key=lambda weights: self._value(weights, on))
        while True:
            nearby = list(_moves({part: best[part] for part in self._free}))
            tried = [{**best, **weights} for weights in nearby] + [best]
            better = max(tried, key=lambda weights: self._value(weights, on))
            if self._value(better, on) <= self._value(best, on):
                return best
            best = better

    def _whole(self, free: Weights, room: float) -> Weights:
        return {part: room * weight for part, weight in free.items()} | self.fixed

    def _value(self, weights: Weights, on: Sequence[int]) -> float:
        shares = self._shares(weights)
        return objective([shares[at][0] for at in on])

    def _shares(self, weights: Weights) -> list[tuple[Shares, Shares]]:
        point = tuple(round(weights[part], 4) for part in sorted(weights))
        if point not in self._known:
            self._known[point] = [trial.shares(weights) for trial in self.trials]
            self._progress()
        return self._known[point]


def grid(parts: Sequence[str], step: float) -> Iterator[Weights]:
    """Yield all weights that are multiples of ``step``, at least one step each, summing to 1."""
    total = round(1 / step)
    for cuts in itertools.combinations(range(1, total), len(parts) - 1):
        edges = (0, *cuts, total)
        sizes = [after - before for before, after in itertools.pairwise(edges)]
        yield {part: size * step for part, size in zip(parts, sizes, strict=True)}


def _moves(weights: Weights) -> Iterator[Weights]:
    """Yield the weights with half a mesh moved from one part to another."""
    for giver, taker in itertools.permutations(weights, 2):
        if weights[giver] - _FINE_STEP >= _LEAST - 1e-9:
            moved = {giver: weights[giver] - _FINE_STEP, taker: weights[taker] + _FINE_STEP}
            yield {part: moved.get(part, weight) for part, weight in weights.items()}
