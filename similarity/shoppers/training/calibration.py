"""Calibration: does a score of 0.3 mean that three of ten such pairs happened?

Pairs of shopper and item are judged: the items that a shopper met after their history, and for each
of these ``NEGATIVES`` items that the shopper did not meet, drawn evenly. So a chance here is that
of a pair in this mix. It is not the chance that a shopper meets an item of the shop, which is
thousands of times smaller.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.exceptions import TrainingError
from similarity.shoppers.training.measures import Scorer
from similarity.shoppers.training.splits import BoolArray, History, Questions
from similarity.types import DoubleArray

NEGATIVES = 4
BINS = 10
#: Questions that are judged at most, and at once.
QUESTIONS, AT_ONCE = 5000, 256
_STEPS = 100


class Judged(NamedTuple):
    """P pairs. ``logits`` (P,): the model's scores. ``happened`` (P,): True if the shopper did."""

    logits: DoubleArray
    happened: BoolArray


class Platt(NamedTuple):
    """A chance is sigmoid(slope · logit + intercept) (Platt 1999)."""

    slope: float
    intercept: float

    def chances(self, logits: DoubleArray) -> DoubleArray:
        moved = self.slope * logits + self.intercept
        return 0.5 * (1 + np.tanh(moved / 2))  # the sigmoid, without overflow


#: The chances as the model gives them.
AS_TRAINED = Platt(1.0, 0.0)


@dataclass(frozen=True)
class Reliability:
    """Chances in BINS steps of the same width, from 0 to 1, and what came of them.

    ``happened`` and ``not_happened``: numbers of pairs in each bin. ``predicted``: the mean chance
    of each bin, 0 for an empty one. ``brier``: the mean squared error of a chance. ``ece``: the
    expected calibration error, the mean distance of a bin's chance from its share that happened.
    """

    happened: list[int]
    not_happened: list[int]
    predicted: list[float]
    brier: float
    ece: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def calibrate(scorer: Scorer, validation: Questions, test: Questions) -> dict[str, Any]:
    """Fit a calibration on ``validation`` and measure it on ``test``; return a JSON object.

    It has the reliability ``before`` and ``after``, ``slope`` and ``intercept``, and the number of
    ``negatives`` for each pair that happened.
    """
    platt = fit_platt(judge_pairs(scorer, validation))
    judged = judge_pairs(scorer, test)
    return {
        "before": measure_reliability(AS_TRAINED.chances(judged.logits), judged.happened).as_json(),
        "after": measure_reliability(platt.chances(judged.logits), judged.happened).as_json(),
        "slope": platt.slope,
        "intercept": platt.intercept,
        "negatives": NEGATIVES,
    }


def judge_pairs(scorer: Scorer, questions: Questions, seed: int = 0) -> Judged:
    """Return the scores of the targets of a sample of the questions, and of drawn negatives."""
    random = np.random.default_rng(seed)
    logits: list[npt.NDArray[Any]] = []
    happened: list[npt.NDArray[Any]] = []
    for histories, targets in questions.sample(QUESTIONS, seed).batches(AT_ONCE):
        scores = scorer.scores(histories)
        rows, items, met = _draw_pairs(histories, targets, scores.shape[1], random)
        logits.append(scores[rows, items])
        happened.append(met)
    return Judged(np.concatenate(logits).astype(np.float64), np.concatenate(happened))


def fit_platt(judged: Judged) -> Platt:
    """Return slope and intercept of the least log loss, by Newton's method.

    The outcomes are drawn in from 0 and 1 as Platt does, so that pairs that a score separates have
    a finite answer. Raises :class:`TrainingError` if all pairs have one outcome.
    """
    yes = int(judged.happened.sum())
    no = len(judged.happened) - yes
    if not yes or not no:
        raise TrainingError(f"{yes} pairs happened and {no} did not; calibration needs both.")
    wanted = np.where(judged.happened, (yes + 1) / (yes + 2), 1 / (no + 2))
    design = np.stack([judged.logits, np.ones_like(judged.logits)])  # (2, P)
    answer = np.array([0.0, np.log(yes / no)])
    for _step in range(_STEPS):
        chances = 0.5 * (1 + np.tanh((answer @ design) / 2))
        gradient = design @ (chances - wanted)
        curvature = (design * (chances * (1 - chances))) @ design.T + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        step /= max(1.0, float(np.abs(step).max()) / 5)
        answer = answer - step
        if np.abs(step).max() < 1e-10:
            break
    return Platt(float(answer[0]), float(answer[1]))


def measure_reliability(chances: DoubleArray, happened: BoolArray) -> Reliability:
    """Return how well chances (P,) fit what happened (P,)."""
    bins = np.minimum((chances * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    met = np.bincount(bins, weights=happened, minlength=BINS)
    sums = np.bincount(bins, weights=chances, minlength=BINS)
    return Reliability(
        happened=met.astype(int).tolist(),
        not_happened=(counts - met).astype(int).tolist(),
        predicted=(sums / np.maximum(counts, 1)).tolist(),
        brier=float(np.mean((chances - happened) ** 2)),
        ece=float(np.abs(sums - met).sum() / len(chances)),
    )


def _draw_pairs(
    histories: Sequence[History],
    targets: Sequence[npt.NDArray[np.int32]],
    item_count: int,
    random: np.random.Generator,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], BoolArray]:
    """Return row, item and outcome of each pair; a drawn item that was met is dropped."""
    counts = np.array([len(each) for each in targets])
    own_rows, own = np.repeat(np.arange(len(targets)), counts), np.concatenate(targets)
    rows = np.repeat(own_rows, NEGATIVES)
    drawn = random.integers(item_count, size=len(rows))
    known = np.zeros((len(histories), item_count), dtype=bool)
    known[own_rows, own] = True
    for row, history in enumerate(histories):
        known[row, history.items] = True
    new = ~known[rows, drawn]
    return (
        np.concatenate([own_rows, rows[new]]),
        np.concatenate([own, drawn[new]]),
        np.concatenate([np.ones(len(own), bool), np.zeros(int(new.sum()), bool)]),
    )
