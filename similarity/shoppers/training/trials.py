"""Choice of hyper-parameters on a shop's own validation split, from a small grid.

Each trial changes one value of the defaults. Those that help are then tried together, and the best
of all on the validation split is chosen; the test questions are never looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from similarity.shoppers.interactions import Interactions
from similarity.shoppers.training.measures import evaluate
from similarity.shoppers.training.scoring import SequenceScorer
from similarity.shoppers.training.sequence_training import Run
from similarity.shoppers.training.splits import leave_one_out

#: Values that are tried beside the defaults: of the model's shape, and of its training.
SHAPES: dict[str, tuple[Any, ...]] = {"dim": (64,), "blocks": (1,)}
OPTIONS: dict[str, tuple[Any, ...]] = {
    "temperature": (0.05, 0.07, 0.14),
    "dropout": (0.3,),
    "id_dropout": (0.0, 0.3),
    "rate": (1e-3,),
    "in_batch": (0.1, 0.9),
}


@dataclass(frozen=True)
class Trial:
    """``changes``: name → value instead of the default. ``ndcg``: on the validation split."""

    changes: dict[str, Any]
    ndcg: float
    epochs: int

    def as_json(self) -> dict[str, Any]:
        return {"changes": self.changes, "ndcg@10": self.ndcg, "epochs": self.epochs}


def choose_options(interactions: Interactions, run: Run) -> tuple[Run, list[Trial]]:
    """Return the run with the best hyper-parameters, and all trials, the best first."""
    content_dim = interactions.content.shape[1]
    run = replace(run, config=replace(run.config, content_dim=content_dim), checkpoints=None)
    split = leave_one_out(interactions).validation
    trials: list[Trial] = []

    def attempt(changes: dict[str, Any]) -> Trial:
        changed = with_changes(run, changes)
        trained = changed.train(f"trial {len(trials) + 1}", split.train, validation=split.questions)
        found = evaluate(SequenceScorer(trained.model), split.questions)
        trials.append(Trial(changes, float(found.ndcg.mean()), trained.epoch))
        return trials[-1]

    base = attempt({})
    helpful: dict[str, tuple[float, Any]] = {}
    for name, value in _alternatives(run):
        tried = attempt({name: value})
        if tried.ndcg > max(base.ndcg, helpful.get(name, (0.0, None))[0]):
            helpful[name] = (tried.ndcg, value)
    if len(helpful) > 1:
        attempt({name: value for name, (_ndcg, value) in helpful.items()})
    trials.sort(key=lambda each: -each.ndcg)
    best = with_changes(run, trials[0].changes)
    return replace(best, trials=[each.as_json() for each in trials]), trials


def with_changes(run: Run, changes: dict[str, Any]) -> Run:
    """Return the run with these values of its shape and of its options."""
    shape = {name: value for name, value in changes.items() if name in SHAPES}
    options = {name: value for name, value in changes.items() if name in OPTIONS}
    return replace(
        run, config=replace(run.config, **shape), options=replace(run.options, **options)
    )


def _alternatives(run: Run) -> Iterator[tuple[str, Any]]:
    for settings, grid in ((run.config, SHAPES), (run.options, OPTIONS)):
        for name, values in grid.items():
            yield from ((name, value) for value in values if value != getattr(settings, name))
