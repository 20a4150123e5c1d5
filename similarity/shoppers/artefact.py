"""The stored form of a sequence model: its shape, and its weights as safetensors bytes.

The web process reads artefacts with numpy alone: a header of JSON, then the raw values. Workers
write them, see ``similarity.shoppers.training.saving``.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.exceptions import ArtefactError
from similarity.types import FloatArray

Weights = Mapping[str, FloatArray]

#: Name of the artefact's format in its metadata; a reader refuses formats that it does not know.
FORMAT = "similarity-sequence-1"
#: Weights of a model that is larger are refused, before any memory is taken.
MAX_BYTES = 256 * 2**20
MAX_HEADER_BYTES = 2**20
#: Suffix of the row scales of a tensor that is stored in 8 bits.
SCALE = ".scale"
_TYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I8": np.dtype("i1"),
}

#: Upper ends of the buckets of time gaps in seconds. Bucket 0 is for unknown gaps.
GAP_EDGES_S = (
    *(10, 60, 300, 1800, 7200, 43_200),
    *(86_400, 259_200, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000),
)
GAPS = len(GAP_EDGES_S) + 2
#: Kinds of events are numbered from 1, see ``similarity.events.models.Kind``; 0 is unknown.
KINDS = 10


@dataclass(frozen=True)
class SequenceConfig:
    """The shape of a sequence model. ``dim``: D, the length of the items' vectors."""

    dim: int = 128
    blocks: int = 2
    heads: int = 2
    #: Units of the layer between the two linear maps of a block.
    hidden: int = 128
    #: The last events that the model reads.
    length: int = 50
    #: Values of a content vector; 0 for a model of ids alone.
    content_dim: int = 0
    kinds: int = KINDS
    gaps: int = GAPS
    #: "pre": normalise before each layer. "sasrec": the order of Kang and McAuley (2018).
    #: "mean": no layers; a shopper's vector is the mean of the items', as in the factor model.
    wiring: str = "pre"
    #: True: scores are cosines. False: inner products.
    cosine: bool = True

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type is int and not 0 <= value <= 4096:
                raise ArtefactError(f"{each.name} is {value!r}; it must be from 0 to 4096.")
        if not self.heads or self.dim % self.heads:
            raise ArtefactError(f"dim {self.dim} is not a multiple of heads {self.heads}.")
        if self.wiring not in ("pre", "sasrec", "mean"):
            raise ArtefactError(f"wiring is {self.wiring!r}; it must be 'pre', 'sasrec' or 'mean'.")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Any) -> "SequenceConfig":
        """Return the config of a stored dict; raise :class:`ArtefactError` if it is no such."""
        kinds = {each.name: each.type for each in fields(cls)}
        if not isinstance(stored, dict) or not stored.keys() <= kinds.keys():
            raise ArtefactError("The model's config has unknown entries; train the model again.")
        for name, value in stored.items():
            if type(value) is not kinds[name]:
                raise ArtefactError(f"The model's config has {name}={value!r}; train it again.")
        return cls(**stored)


def shapes(config: SequenceConfig) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of each weight of such a model, but for the items' vectors."""
    dim, hidden = config.dim, config.hidden
    wanted: dict[str, tuple[int, ...]] = {}
    if config.content_dim:
        wanted["content.weight"] = (dim, config.content_dim)
    if config.wiring == "mean":
        return wanted | {"dense.weight": (1,), "dense.bias": (1,)}
    wanted["position.weight"] = (config.length, dim)
    wanted["kind.weight"] = (config.kinds, dim)
    wanted["gap.weight"] = (config.gaps, dim)
    layers: dict[str, tuple[int, ...]] = {
        "before_attention": (dim,),
        "project": (3 * dim, dim),
        "merge": (dim, dim),
        "before_widen": (dim,),
        "widen": (hidden, dim),
        "narrow": (dim, hidden),
    }
    for block in range(config.blocks):
        for name, shape in layers.items():
            wanted[f"blocks.{block}.{name}.weight"] = shape
            wanted[f"blocks.{block}.{name}.bias"] = shape[:1]
    return wanted | {"last.weight": (dim,), "last.bias": (dim,)}


def read_artefact(data: bytes) -> tuple[SequenceConfig, dict[str, FloatArray]]:
    """Return the config and the weights in single precision.

    Raises :class:`ArtefactError` for bytes that are not an artefact of a sequence model, for
    example because they are cut short.
    """
    header, values = _split(data)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ArtefactError(f"The weights are not in the format {FORMAT!r}; train the model again.")
    config = SequenceConfig.from_json(_parsed(metadata.get("config", "")))
    stored = {name: _array(name, entry, values) for name, entry in header.items()}
    weights = {
        name: _scaled(name, value, stored)
        for name, value in stored.items()
        if not name.endswith(SCALE)
    }
    found = {name: value.shape for name, value in weights.items()}
    if found != shapes(config):
        raise ArtefactError("The weights do not fit the model's config; train the model again.")
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise ArtefactError("The weights hold values that are no numbers; train the model again.")
    return config, weights


def _split(data: bytes) -> tuple[dict[str, Any], memoryview]:
    if not 8 <= len(data) <= MAX_BYTES:
        raise ArtefactError(f"The weights have {len(data)} bytes; train the model again.")
    length = int.from_bytes(data[:8], "little")
    if length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise ArtefactError("The header of the weights is cut short; train the model again.")
    header = _parsed(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise ArtefactError("The header of the weights is not a JSON object.")
    return header, memoryview(data)[8 + length :]


def _parsed(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArtefactError("The header of the weights is not JSON.") from error


def _array(name: str, entry: Any, values: memoryview) -> npt.NDArray[Any]:
    """Return the values of a tensor, whose place and shape must agree."""
    try:
        kind = _TYPES[entry["dtype"]]
        shape = tuple(int(size) for size in entry["shape"])
        start, end = (int(place) for place in entry["data_offsets"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ArtefactError(f"The header of the weights does not describe {name!r}.") from error
    fits = min(shape, default=0) >= 0 and math.prod(shape) * kind.itemsize == end - start
    if not fits or not 0 <= start <= end <= len(values):
        raise ArtefactError(f"The weights are cut short at {name!r}; train the model again.")
    return np.frombuffer(values[start:end], kind).reshape(shape)


def _scaled(name: str, value: npt.NDArray[Any], stored: dict[str, Any]) -> FloatArray:
    if value.dtype != np.int8:
        return value.astype(np.float32)
    scale = stored.get(name + SCALE)
    if scale is None or scale.shape != (*value.shape[:1], *(1,) * (value.ndim - 1)):
        raise ArtefactError(f"The weights have no fitting scale of {name!r}; train again.")
    return (value * scale.astype(np.float32)).astype(np.float32)
