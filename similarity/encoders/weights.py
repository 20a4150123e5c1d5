"""Models on disk or in installed packages, and weights in formats that can hold no code.

Models are never downloaded, and pickled objects are never built: a file is read as safetensors, or
by torch with ``weights_only=True``.
"""

import hashlib
import importlib
import importlib.util
from pathlib import Path
from typing import Any

from similarity.exceptions import EncoderError

INSTALL = 'pip install "django-similarity[encoders]"'


def package(name: str) -> Any:
    """Return the module ``name`` of the encoders extra.

    Raises :class:`EncoderError` naming the extra if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != name.split(".")[0]:
            raise
        raise EncoderError(
            f"The package {name.split('.')[0]!r} is not installed; it comes with {INSTALL}."
        ) from error


def package_folder(name: str) -> Path | None:
    """Return the folder of the package ``name`` without importing it; None if not installed."""
    name = name.replace("-", "_")
    if not name.isidentifier():
        return None
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def model_folder(model: str) -> Path:
    """Return the Hugging Face model folder that ``model`` names.

    ``model`` is a folder with a ``config.json``, or an installed package. A package carries the
    model in its ``model/`` folder, in its own folder, or in the folder of its ``get_model_path()``.
    A name on a model hub is refused, because workers must neither depend on another server nor run
    its code.
    """
    folder = Path(model).expanduser()
    if (folder / "config.json").is_file():
        return folder
    home = package_folder(model)
    if home is not None:
        for candidate in (home / "model", home, _declared_folder(home.name)):
            if candidate is not None and (candidate / "config.json").is_file():
                return candidate
    raise EncoderError(
        f"The model {model!r} is neither a folder with a config.json nor an installed package "
        f"that carries one. The default models come with {INSTALL}; any other is downloaded by "
        "hand and named by its folder."
    )


def _declared_folder(name: str) -> Path | None:
    module = importlib.import_module(name)
    return Path(module.get_model_path()) if hasattr(module, "get_model_path") else None


def read_state(path: Path) -> dict[str, Any]:
    """Return the tensors of a weights file by name.

    Raises :class:`EncoderError` for a file that is missing, is of another format, or holds anything
    but tensors.
    """
    if not path.is_file():
        raise EncoderError(f"The weights file {str(path)!r} does not exist; correct its path.")
    try:
        if path.suffix == ".safetensors":
            return dict(package("safetensors.torch").load_file(path))
        state = package("torch").load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Any error of either reader on a broken or hostile file gives the same answer.
        raise EncoderError(
            f"The weights file {str(path)!r} is refused ({type(error).__name__}: {error}); name "
            "a safetensors file, or a state dict that holds only tensors."
        ) from error
    return _state_dict(state, path)


def _state_dict(state: Any, path: Path) -> dict[str, Any]:
    """Return the tensors themselves, without the usual wrappings of a training checkpoint."""
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    tensor = package("torch").Tensor
    if not isinstance(state, dict) or not all(isinstance(v, tensor) for v in state.values()):
        raise EncoderError(
            f"The weights file {str(path)!r} holds no state dict; save model.state_dict()."
        )
    return {name.removeprefix("module."): value for name, value in state.items()}


def digest(path: Path) -> str:
    """Return 16 hex digits of the SHA-256 of a weights file, or of a model folder's files.

    For a folder, the digest covers the files that decide its vectors: weights, configuration and
    tokenizer.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    kinds = {".safetensors", ".json", ".txt", ".model"}
    total = hashlib.sha256()
    for file in files:
        if file == path or (file.is_file() and file.suffix in kinds):
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()[:16]
