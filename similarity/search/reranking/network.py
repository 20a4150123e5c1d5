"""The learned ranker's network: read from safetensors and run with numpy alone.

    x = (signals - mean) / scale
    score = linear · x + output · tanh(hidden · x + bias)

It is trained by ``similarity.search.training.ranker``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from similarity.exceptions import RankerError
from similarity.types import DoubleArray

#: The tensors of a ranker; H, the width of the hidden layer, may be 0.
TENSORS = ("mean", "scale", "linear", "hidden", "bias", "output")


@dataclass(frozen=True)
class Network:
    """``mean``, ``scale``, ``linear`` (F,); ``hidden`` (H, F); ``bias``, ``output`` (H,)."""

    mean: DoubleArray
    scale: DoubleArray
    linear: DoubleArray
    hidden: DoubleArray
    bias: DoubleArray
    output: DoubleArray

    def scores(self, values: DoubleArray) -> DoubleArray:
        """Return scores (N,) of signals (N, F); any range, higher is better."""
        standard = (values - self.mean) / self.scale
        deep = np.tanh(standard @ self.hidden.T + self.bias) @ self.output
        scores: DoubleArray = standard @ self.linear + deep
        return scores

    def to_bytes(self) -> bytes:
        """Return a safetensors file of float32 tensors; equal networks give equal bytes."""
        header: dict[str, Any] = {}
        body = b""
        for name in TENSORS:
            data = np.ascontiguousarray(getattr(self, name), dtype="<f4")
            end = len(body) + data.nbytes
            header[name] = {
                "dtype": "F32",
                "shape": list(data.shape),
                "data_offsets": [len(body), end],
            }
            body += data.tobytes()
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + body


def read_network(data: bytes, signals: int) -> Network:
    """Return the network that :meth:`Network.to_bytes` wrote, for ``signals`` inputs.

    The format is read here, because web machines lack the encoders' packages: eight bytes with the
    length of a JSON header, the header, then the tensors. Raises :class:`RankerError` for damaged
    bytes or another shape.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        header: Mapping[str, Any] = json.loads(data[8 : 8 + length])
        tensors = {name: _tensor(header[name], data[8 + length :]) for name in TENSORS}
        network = Network(**tensors)
        _check(network, signals)
    except (KeyError, TypeError, ValueError) as error:
        raise RankerError(
            f"The stored ranker is damaged ({type(error).__name__}: {error}); train another with "
            "'manage.py similarity train-ranker', or go back with "
            "'manage.py similarity train-ranker --rollback'."
        ) from error
    return network


def _tensor(about: Mapping[str, Any], body: bytes) -> DoubleArray:
    if about["dtype"] != "F32":
        raise ValueError(f"a tensor is of the type {about['dtype']!r}, not F32")
    start, end = about["data_offsets"]
    return np.frombuffer(body[start:end], dtype="<f4").reshape(about["shape"]).astype(np.float64)


def _check(network: Network, signals: int) -> None:
    width = len(network.bias)
    shapes = [getattr(network, name).shape for name in TENSORS]
    wanted = [(signals,), (signals,), (signals,), (width, signals), (width,), (width,)]
    if shapes != wanted:
        raise ValueError(f"its tensors have the shapes {shapes}")
    if not all(np.isfinite(getattr(network, name)).all() for name in TENSORS):
        raise ValueError("it holds values that are not finite")
    if (network.scale <= 0).any():
        raise ValueError("a scale is not above zero")
