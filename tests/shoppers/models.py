"""Models of shoppers whose answer is known: the next item is like the last one looked at."""

import hashlib
import json

import numpy as np
from safetensors.numpy import save

from similarity.shoppers.artefact import FORMAT, SequenceConfig, shapes
from similarity.shoppers.models import ShopperModel


def follower(dim: int = 4, content: np.ndarray | None = None, length: int = 50):
    """Return the config and weights of a model without layers, which repeats its last event.

    Its output is the last item's vector less its mean, at a length of its own. ``content``
    (D, C) projects content; None for a model of ids alone.
    """
    config = SequenceConfig(
        cosine=False,
        dim=dim,
        blocks=0,
        heads=1,
        hidden=1,
        length=length,
        content_dim=0 if content is None else content.shape[1],
    )
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes(config).items()}
    weights["last.weight"][:] = 1.0
    if content is not None:
        weights["content.weight"][:] = content
    return config, weights


def artefact(config: SequenceConfig, weights: dict[str, np.ndarray]) -> bytes:
    metadata = {"format": FORMAT, "config": json.dumps(config.as_json())}
    return save({name: np.ascontiguousarray(value) for name, value in weights.items()}, metadata)


def trained(config: SequenceConfig, weights: dict[str, np.ndarray], **fields) -> ShopperModel:
    """Return a stored candidate, as training leaves it."""
    data = artefact(config, weights)
    return ShopperModel.objects.create(
        **{
            "kind": "sequence",
            "status": "candidate",
            "weights": data,
            "weights_sha256": hashlib.sha256(data).hexdigest(),
            **fields,
        }
    )
