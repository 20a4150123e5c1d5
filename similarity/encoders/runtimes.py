"""A network by several runtimes on a CPU: torch, OpenVINO or ONNX Runtime.

A network is exported once from the loaded torch module, as ONNX with batch and length left open.
Both other runtimes read that file. :mod:`similarity.encoders.trial` chooses the runtime.
"""

import importlib
import importlib.util
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.encoders.base import FloatArray
from similarity.encoders.weights import package

NAMES = ("torch", "openvino", "onnxruntime")
INSTALL = 'pip install "django-similarity[fast]"'

#: Packages whose versions decide the export and its speed.
PACKAGES = (
    "torch",
    "torchvision",
    "transformers",
    "onnx",
    "onnxscript",
    "openvino",
    "onnxruntime",
)

_TO_EXPORT = ("onnx", "onnxscript")

Arrays = tuple[npt.NDArray[Any], ...]
Run = Callable[..., FloatArray]  # arrays (N, …) → (N, D)


@dataclass(frozen=True)
class Graph:
    """A network in its form for export.

    ``module`` maps tensors, named ``inputs``, to (N, D). ``example`` holds arrays of two rows for
    them. ``axes`` holds the open axes of each input. ``digest`` names everything that decides the
    output: weights and options.
    """

    digest: str
    module: Any
    inputs: tuple[str, ...]
    example: Arrays
    axes: tuple[tuple[int, ...], ...]


def installed(name: str) -> bool:
    """Return True if the packages that a runtime needs are installed."""
    needed = () if name == "torch" else (name, *_TO_EXPORT)
    return all(importlib.util.find_spec(each) is not None for each in needed)


def export(graph: Graph, file: Path) -> None:
    """Write the network as ONNX; raise the exporter's error if it fails."""
    torch = package("torch")
    opened = torch.export.Dim.DYNAMIC
    with _silently(), torch.no_grad():
        torch.onnx.export(
            graph.module,
            tuple(torch.from_numpy(array) for array in graph.example),
            file,
            dynamo=True,
            verbose=False,
            input_names=list(graph.inputs),
            output_names=["vectors"],
            dynamic_shapes=tuple(dict.fromkeys(axes, opened) for axes in graph.axes),
            # A file of the format may hold at most two gigabytes.
            external_data=sum(each.nbytes for each in graph.module.parameters()) > 1_500_000_000,
        )


def load(name: str, graph: Graph, file: Path, threads: int) -> Run:
    """Return the network in ``file`` run by a runtime; for torch, the module itself."""
    if name == "torch":
        return _torch(graph)
    return {"openvino": _openvino, "onnxruntime": _onnxruntime}[name](graph, file, threads)


def _torch(graph: Graph) -> Run:
    torch = package("torch")

    def run(*arrays: npt.NDArray[Any]) -> FloatArray:
        with torch.inference_mode():
            vectors = graph.module(*(torch.from_numpy(array) for array in arrays))
        return np.asarray(vectors.float().numpy())

    return run


def _openvino(graph: Graph, file: Path, threads: int) -> Run:
    openvino = _import_openvino()
    compiled = openvino.Core().compile_model(
        str(file),
        "CPU",
        {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Full precision even if the processor knows bfloat16.
            "INFERENCE_PRECISION_HINT": "f32",
            # Pinned threads of two worker processes would share one core.
            "ENABLE_CPU_PINNING": False,
        },
    )
    request = compiled.create_infer_request()
    ports = {port.get_any_name() for port in compiled.inputs}
    output = compiled.output(0)

    def run(*arrays: npt.NDArray[Any]) -> FloatArray:
        named = dict(zip(graph.inputs, arrays, strict=True))
        result = request.infer({name: array for name, array in named.items() if name in ports})
        # The request writes its next result into the same memory.
        return np.array(result[output], dtype=np.float32)

    return run


def _import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would report every import to a server."""
    hidden = "openvino_telemetry"
    if "openvino" in sys.modules or hidden in sys.modules:
        return importlib.import_module("openvino")
    sys.modules[hidden] = None  # type: ignore[assignment]  # an import of it fails, and is caught
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[hidden]


def _onnxruntime(graph: Graph, file: Path, threads: int) -> Run:
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    # Threads that spin while they wait take the cores from others that have work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    ports = {port.name for port in session.get_inputs()}

    def run(*arrays: npt.NDArray[Any]) -> FloatArray:
        named = dict(zip(graph.inputs, arrays, strict=True))
        (vectors,) = session.run(None, {n: array for n, array in named.items() if n in ports})
        return np.asarray(vectors, dtype=np.float32)

    return run


@contextmanager
def _silently() -> Iterator[None]:
    """Silence the exporter's output and warnings, because they concern only its own authors."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
