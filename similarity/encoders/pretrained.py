"""Loading of transformers models from a folder: no downloads, no code of the model's own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from similarity.encoders.weights import package
from similarity.exceptions import EncoderError


def load(auto_class: Any, folder: Path, **options: Any) -> Any:
    """Call ``auto_class.from_pretrained`` only for this folder, without running its code."""
    try:
        return auto_class.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, **options
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise EncoderError(
            f"{auto_class.__name__} cannot load {str(folder)!r}: {error}. The folder must hold a "
            "model that transformers knows by itself, with its weights as safetensors."
        ) from error


def load_network(folder: Path) -> tuple[Any, set[str]]:
    """Return the network in ``folder`` in float32, and the names of weights its file lacks."""
    with _no_progress_bar():
        network, report = load(
            package("transformers").AutoModel,
            folder,
            use_safetensors=True,
            dtype=package("torch").float32,
            output_loading_info=True,
        )
    return network, set(report["missing_keys"])


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Hide the bar of a load that takes a second, because it does not belong in a worker's log."""
    logging = package("transformers.utils.logging")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def refuse_missing(folder: Path, missing: set[str]) -> None:
    """Refuse missing weights, because they would be random and different in every process."""
    if missing:
        raise EncoderError(
            f"The weights in {str(folder)!r} lack {len(missing)} that the network needs, "
            f"{sorted(missing)[0]!r} among them; save the model again, or choose another pooling."
        )


def trained_in_bfloat16(folder: Path) -> bool:
    config = read_json(folder / "config.json")
    return "bfloat16" in str(config.get("dtype") or config.get("torch_dtype"))


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; an empty dict if the file does not exist."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise EncoderError(f"{str(path)!r} is not valid JSON: {error}") from error
