"""A trained model goes live: its items' vectors are stored, and it replaces the model before."""

from collections.abc import Iterable
from dataclasses import replace
from logging import getLogger
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from similarity.cells import upkeep
from similarity.connections.locks import advisory_lock
from similarity.exceptions import TrainingError
from similarity.models import EncoderVersion
from similarity.shoppers.item_upkeep import KeptModel, fill_missing
from similarity.shoppers.item_vectors import Batch, LearnedItems, scale_of, write_all
from similarity.shoppers.live_model import Network, network_of
from similarity.shoppers.models import ShopperModel
from similarity.types import Progress, no_progress
from similarity.vectors import upsert
from similarity.vectors.fusions import every_version
from similarity.versions import lifecycle

logger = getLogger(__name__)

LOCK = "similarity.shopper_promotion"
#: kind → the command that trains such a model.
TRAIN = {
    "sequence": "'manage.py similarity train-sequence'",
    "factors": "'manage.py similarity train-factors'",
}

Status = ShopperModel.Status


def promote(
    model: ShopperModel, items: Iterable[Batch], progress: Progress = no_progress
) -> ShopperModel:
    """Make a trained model live; return it.

    ``items`` yields batches of (names, vectors): the group names of N items, see
    :func:`similarity.models.vectors.group_name`, and what the model learned for each as (N, D)
    float32. Products of other groups get a vector from their content. The former live model of
    that kind is kept for :func:`roll_back`, older ones lose their weights and vectors. Whether
    the model is good enough is the gate's decision, before this call.

    Raises :class:`TrainingError` without a live encoder version, for a model that was trained on
    another version's content, or for vectors of another length; :class:`ArtefactError` for
    damaged weights; and :class:`similarity.connections.locks.LockTaken` during another promotion.
    """
    alias = upsert.alias()
    with advisory_lock(LOCK, alias):
        network = _network_to_serve(model)
        learned = LearnedItems(items, network.config.dim)
        network = replace(network, scale=scale_of(learned, network, alias))
        version = _new_set(model, network, alias)
        try:
            write_all(version, network, learned, alias, progress)
            fill_missing(KeptModel(network, version), alias)
            if upkeep.wanted(version, alias):
                upkeep.build(version, alias, progress)
            _switch(model)
        except BaseException:
            _drop_items(model)
            raise
        # Products that a worker wrote while it did not know of this model yet.
        fill_missing(KeptModel(network, version), alias)
        _drop_former(model.kind)
    logger.info("Model %d of shoppers (%s) is live.", model.pk, model.kind)
    return model


def make_live(model: ShopperModel) -> ShopperModel:
    """Make a retired model live again whose items' vectors are still kept; return it.

    Raises :class:`TrainingError` for any other model.
    """
    with advisory_lock(LOCK, upsert.alias()):
        model.refresh_from_db(using=upsert.alias())
        if model.status == Status.LIVE:
            return model
        if model.status != Status.RETIRED or model.items is None:
            raise TrainingError(
                f"{model} has no vectors of its items any more; train a new model with "
                "'manage.py similarity train-sequence' or 'train-factors'."
            )
        network_of(model)  # raises for damaged weights
        _switch(model)
    return model


def roll_back(kind: str) -> ShopperModel:
    """Make the model live again that the live model of this kind replaced; return it.

    A second call goes further back, never forward again. Raises :class:`TrainingError` if no such
    model is kept.
    """
    with advisory_lock(LOCK, upsert.alias()):
        before = model_before(kind)
        if before is None:
            raise TrainingError(
                f"There is no former {kind} model to roll back to. Train a new model with "
                f"{TRAIN[kind]}."
            )
        network_of(before)
        _switch(before, back=True)
    return before


def model_before(kind: str) -> ShopperModel | None:
    """Return the model that :func:`roll_back` would make live; None if none is kept."""
    models = _models().defer("weights")  # megabytes that a page of the admin does not need
    live = models.live(kind)
    if live is None:
        return None
    former = models.filter(kind=kind, status=Status.RETIRED, items__isnull=False)
    return former.filter(promoted_at__lt=live.promoted_at).order_by("-promoted_at").first()


def note_erasure(alias: str) -> None:
    """Count an erased shopper on every model that may have learned from them."""
    rows = ShopperModel.objects.using(alias).exclude(
        status__in=[Status.REFUSED, Status.FAILED],
    )
    rows.update(erased=F("erased") + 1)


def _models() -> Any:
    return ShopperModel.objects.using(upsert.alias())


def _network_to_serve(model: ShopperModel) -> Network:
    """Return the model's network, after checks that its content is the live encoder version's."""
    if model.status == Status.LIVE:
        raise TrainingError(f"{model} is live already; promote another model.")
    live = every_version().live()
    if live is None:
        raise TrainingError(
            "There is no live encoder version, so products have no content vectors: run "
            "'manage.py similarity embed' first."
        )
    network = network_of(model)
    trained_on = model.config.get("content_version", live.pk)
    dimension = int(live.dimensions["fused"])
    if trained_on != live.pk or network.config.content_dim not in (0, dimension):
        raise TrainingError(
            f"{model} was trained on content of version {trained_on} with "
            f"{network.config.content_dim} numbers, but version {live.pk} with {dimension} is "
            "live: train it again."
        )
    return replace(network, content_version=live.pk)


def _new_set(model: ShopperModel, network: Network, alias: str) -> EncoderVersion:
    """Return an empty set for the model's items; drop the rest of an interrupted promotion."""
    _drop_items(model)
    with transaction.atomic(using=alias):
        version = EncoderVersion.every.using(alias).create(
            status=EncoderVersion.Status.ITEMS,
            encoders={},
            fusion=b"",
            weights={"fused": 1.0},
            dimensions={"fused": network.config.dim + 1},
            figures={"shopper_model": model.pk},
        )
        model.items = version
        model.config["items"] = {
            "scale": network.scale,
            "content_version": network.content_version,
        }
        model.save(using=alias, update_fields=["items", "config"])
    return version


def _switch(model: ShopperModel, *, back: bool = False) -> None:
    """Make the model live and retire the live one of its kind, in one transaction.

    A rollback keeps the time of the promotion, so that the next one goes further back.
    """
    alias, now = upsert.alias(), timezone.now()
    with transaction.atomic(using=alias):
        rows = _models().select_for_update().filter(kind=model.kind).order_by("pk")
        list(rows.values_list("pk", flat=True))  # two promotions wait for each other
        live = _models().filter(kind=model.kind, status=Status.LIVE).exclude(pk=model.pk)
        live.update(status=Status.RETIRED, retired_at=now)
        model.status, model.retired_at = Status.LIVE, None
        if not back:
            model.promoted_at = now
        model.save(using=alias, update_fields=["status", "retired_at", "promoted_at"])


def _drop_former(kind: str) -> None:
    """Drop vectors and weights of retired models, except the one that a rollback needs."""
    kept = model_before(kind)
    retired = _models().filter(kind=kind, status=Status.RETIRED)
    for model in retired.exclude(pk=kept.pk if kept else None):
        _drop_items(model)
        _models().filter(pk=model.pk).update(weights=None, weights_sha256="")


def _drop_items(model: ShopperModel) -> None:
    if model.items is not None:
        version, model.items = model.items, None
        lifecycle.drop(version)
