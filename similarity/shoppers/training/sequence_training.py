"""A training run of the sequence model: measure on two splits, decide, train on all, promote.

Every run starts from nothing, so that it holds nothing of shoppers who were erased since. The model
is trained three times: before the last items, before the moment of the split by time, and on all
events for as many epochs as were best. Only the last one is served.
"""

import hashlib
from dataclasses import dataclass, field, replace
from functools import partial
from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np
from django.utils.dateparse import parse_datetime

from similarity.exceptions import ArtefactError, SimilarityError, TrainingError
from similarity.shoppers import promotion
from similarity.shoppers.artefact import SequenceConfig
from similarity.shoppers.interactions import Data, Interactions
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training import gate
from similarity.shoppers.training.baselines import CoOccurrence, Popularity
from similarity.shoppers.training.factors import FactorModel
from similarity.shoppers.training.measures import Measures, Scorer, evaluate
from similarity.shoppers.training.options import TrainingOptions
from similarity.shoppers.training.runs import (
    ASKED,
    as_figures,
    begin_run,
    fail_run,
    learned_items,
    named,
)
from similarity.shoppers.training.saving import in_8_bits, prune_weights, write_artefact
from similarity.shoppers.training.scoring import SequenceScorer, changed_scorer
from similarity.shoppers.training.splits import Split, by_time, leave_one_out, split_at
from similarity.shoppers.training.stored_models import running_scorer
from similarity.shoppers.training.trainer import Trained, Trainer
from similarity.types import Progress, no_progress
from similarity.vectors import upsert

logger = getLogger(__name__)

#: Models that a new one must beat; each learns the same split.
RIVALS: tuple[type[Scorer], ...] = (Popularity, CoOccurrence, FactorModel)

SEQUENCE = ShopperModel.Kind.SEQUENCE
Status = ShopperModel.Status


@dataclass(frozen=True)
class Run:
    """A run's settings. ``checkpoints``: a folder from which a killed run resumes, or None.

    ``first``: weights of another shop's model to start from. ``int8``: store matrices in 8 bits.
    """

    config: SequenceConfig = field(default_factory=SequenceConfig)
    options: TrainingOptions = field(default_factory=TrainingOptions)
    device: str = "cpu"
    checkpoints: Path | None = None
    first: dict[str, Any] | None = None
    int8: bool = False
    #: Of ``train-sequence --try``, for the record.
    trials: list[dict[str, Any]] = field(default_factory=list)
    progress: Progress = no_progress

    def on(self, device: str) -> "Run":
        """Return the same run on another device."""
        return replace(self, device=device)

    def train(self, part: str, events: Interactions, **changed: Any) -> Trained:
        """Train on ``events``; ``part`` names the checkpoint and the progress."""
        trainer = Trainer(
            events,
            self.config,
            replace(self.options, **{"epochs": changed.pop("epochs", self.options.epochs)}),
            device=self.device,
            checkpoint=self.checkpoints and self.checkpoints / part.replace(" ", "-"),
            first=self.first,
            progress=named(self.progress, f"train {part}"),
            **changed,
        )
        return trainer.train()


def train_sequence(data: Data, run: Run | None = None, *, publish: bool = True) -> ShopperModel:
    """Train a sequence model and store it with its figures; return it.

    The model becomes live if the gate finds it better than all others, or stays a candidate
    without ``publish``; else its status is ``refused``. An error or an interruption is stored as
    ``failed`` and raised.
    """
    run = run or Run()
    content_dim = data.interactions.content.shape[1]
    run = replace(run, config=replace(run.config, content_dim=content_dim))
    described = {
        "shape": run.config.as_json(),
        "options": run.options.as_json(),
        "tried": bool(run.trials),
        "trials": run.trials,
    }
    model = begin_run(SEQUENCE, data, described)
    try:
        trained = _fill(model, data, run)
        model.save(using=upsert.alias())
        if publish and model.status == Status.CANDIDATE:
            vectors = SequenceScorer(trained.model).vectors()
            items = learned_items(vectors, data.interactions)
            promotion.promote(model, items, run.progress)
    except BaseException as error:
        fail_run(model, error)
        raise
    return model


def _fill(model: ShopperModel, data: Data, run: Run) -> Trained:
    """Fill the model's figures, curves, weights and status; return what is to be served."""
    interactions = data.interactions
    one_out = leave_one_out(interactions)
    judged = run.train(
        "to be measured", one_out.test.train, validation=one_out.validation.questions
    )
    model.curves, model.config["epochs"] = judged.curves.as_json(), judged.epoch
    last = measure_all(SequenceScorer(judged.model), one_out.test, run.progress)
    model.figures = {"leave_one_out": as_figures(last)}
    later = _measure_later(model, data, run, judged.epoch)
    decision = gate.decide(last, later)
    model.figures["decision"] = decision.as_json()
    final = run.train("on all", interactions, epochs=judged.epoch)
    weights = {
        name: weight.cpu().numpy() for name, weight in final.model.weights.items() if name != "ids"
    }
    model.weights = write_artefact(run.config, weights, int8=run.int8)
    model.weights_sha256 = hashlib.sha256(model.weights).hexdigest()
    model.status = Status.CANDIDATE if decision.promoted else Status.REFUSED
    return final


def _measure_later(model: ShopperModel, data: Data, run: Run, epochs: int) -> dict[str, Measures]:
    """Return the measures on the split by time; empty, with the reason noted, if there is none."""
    running = rival(data)
    cut = trained_until(running)
    try:
        split = by_time(data.interactions) if cut is None else split_at(data.interactions, cut)
        before = run.train("before a moment", split.train, epochs=epochs)
    except SimilarityError as error:
        model.figures["by_time_error"] = str(error)
        return {}
    rivals = {}
    if running is not None:
        try:
            rivals[gate.RUNNING] = running_scorer(running, data.interactions)
        except ArtefactError as error:  # a damaged model cannot answer, so any is better
            logger.warning("The running model is not compared: %s", error)
    later = measure_all(SequenceScorer(before.model), split, run.progress, rivals)
    model.figures["by_time"] = as_figures(later)
    return later


def measure_all(
    scorer: Scorer,
    split: Split,
    progress: Progress = no_progress,
    trained: dict[str, SequenceScorer] | None = None,
) -> dict[str, Measures]:
    """Return the measures of a trained model, and of its rivals after they learned the split.

    ``trained``: more rivals that learn nothing now.
    """
    questions = split.questions.sample(ASKED)
    found: dict[str, Measures] = {}
    simple = [rival() for rival in RIVALS]
    for each in simple:
        each.fit(split.train)
    models = {scorer.name: scorer, **{each.name: each for each in simple}, **(trained or {})}
    for name, each in models.items():
        found[name] = evaluate(each, questions, progress=named(progress, f"rank {name}"))
    return found


def rival(data: Data) -> ShopperModel | None:
    """Return the running model that a new one is compared with.

    None if there is none, if it was trained on another version's content, or if it learned from
    shoppers who were erased since: then it must go, and simple models alone decide.
    """
    running = ShopperModel.objects.using(upsert.alias()).live(SEQUENCE)
    if running is None or running.erased:
        return None
    return running if running.config.get("content_version") == data.content_version else None


def trained_until(running: ShopperModel | None) -> int | None:
    """Return the first second after the model's events; None without a model."""
    last = parse_datetime(running.window.get("last") or "") if running is not None else None
    return None if last is None else int(last.timestamp()) + 1


def fresh_shoppers(data: Data) -> int | None:
    """Return how many shoppers came back since the running model was trained; None without one."""
    cut = trained_until(rival(data))
    if cut is None:
        return None
    interactions = data.interactions
    return len(np.unique(interactions.shoppers[interactions.times >= cut]))


def chosen_run() -> Run:
    """Return a run with the shape and options of the last trials, else with the defaults.

    Later models keep what ``train-sequence --try`` chose.
    """
    models = ShopperModel.objects.using(upsert.alias()).filter(kind=SEQUENCE, config__tried=True)
    stored = models.order_by("-pk").values_list("config", flat=True).first()
    if stored is None:
        return Run()
    try:
        return Run(
            config=SequenceConfig.from_json(stored["shape"]),
            options=TrainingOptions(**stored["options"]),
        )
    except (SimilarityError, KeyError, TypeError) as error:
        logger.warning("The options that were chosen are not those of this version: %s", error)
        return Run()


def evaluate_stored(
    model: ShopperModel, data: Data, progress: Progress = no_progress
) -> dict[str, dict[str, float]]:
    """Return the figures of a stored model on what happened after its training, and its rivals'.

    Beside it stand the same weights in 8 bits, and with half of them pruned. Raises
    :class:`TrainingError` if the model has no vectors of its items, and
    :class:`SimilarityError` if no shopper came back since.
    """
    if model.items_id is None:
        raise TrainingError(
            f"{model} has no vectors of its items any more; evaluate the live model, or the one "
            "before it."
        )
    if model.config.get("content_version") != data.content_version:
        raise TrainingError(f"{model} was trained on another version's content; train it again.")
    split = split_at(data.interactions, trained_until(model) or 0)
    scorer = running_scorer(model, data.interactions)
    smaller = {
        "in 8 bits": changed_scorer(scorer, in_8_bits),
        "half pruned": changed_scorer(scorer, partial(prune_weights, share=0.5)),
    }
    return as_figures(measure_all(scorer, split, progress, smaller))
