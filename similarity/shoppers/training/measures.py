"""Measures of a model: Recall, NDCG and coverage over the full ranking of the catalogue.

No item is sampled away: a rank among 99 random items says little about the rank among all, and
orders models differently (Krichene & Rendle, KDD 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from similarity.shoppers.interactions import Interactions
from similarity.shoppers.training.splits import History, Questions
from similarity.types import DoubleArray, FloatArray, Progress, no_progress

TOP = 10
#: Scores held at once: 16 MiB of float32, for a catalogue of any size.
_SCORES = 2**22


class Scorer(Protocol):
    """The contract of every model, from popularity to the Transformer."""

    name: str

    def fit(self, interactions: Interactions) -> None:
        """Learn from the interactions."""

    def scores(self, histories: Sequence[History]) -> FloatArray:
        """Return (B, I) finite scores of all items for each history; the caller may write to it."""


@dataclass(frozen=True)
class Measures:
    """Measures of one model on Q questions, at the first ``top`` places.

    ``recall`` (Q,): the share of a question's targets that was found. ``ndcg`` (Q,): with a gain of
    1 for each target. ``shown`` (I,): how often each item was recommended.
    """

    top: int
    recall: DoubleArray
    ndcg: DoubleArray
    shown: npt.NDArray[np.int64]

    @property
    def coverage(self) -> float:
        """Return the share of the catalogue that was recommended to at least one shopper."""
        return float((self.shown > 0).mean())

    def figures(self) -> dict[str, float]:
        """Return the means, and the standard error of each mean over the shoppers."""
        figures: dict[str, float] = {}
        for name, values in (("recall", self.recall), ("ndcg", self.ndcg)):
            figures[f"{name}@{self.top}"] = float(values.mean())
            figures[f"{name}@{self.top}_error"] = _error_of_mean(values)
        figures[f"coverage@{self.top}"] = self.coverage
        figures["shoppers"] = len(self.recall)
        return figures


@dataclass(frozen=True)
class Gain:
    """The mean of a measure's difference between two models, and its interval of 95 %."""

    mean: float
    low: float
    high: float


def evaluate(
    scorer: Scorer, questions: Questions, *, top: int = TOP, progress: Progress = no_progress
) -> Measures:
    """Rank all items for each question and compare the first places with its targets.

    Items of the history are left out. Equal scores are ordered at random, the same for each
    question. Raises ValueError if a score is not finite.
    """
    item_count = questions.events.item_count
    top = min(top, item_count)
    order = np.random.default_rng(0).permutation(item_count)
    recall, ndcg = np.zeros(len(questions)), np.zeros(len(questions))
    shown = np.zeros(item_count, dtype=np.int64)
    done = 0
    for histories, targets in questions.batches(max(1, _SCORES // max(item_count, 1))):
        scores = scorer.scores(histories)
        _check_scores(scorer, scores, (len(histories), item_count))
        best = _rank(scores, histories, order, top)
        shown += np.bincount(best[best >= 0], minlength=item_count)
        rows = slice(done, done + len(histories))
        recall[rows], ndcg[rows] = _compare(best, targets)
        done += len(histories)
        progress("rank", done, len(questions))
    return Measures(top, recall, ndcg, shown)


def compare(ours: DoubleArray, theirs: DoubleArray) -> Gain:
    """Return how much better ``ours`` (Q,) is than ``theirs`` (Q,) on the same questions.

    The interval comes from the spread of the differences over the shoppers, so what makes a
    question hard for both models cancels out.
    """
    difference = ours - theirs
    mean, error = float(difference.mean()), _error_of_mean(difference)
    return Gain(mean, mean - 1.96 * error, mean + 1.96 * error)


def _error_of_mean(values: DoubleArray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _check_scores(scorer: Scorer, scores: FloatArray, shape: tuple[int, int]) -> None:
    if scores.shape != shape:
        raise ValueError(f"{scorer.name} gave scores of shape {scores.shape}; expected {shape}.")
    if not np.isfinite(scores).all():
        raise ValueError(f"{scorer.name} gave scores that are not finite; its training diverged.")


def _rank(
    scores: FloatArray, histories: Sequence[History], order: npt.NDArray[np.int64], top: int
) -> npt.NDArray[np.int64]:
    """Return (B, top) the best items, best first; -1 where too few are left."""
    lengths = [len(history.items) for history in histories]
    rows = np.repeat(np.arange(len(histories)), lengths)
    scores[rows, np.concatenate([history.items for history in histories])] = -np.inf
    mixed = np.take(scores, order, axis=1)
    best = np.argpartition(mixed, mixed.shape[1] - top, axis=1)[:, -top:]
    values = np.take_along_axis(mixed, best, axis=1)
    by_score = np.argsort(-values, axis=1, kind="stable")
    best = np.take_along_axis(best, by_score, axis=1)
    values = np.take_along_axis(values, by_score, axis=1)
    return np.where(np.isfinite(values), order[best], -1)


def _compare(
    best: npt.NDArray[np.int64], targets: Sequence[npt.NDArray[np.int32]]
) -> tuple[DoubleArray, DoubleArray]:
    """Return Recall and NDCG (B,) of the ranked items."""
    top = best.shape[1]
    gains = 1 / np.log2(np.arange(2, top + 2))
    counts = np.array([len(each) for each in targets])
    wanted = np.full((len(targets), counts.max()), -2, dtype=np.int64)  # no item is -2
    wanted[np.arange(counts.max()) < counts[:, None]] = np.concatenate(targets)
    hits = np.zeros(best.shape, dtype=bool)
    for column in wanted.T:  # few: a shopper meets few new items
        hits |= best == column[:, None]
    ideal = np.cumsum(gains)[np.minimum(counts, top) - 1]
    return hits.sum(axis=1) / counts, (hits * gains).sum(axis=1) / ideal
