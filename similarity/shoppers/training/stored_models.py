"""Stored sequence models for training: as a scorer beside a new one, and as first weights."""

from pathlib import Path
from typing import Any

import numpy as np
from django.db import connections

from similarity.exceptions import ArtefactError, TrainingError
from similarity.models.stored_vectors import array
from similarity.shoppers.artefact import SequenceConfig, Weights, read_artefact
from similarity.shoppers.interactions import Interactions
from similarity.shoppers.live_model import network_of
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.sequence_numpy import project_content
from similarity.shoppers.training.scoring import SequenceScorer
from similarity.shoppers.training.transformer import SequenceTransformer
from similarity.types import FloatArray
from similarity.vectors import upsert


def running_scorer(model: ShopperModel, interactions: Interactions) -> SequenceScorer:
    """Return the scorer of a stored model over the items of ``interactions``.

    Items that it has not learned have the vector of their content, as when it serves. Raises
    :class:`ArtefactError` for damaged weights.
    """
    network = network_of(model)
    vectors = project_content(network.weights, network.config, interactions.content)
    at = {name: row for row, name in enumerate(interactions.names)}
    for name, vector in _stored_vectors(model):
        if name in at:
            vectors[at[name]] = vector * np.float32(network.scale)
    scorer = model_of(network.config, network.weights, interactions.content, vectors)
    return SequenceScorer(scorer)


def model_of(
    config: SequenceConfig, weights: Weights, content: FloatArray, vectors: FloatArray
) -> SequenceTransformer:
    """Return a model in torch whose items have these vectors (I, D)."""
    model = SequenceTransformer(config, content)
    tensor = model.torch.as_tensor
    model.weights = {name: tensor(np.array(weight)) for name, weight in weights.items()}
    model.weights["ids"] = tensor(vectors - project_content(weights, config, content))
    if config.cosine and config.content_dim:
        model.weights["ids"] = tensor(vectors - content @ weights["content.weight"].T)
    return model


def first_weights(source: str, config: SequenceConfig) -> dict[str, Any]:
    """Return the weights of a model of another shop or category, to start a training from.

    ``source``: the number of a stored model, or the path of a file with an artefact. Id vectors
    are not taken over, because items differ; content projects into the same space. Raises
    :class:`TrainingError` if there is no such model, or if its shape differs from ``config``.
    """
    try:
        stored, weights = read_artefact(_read(source))
    except ArtefactError as error:
        raise TrainingError(f"The model {source!r} cannot be read: {error}") from error
    if stored != config:
        different = [
            f"{name} {value!r} instead of {getattr(config, name)!r}"
            for name, value in stored.as_json().items()
            if value != getattr(config, name)
        ]
        raise TrainingError(
            f"The model {source!r} has another shape: {', '.join(different)}. Train with its "
            "shape, and with content of the same encoders."
        )
    return dict(weights)


def _read(source: str) -> bytes:
    if not source.isdecimal():
        try:
            return Path(source).read_bytes()
        except OSError as error:
            raise TrainingError(f"The model {source!r} cannot be read: {error}.") from error
    model = ShopperModel.objects.using(upsert.alias()).filter(pk=int(source)).first()
    if model is None or not model.weights:
        raise TrainingError(f"There is no model {source} with weights.")
    if model.erased:
        raise TrainingError(
            f"Model {source} learned from shoppers who were erased since; train from nothing, or "
            "name a newer model."
        )
    return bytes(model.weights)


def _stored_vectors(model: ShopperModel) -> Any:
    """Yield (name, vector (D,)) of each item that the model learned, a block at a time."""
    statement = (
        'SELECT DISTINCT ON ("group") "group", halfvec_send(fused) FROM '
        "similarity_productvectors WHERE version_id = %s AND fingerprint = 'learned' "
        'ORDER BY "group"'
    )
    with connections[upsert.alias()].chunked_cursor() as cursor:
        cursor.execute(statement, [model.items_id])
        while rows := cursor.fetchmany(2000):
            for name, binary in rows:
                vector = array(binary)
                assert vector is not None  # noqa: S101 - the column has no nulls
                yield name, vector[:-1]
