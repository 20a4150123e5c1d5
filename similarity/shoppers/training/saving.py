"""Writes artefacts of sequence models, on request smaller: in 8 bits, or with small weights cut."""

import json
from typing import Any

import numpy as np

from similarity.encoders.weights import package
from similarity.exceptions import TrainingError
from similarity.shoppers.artefact import FORMAT, SCALE, SequenceConfig, Weights
from similarity.types import FloatArray


def write_artefact(config: SequenceConfig, weights: Weights, *, int8: bool = False) -> bytes:
    """Return the artefact that ``read_artefact`` reads.

    ``int8``: store matrices in 8 bits, with a scale for each row; a quarter of the size.
    """
    stored: dict[str, Any] = {}
    for name, weight in weights.items():
        if int8 and weight.ndim == 2:
            stored[name], stored[name + SCALE] = _in_8_bits(weight)
        else:
            stored[name] = np.ascontiguousarray(weight, np.float32)
    metadata = {"format": FORMAT, "config": json.dumps(config.as_json())}
    data: bytes = package("safetensors.numpy").save(stored, metadata)
    return data


def prune_weights(weights: Weights, share: float) -> dict[str, FloatArray]:
    """Return the weights with the smallest ``share`` of each matrix set to zero."""
    if not 0 <= share < 1:
        raise TrainingError(f"The share to prune is {share!r}; it must be from 0 to below 1.")
    pruned = {}
    for name, weight in weights.items():
        pruned[name] = weight
        if weight.ndim == 2 and share:
            least = np.quantile(np.abs(weight), share)
            pruned[name] = np.where(np.abs(weight) < least, np.float32(0), weight)
    return pruned


def in_8_bits(weights: Weights) -> dict[str, FloatArray]:
    """Return the weights as they are after they were stored in 8 bits."""
    rounded = {}
    for name, weight in weights.items():
        rounded[name] = weight
        if weight.ndim == 2:
            steps, scale = _in_8_bits(weight)
            rounded[name] = steps.astype(np.float32) * scale
    return rounded


def _in_8_bits(weight: FloatArray) -> tuple[Any, FloatArray]:
    scale = np.abs(weight).max(axis=1, keepdims=True).astype(np.float32) / 127
    steps = np.divide(weight, scale, out=np.zeros_like(weight, np.float32), where=scale > 0)
    return np.round(steps).astype(np.int8), scale
