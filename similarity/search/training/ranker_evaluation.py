"""Evaluates rankers: NDCG@10 over queries; the learned ranker on queries it has not seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from similarity.exceptions import RankerError
from similarity.search.reranking.blend import blend
from similarity.search.reranking.network import Network
from similarity.search.training.ranker import Group, fit, ndcg
from similarity.types import DoubleArray

FOLDS = 5
#: With fewer queries a fold would be too small.
LEAST_QUERIES = 20
#: A difference below this many standard errors may be chance; a larger difference rarely is
#: (once in forty times).
NOISE = 2.0

_SEED = 11

Fit = Callable[[Sequence[Group]], Network]


class MeanDifference(NamedTuple):
    """A paired mean over queries, and its standard error."""

    mean: float
    standard_error: float

    @property
    def beyond_noise(self) -> bool:
        return self.mean > NOISE * self.standard_error


@dataclass(frozen=True)
class Evaluation:
    """``scores``: row's name → NDCG@10 of each of Q queries."""

    scores: dict[str, DoubleArray]

    def mean(self, name: str) -> tuple[float, float]:
        """Return (mean, standard error) over queries."""
        values = self.scores[name]
        return float(values.mean()), _standard_error(values)

    def difference(self, name: str, other: str) -> MeanDifference:
        """Return how much better ``name`` is than ``other``, paired by query."""
        values = self.scores[name] - self.scores[other]
        return MeanDifference(float(values.mean()), _standard_error(values))

    def text(self, against: str = "blend") -> str:
        width = max(map(len, self.scores))
        count = len(next(iter(self.scores.values())))
        lines = [f"{'':{width}}  NDCG@10 ± error   less {against}   ({count} queries)"]
        for name in self.scores:
            mean, error = self.mean(name)
            line = f"{name:{width}}  {mean:.4f} ± {error:.4f}"
            if name != against:
                than = self.difference(name, against)
                line += f"  {than.mean:+.4f} ± {than.standard_error:.4f}"
            lines.append(line)
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        told = {name: self.mean(name) for name in self.scores}
        return {
            name: {"ndcg": round(mean, 4), "standard_error": round(error, 4)}
            for name, (mean, error) in told.items()
        }


def evaluate_rankers(
    groups: Sequence[Group],
    live: Network | None = None,
    fit: Fit = fit,
    progress: Callable[[int], object] = lambda count: None,
) -> Evaluation:
    """Evaluate the given order, the blend, the live ranker and a new ranker on the same queries.

    The new ranker is trained ``FOLDS`` times, each time without the queries it is evaluated on. The
    live ranker may have been trained on all of them, which favours it. Queries whose results are
    all alike are left out, because they show no difference. Raises :class:`RankerError` for too few
    queries.
    """
    useful = [group for group in groups if group.teaches]
    if len(useful) < LEAST_QUERIES:
        raise RankerError(
            f"Only {len(useful)} queries have results of different use; at least {LEAST_QUERIES} "
            "are needed to measure the quality of a ranker."
        )
    scores = {
        "order given": _judge(useful, lambda values: np.zeros(len(values))),
        "blend": _judge(useful, blend),
    }
    if live is not None:
        scores["live ranker"] = _judge(useful, live.scores)
    scores["learned"] = cross_validated(useful, fit, progress)
    return Evaluation(scores)


def cross_validated(
    groups: Sequence[Group], fit: Fit = fit, progress: Callable[[int], object] = lambda count: None
) -> DoubleArray:
    """Return NDCG@10 (Q,) of each query by a network that was trained without it."""
    order = np.random.default_rng(_SEED).permutation(len(groups))
    found = np.zeros(len(groups))
    for fold in range(FOLDS):
        held_out = order[fold::FOLDS]
        kept = np.setdiff1d(order, held_out)
        network = fit([groups[at] for at in kept])
        found[held_out] = _judge([groups[at] for at in held_out], network.scores)
        progress(1)
    return found


def _judge(groups: Sequence[Group], scores: Callable[[DoubleArray], DoubleArray]) -> DoubleArray:
    return np.array([ndcg(group.utilities, scores(group.values)) for group in groups])


def _standard_error(values: DoubleArray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))
