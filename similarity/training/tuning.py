"""Choose the parts' weights on several catalogues at once."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from similarity.encoders.base import BoolArray, Encoded
from similarity.encoders.fusion import Fusion
from similarity.training.datasets import Dataset
from similarity.training.evaluation import halves
from similarity.training.metrics import Share, label_shares, neighbours

Weights = dict[str, float]

_STEP = 0.1
_FINE_STEP = 0.05
_LEAST = 0.05  # a part with less would not be worth encoding


@dataclass(frozen=True)
class Trial:
    """One catalogue, encoded and fused once; only the weights change."""

    dataset: Dataset
    parts: Mapping[str, Encoded]
    fusion: Fusion

    def objectives(self, weights: Weights) -> tuple[float, float]:
        """Of the half of the queries that weights are chosen on, and of the other half."""
        vectors = self.fusion.reweighted(weights).fuse(self.parts).vectors
        found = neighbours(vectors, self.dataset.groups)
        first, second = halves(len(found))
        return self._objective(found, first), self._objective(found, second)

    def _objective(self, found: np.ndarray, queries: BoolArray) -> float:
        return objective(label_shares(found, self.dataset, queries))


@dataclass(frozen=True)
class Choice:
    """``held_out``: catalogue → weights chosen on the others, and what they give on it.

    The two figures are of the half of the queries nothing was chosen on: under the
    weights chosen without the catalogue, and under those chosen on all.
    """

    weights: Weights
    chosen_on: float
    held_out: Mapping[str, tuple[Weights, float, float]]


def objective(shares: Mapping[str, Share]) -> float:
    """Mean over the labels ``type`` and ``all`` of the share of the attainable, 0–1."""
    named = [shares[label].attained for label in ("type", "all") if label in shares]
    return float(np.mean(named)) if named else 0.0


def tune(trials: Sequence[Trial], progress: Callable[[], object] = lambda: None) -> Choice:
    """Weights with the best mean objective, first on all catalogues, then leaving each out.

    A grid over the simplex, then steps of half its mesh from the best point while they help.
    """
    known: dict[tuple[float, ...], list[tuple[float, float]]] = {}

    def look_up(weights: Weights) -> list[tuple[float, float]]:
        point = tuple(round(weight, 4) for weight in weights.values())
        if point not in known:
            known[point] = [trial.objectives(weights) for trial in trials]
            progress()
        return known[point]

    everything = range(len(trials))
    best = _best(list(trials[0].fusion.weights), look_up, everything)
    held_out = {}
    for left_out in everything if len(trials) > 1 else ():
        others = [at for at in everything if at != left_out]
        weights = _best(list(best), look_up, others)
        figures = look_up(weights)[left_out][1], look_up(best)[left_out][1]
        held_out[trials[left_out].dataset.name] = (weights, *figures)
    return Choice(best, _mean(look_up(best), everything), held_out)


def _best(
    parts: Sequence[str],
    look_up: Callable[[Weights], list[tuple[float, float]]],
    on: Sequence[int],
) -> Weights:
    best = max(grid(parts, _STEP), key=lambda weights: _mean(look_up(weights), on))
    while True:
        nearby = max(_moves(best), key=lambda weights: _mean(look_up(weights), on), default=best)
        if _mean(look_up(nearby), on) <= _mean(look_up(best), on):
            return best
        best = nearby


def grid(parts: Sequence[str], step: float) -> Iterator[Weights]:
    """All weights that are multiples of ``step``, one at least, and add up to 1."""
    total = round(1 / step)
    for cuts in itertools.combinations(range(1, total), len(parts) - 1):
        edges = (0, *cuts, total)
        sizes = [after - before for before, after in itertools.pairwise(edges)]
        yield {part: size * step for part, size in zip(parts, sizes, strict=True)}


def _moves(weights: Weights) -> Iterator[Weights]:
    """Half a mesh from one part to another."""
    for giver, taker in itertools.permutations(weights, 2):
        if weights[giver] - _FINE_STEP >= _LEAST - 1e-9:
            moved = {giver: weights[giver] - _FINE_STEP, taker: weights[taker] + _FINE_STEP}
            yield {part: moved.get(part, weight) for part, weight in weights.items()}


def _mean(figures: Sequence[tuple[float, float]], on: Sequence[int]) -> float:
    return float(np.mean([figures[at][0] for at in on]))
