"""A training run of the factor model: measure, decide, train on everything, store, promote."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from similarity.exceptions import SimilarityError
from similarity.shoppers import promotion
from similarity.shoppers.artefact import SequenceConfig
from similarity.shoppers.interactions import Data, Interactions
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training.baselines import CoOccurrence, Popularity
from similarity.shoppers.training.calibration import calibrate
from similarity.shoppers.training.factors import FactorModel, FactorOptions
from similarity.shoppers.training.measures import Measures, Scorer, compare, evaluate
from similarity.shoppers.training.runs import (
    ASKED,
    as_figures,
    begin_run,
    fail_run,
    learned_items,
    named,
)
from similarity.shoppers.training.saving import write_artefact
from similarity.shoppers.training.splits import LeaveOneOut, Split, by_time, leave_one_out
from similarity.types import Progress, no_progress
from similarity.vectors import upsert

#: A model must have this much more NDCG than popularity, and more than chance explains.
MARGIN = 0.05


def train_factors(
    data: Data,
    options: FactorOptions | None = None,
    *,
    device: str = "cpu",
    publish: bool = True,
    progress: Progress = no_progress,
) -> ShopperModel:
    """Train a factor model and store it with its figures; return it.

    The model becomes live if it ranks better than popularity, or stays a candidate without
    ``publish``; else its status is ``refused``. An error or an interruption is stored as
    ``failed`` and raised.
    """
    options = options or FactorOptions()
    model = begin_run(ShopperModel.Kind.FACTORS, data, {"options": options.as_json()})
    try:
        final = _run(model, data.interactions, options, device, progress)
        model.save(using=upsert.alias())
        if publish and model.status == ShopperModel.Status.CANDIDATE:
            promotion.promote(model, learned_items(final.vectors, data.interactions), progress)
    except BaseException as error:
        fail_run(model, error)
        raise
    return model


def _run(
    model: ShopperModel,
    interactions: Interactions,
    options: FactorOptions,
    device: str,
    progress: Progress,
) -> FactorModel:
    """Fill the model's figures, curves, weights and status; return what is to be served."""
    one_out = leave_one_out(interactions)
    judged = FactorModel(options, device=device, progress=named(progress, "train, to be measured"))
    judged.fit(one_out.test.train, one_out.validation.questions)
    epochs = int(np.argmax(judged.curves["ndcg"])) + 1
    model.curves = judged.curves
    model.config["epochs"] = epochs
    again = FactorModel(replace(options, epochs=epochs), device=device)
    figures, decision = _measure(judged, again, one_out, interactions, progress)
    model.figures = figures | {"decision": decision}
    asked = (one_out.validation.questions, one_out.test.questions)
    model.figures["calibration"] = calibrate(judged, *asked)
    final = FactorModel(again.options, device=device, progress=named(progress, "train on all"))
    final.fit(interactions)
    model.weights = artefact(final)
    model.weights_sha256 = hashlib.sha256(model.weights).hexdigest()
    status = ShopperModel.Status
    model.status = status.CANDIDATE if decision["promoted"] else status.REFUSED
    return final


def _measure(
    judged: FactorModel,
    again: FactorModel,
    one_out: LeaveOneOut,
    interactions: Interactions,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures of both splits, and the decision. ``again`` learns the split by time."""
    last = measure_all(judged, one_out.test, progress)
    figures: dict[str, Any] = {"leave_one_out": as_figures(last)}
    try:
        split = by_time(interactions)
        again.fit(split.train)
        later = measure_all(again, split, progress)
        figures["by_time"] = as_figures(later)
    except SimilarityError as error:
        later = {}
        figures["by_time_error"] = str(error)
    return figures, decide(last, later)


def measure_all(scorer: Scorer, split: Split, progress: Progress) -> dict[str, Measures]:
    """Return the measures of a trained model, of popularity and of co-occurrence, by name."""
    questions = split.questions.sample(ASKED)
    found = {}
    for each in (scorer, Popularity(), CoOccurrence()):
        if each is not scorer:
            each.fit(split.train)
        found[each.name] = evaluate(each, questions, progress=named(progress, f"rank {each.name}"))
    return found


def decide(last: Mapping[str, Measures], later: Mapping[str, Measures]) -> dict[str, Any]:
    """Return whether the factor model is ``promoted``, and the ``reason``.

    It must rank better than popularity where the last item is left out, by MARGIN and beyond
    chance. It must not be worse, beyond chance, on the split by time. Co-occurrence is measured
    beside it, but is not served, so it decides nothing.
    """
    ours, theirs = last["factors"].ndcg, last["popularity"].ndcg
    gain = compare(ours, theirs)
    told = f"NDCG@10 {ours.mean():.4f} against {theirs.mean():.4f} of popularity"
    if gain.low <= 0:
        return _decision(False, f"{told}: chance explains the difference")
    if ours.mean() < theirs.mean() * (1 + MARGIN):
        return _decision(False, f"{told}: less than {MARGIN:.0%} better")
    if later and compare(later["factors"].ndcg, later["popularity"].ndcg).high < 0:
        means = [later[name].ndcg.mean() for name in ("factors", "popularity")]
        return _decision(False, f"split by time: {means[0]:.4f} is worse than {means[1]:.4f}")
    return _decision(True, told)


def artefact(trained: FactorModel) -> bytes:
    """Return what serving needs besides the items' vectors, as safetensors."""
    config = SequenceConfig(
        dim=trained.options.dim,
        blocks=0,
        heads=1,
        hidden=0,
        length=trained.options.history,
        content_dim=0 if trained.projection is None else trained.projection.shape[1],
        wiring="mean",
        cosine=False,
    )
    weight, bias = trained.dense
    weights = {
        "dense.weight": np.array([weight], np.float32),
        "dense.bias": np.array([bias], np.float32),
    }
    if trained.projection is not None:
        weights["content.weight"] = trained.projection
    return write_artefact(config, weights)


def _decision(promoted: bool, reason: str) -> dict[str, Any]:
    return {"promoted": promoted, "reason": f"{reason}."}
