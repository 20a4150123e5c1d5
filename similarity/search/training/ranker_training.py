"""Trains a ranker on a file of judgements or clicks, saves it, and promotes it if better."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from similarity.search.models import RankerVersion
from similarity.search.training import ranker_versions
from similarity.search.training.clicks import judged_by_clicks, position_bias, read_clicks
from similarity.search.training.judged import Judged, read_judgements
from similarity.search.training.ranker import fit
from similarity.search.training.ranker_evaluation import FOLDS, Evaluation, evaluate_rankers
from similarity.search.training.ranker_groups import gather_groups
from similarity.types import Progress, no_progress


@dataclass(frozen=True)
class Training:
    """``examined``: share of shoppers that look at each place, empty without clicks.

    ``why``: the reason if it was not promoted.
    """

    version: RankerVersion
    evaluation: Evaluation
    queries: int
    results: int
    unknown: int
    examined: Sequence[float]
    promoted: bool
    why: str


def train(
    path: Path,
    *,
    clicks: bool,
    key_field: str = "pk",
    hidden: int = 0,
    keep: bool = False,
    progress: Progress = no_progress,
) -> Training:
    """Train on a file, evaluate by cross-validation, save, and promote if better beyond chance.

    ``keep`` leaves the live ranker as it is. Raises :class:`RankerError` for a file that cannot be
    used or holds too little.
    """
    judged, examined = _from_clicks(path) if clicks else (read_judgements(path), [])
    gathered = gather_groups(judged, key_field, _counter(progress, "read", len(judged)))
    fitter = partial(fit, hidden=hidden)
    live = ranker_versions.live_network()
    counter = _counter(progress, "judge", FOLDS)
    evaluation = evaluate_rankers(gathered.groups, live, fitter, counter)
    results = sum(len(group.utilities) for group in gathered.groups)
    figures = {
        "trained_on": f"{'clicks' if clicks else 'judgements'} of {path.name}",
        "queries": len(gathered.groups),
        "results": results,
        "hidden": hidden,
        "ndcg": evaluation.as_json(),
    }
    version = ranker_versions.save(fitter(gathered.groups), figures)
    why = "--keep was given" if keep else ranker_versions.why_not(evaluation)
    if not why:
        version = ranker_versions.promote(version)
    return Training(
        version=version,
        evaluation=evaluation,
        queries=len(gathered.groups),
        results=results,
        unknown=gathered.unknown,
        examined=examined,
        promoted=not why,
        why=why,
    )


def _from_clicks(path: Path) -> tuple[list[Judged], list[float]]:
    log = read_clicks(path)
    bias = position_bias(log)
    return judged_by_clicks(log, bias), bias.examined.tolist()


def _counter(progress: Progress, phase: str, total: int) -> Callable[[int], object]:
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(phase, done, total)

    return count
