"""Finds models on disk or in installed packages, and reads weights that can hold no code.

Nothing is ever downloaded, and no pickled object is ever built: a file is read as
safetensors, or by torch with ``weights_only=True``.
"""

import hashlib
import importlib
import importlib.util
from pathlib import Path
from typing import Any

from similarity.exceptions import EncoderError

INSTALL = 'pip install "django-similarity[encoders]"'


def package(name: str) -> Any:
    """The module ``name`` of the encoders extra.

    Raises :class:`EncoderError` naming the extra where it is not installed.
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
    """Where the installed package ``name`` lies, without importing it; None where it does not."""
    name = name.replace("-", "_")
    if not name.isidentifier():
        return None
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def model_folder(model: str) -> Path:
    """The Hugging Face model folder ``model`` names.

    ``model`` is a folder with a ``config.json``, or an installed package that carries one
    in its ``model/`` folder or where its ``get_model_path()`` says. A name on a model hub is
    refused: workers must not depend on, nor run what comes from, another server.
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
    """The tensors of a weights file by name.

    Raises :class:`EncoderError` for a file that is missing, is of another format, or
    holds anything but tensors.
    """
    if not path.is_file():
        raise EncoderError(f"The weights file {str(path)!r} does not exist; correct its path.")
    try:
        if path.suffix == ".safetensors":
            return dict(package("safetensors.torch").load_file(path))
        state = package("torch").load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Whatever a broken or hostile file raises in either reader: the answer is the same.
        raise EncoderError(
            f"The weights file {str(path)!r} is refused ({type(error).__name__}: {error}); name "
            "a safetensors file, or a state dict that holds nothing but tensors."
        ) from error
    return _state_dict(state, path)


def _state_dict(state: Any, path: Path) -> dict[str, Any]:
    """The tensors themselves, out of the usual wrappings of a training checkpoint."""
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
    """The first 16 hex digits of the SHA-256 of a weights file, or of a model folder's files.

    Of a folder, what decides its vectors: weights, configuration and tokenizer.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    kinds = {".safetensors", ".json", ".txt", ".model"}
    total = hashlib.sha256()
    for file in files:
        if file == path or (file.is_file() and file.suffix in kinds):
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()[:16]
