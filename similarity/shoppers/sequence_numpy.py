"""The sequence model without torch: a shopper's vector and the items' vectors in numpy.

``similarity.shoppers.training.transformer`` is the same model for training; a test compares them.
"""

import numpy as np
import numpy.typing as npt

from similarity.shoppers.artefact import GAP_EDGES_S, SequenceConfig, Weights
from similarity.types import FloatArray

#: Rows of content that are projected at once.
BLOCK = 8192
_NORM_EPSILON = 1e-8


def encode_history(
    weights: Weights,
    config: SequenceConfig,
    items: FloatArray,
    kinds: npt.NDArray[np.integer],
    gaps_s: npt.NDArray[np.floating | np.integer],
) -> FloatArray:
    """Return (D,) the vector of a shopper; its inner product with an item's vector is the score.

    ``items`` (L, D): the vectors of the items of the last L events, oldest first. ``kinds`` (L,):
    their kinds. ``gaps_s`` (L,): seconds from each event to the next, and from the last event to
    now; negative if unknown. Reads the last ``config.length`` events. Raises ValueError for an
    empty history or arrays of different lengths.
    """
    if not len(items) or not len(items) == len(kinds) == len(gaps_s):
        raise ValueError(
            f"A history has {len(items)} items, {len(kinds)} kinds and {len(gaps_s)} gaps; "
            "it must have one of each for an event, and at least one event."
        )
    last = slice(-config.length, None)
    x = _inputs(weights, config, items[last], kinds[last], gaps_s[last])  # (L, D)
    for block in range(config.blocks):
        x = _block(weights, config, block, x, last_only=block == config.blocks - 1)
    x = _normalised(weights, "last", x[-1])  # (D,)
    return x / max(float(np.linalg.norm(x)), 1e-12) if config.cosine else x


def mean_of_items(items: FloatArray) -> FloatArray:
    """Return (D,) the mean of the distinct rows of ``items`` (L, D): a shopper's factors."""
    return np.asarray(np.unique(items, axis=0).mean(axis=0), np.float32)


def project_content(weights: Weights, config: SequenceConfig, content: FloatArray) -> FloatArray:
    """Return (N, D) the vectors of items without events, from their content (N, C)."""
    if content.shape[1] != config.content_dim:
        raise ValueError(
            f"Content vectors have {content.shape[1]} values; the model was trained on "
            f"{config.content_dim}. Train it again."
        )
    if not config.content_dim:
        return np.zeros((len(content), config.dim), np.float32)
    vectors = np.empty((len(content), config.dim), np.float32)
    for start in range(0, len(content), BLOCK):
        rows = slice(start, start + BLOCK)
        vectors[rows] = content[rows] @ weights["content.weight"].T
    return unit_rows(vectors) if config.cosine else vectors


def unit_rows(vectors: FloatArray) -> FloatArray:
    """Return the rows at length one; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def gap_buckets(gaps_s: npt.NDArray[np.floating | np.integer]) -> npt.NDArray[np.int64]:
    """Return the bucket of each gap in seconds; 0 for negative gaps, which are unknown."""
    buckets = 1 + np.searchsorted(np.array(GAP_EDGES_S), gaps_s, side="right")
    return np.where(np.asarray(gaps_s) >= 0, buckets, 0)


def _inputs(
    weights: Weights,
    config: SequenceConfig,
    items: FloatArray,
    kinds: npt.NDArray[np.integer],
    gaps_s: npt.NDArray[np.floating | np.integer],
) -> FloatArray:
    """Return (L, D) the sum of item, position from the end, kind and time gap of each event."""
    length = len(items)
    x = items * np.float32(config.dim**0.5)
    x = x + weights["position.weight"][length - 1 :: -1][:length]
    x = x + weights["kind.weight"][np.clip(kinds, 0, config.kinds - 1)]
    return np.asarray(x + weights["gap.weight"][gap_buckets(gaps_s)], np.float32)


def _block(
    weights: Weights, config: SequenceConfig, block: int, x: FloatArray, *, last_only: bool
) -> FloatArray:
    """Return (L, D), or (1, D) if only the last event's row is wanted."""
    name = f"blocks.{block}."
    sasrec = config.wiring == "sasrec"
    normal = _normalised(weights, name + "before_attention", x)
    asking = normal[-1:] if last_only else normal
    residual = asking if sasrec else x[-len(asking) :]
    x = residual + _attention(weights, config, name, asking, x if sasrec else normal)
    normal = _normalised(weights, name + "before_widen", x)
    wide = np.maximum(_linear(weights, name + "widen", normal), 0)
    return (normal if sasrec else x) + _linear(weights, name + "narrow", wide)


def _attention(
    weights: Weights, config: SequenceConfig, name: str, asking: FloatArray, asked: FloatArray
) -> FloatArray:
    """Return (Q, D): each of the last Q events attends to itself and to those before it."""
    dim, heads = config.dim, config.heads
    weight, bias = weights[name + "project.weight"], weights[name + "project.bias"]
    query = asking @ weight[:dim].T + bias[:dim]  # (Q, D)
    key, value = np.split(asked @ weight[dim:].T + bias[dim:], 2, axis=1)  # (L, D) each
    query, key, value = (
        rows.reshape(len(rows), heads, dim // heads).swapaxes(0, 1) for rows in (query, key, value)
    )  # (H, Q or L, D / H)
    scores = query @ key.swapaxes(1, 2) / np.float32((dim // heads) ** 0.5)  # (H, Q, L)
    future = np.triu(np.ones(scores.shape[1:], bool), 1 + len(asked) - len(asking))
    scores = np.where(future, np.float32(-np.inf), scores)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    mixed = (shares @ value).swapaxes(0, 1).reshape(len(asking), dim)
    return _linear(weights, name + "merge", mixed)


def _linear(weights: Weights, name: str, x: FloatArray) -> FloatArray:
    return x @ weights[name + ".weight"].T + weights[name + ".bias"]


def _normalised(weights: Weights, name: str, x: FloatArray) -> FloatArray:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(variance + np.float32(_NORM_EPSILON))
    return scaled * weights[name + ".weight"] + weights[name + ".bias"]
