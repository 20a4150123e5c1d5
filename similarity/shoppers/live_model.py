"""The model that answers requests: which it is, and its weights, read once a process."""

from dataclasses import dataclass
from functools import lru_cache
from logging import getLogger
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connections

from similarity.exceptions import ArtefactError
from similarity.logs import log_error
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import read_vectors
from similarity.shoppers import sequence_numpy
from similarity.shoppers.artefact import SequenceConfig, Weights, read_artefact
from similarity.shoppers.models import ShopperModel
from similarity.similar.shelves import read_version
from similarity.types import FloatArray

logger = getLogger(__name__)

#: The rows' own states: see ``similarity.similar.shelves``. A sequence model comes first.
_WHICH = (
    "SELECT model.id, model.xmin::text || model.ctid::text, "
    "version.id, version.xmin::text || version.ctid::text, "
    "(SELECT id FROM similarity_vectorcells WHERE version_id = version.id AND live) "
    "FROM similarity_shoppermodel AS model "
    "JOIN similarity_encoderversion AS version ON version.id = model.items_id "
    "WHERE model.status = 'live' ORDER BY model.kind = 'sequence' DESC"
)


@dataclass(frozen=True)
class Network:
    """The weights of a model. ``scale``: the length of item vectors that is stored as one.

    ``content_version``: the encoder version whose fused vectors are the items' content.
    """

    pk: int
    kind: str
    config: SequenceConfig
    weights: Weights
    scale: float
    content_version: int

    def encode(
        self, items: FloatArray, kinds: npt.NDArray[np.int8], gaps_s: FloatArray
    ) -> FloatArray:
        """Return (D,) the vector of a shopper, see ``sequence_numpy.encode_history``."""
        if self.config.wiring == "mean":
            return sequence_numpy.mean_of_items(items[-self.config.length :])
        return sequence_numpy.encode_history(self.weights, self.config, items, kinds, gaps_s)

    def project(self, content: FloatArray) -> FloatArray:
        """Return (N, D) the vectors of items without events, from their content (N, C).

        Zeros if the model knows items by their ids alone.
        """
        if not self.config.content_dim:
            return np.zeros((len(content), self.config.dim), np.float32)
        return sequence_numpy.project_content(self.weights, self.config, content)


@dataclass(frozen=True)
class LiveModel:
    """A network with the set of its items' vectors."""

    network: Network
    items: EncoderVersion

    def read_items(self, keys: list[Any], using: str) -> dict[Any, FloatArray]:
        """Return key → the item's vector (D,); products without a vector are left out."""
        rows = read_vectors(self.items, keys, ("fused",), using)
        return {
            key: row.vectors["fused"][:-1] * np.float32(self.network.scale)
            for key, row in rows.items()
            if row.vectors["fused"] is not None
        }


def read_live_model(using: str) -> LiveModel | None:
    """Return the model that answers; None before the first promotion.

    Runs one query. A model whose weights are damaged is skipped, and the log says so once.
    """
    if connections[using].vendor != "postgresql":
        return None
    with connections[using].cursor() as cursor:
        cursor.execute(_WHICH)
        rows = cursor.fetchall()
    for pk, state, *which in rows:
        network = read_network(using, pk, state)
        version = read_version(using, *which)
        if network is not None and version is not None:
            return LiveModel(network, version)
    return None


@lru_cache(maxsize=4)
def read_network(using: str, pk: int, state: str) -> Network | None:
    """Return the weights of a model; ``state`` identifies the state of its row."""
    model = ShopperModel.objects.using(using).filter(pk=pk).first()
    try:
        return network_of(model) if model is not None else None
    except ArtefactError as error:
        log_error(logger, error, "Model %d of shoppers does not answer.", pk)
        return None


def network_of(model: ShopperModel) -> Network:
    """Return the weights of a model with vectors of its items. Raises :class:`ArtefactError`."""
    if not model.artefact_is_intact():
        raise ArtefactError(
            f"The weights of {model} do not have the hash they were saved with: roll back in the "
            "admin, or train a new model with 'manage.py similarity train-sequence'."
        )
    config, weights = read_artefact(bytes(model.weights or b""))
    stored = model.config.get("items", {})
    return Network(
        pk=model.pk,
        kind=model.kind,
        config=config,
        weights=weights,
        scale=float(stored.get("scale", 1.0)),
        content_version=int(stored.get("content_version", 0)),
    )
