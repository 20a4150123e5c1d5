"""Checkpoints: all that training needs to go on after a kill, as tensors and JSON in one file.

The file is safetensors with the JSON in its metadata, so reading it runs no code. It is replaced
in one step, so a kill while it is written leaves the checkpoint before.
"""

import json
import os
from pathlib import Path
from typing import Any

from similarity.encoders.weights import package
from similarity.exceptions import TrainingError

#: Increased when the content of checkpoints changes.
_FORMAT = "similarity-checkpoint-1"


def save_checkpoint(path: Path, tensors: dict[str, Any], state: dict[str, Any]) -> None:
    """Write the checkpoint; ``state`` is JSON."""
    metadata = {"format": _FORMAT, "state": json.dumps(state)}
    data = package("safetensors.torch").save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def load_checkpoint(path: Path, of: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return tensors and state of the checkpoint; None if there is none.

    ``of``: the entries of the state that must be equal, such as options and the data's hash.
    Raises :class:`TrainingError` for another training's checkpoint, or for a damaged file.
    """
    if not path.is_file():
        return None
    try:
        with package("safetensors").safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state = json.loads(metadata["state"]) if metadata.get("format") == _FORMAT else None
    except (OSError, ValueError, KeyError, package("safetensors").SafetensorError) as error:
        raise TrainingError(
            f"The checkpoint {str(path)!r} cannot be read: {error}. Delete it to start again."
        ) from error
    if state is None or any(state.get(name) != value for name, value in of.items()):
        raise TrainingError(
            f"The checkpoint {str(path)!r} is of a training with other options, events or "
            "version of the plugin. Delete it to start again, or name another file."
        )
    return tensors, state


def optimizer_tensors(optimizer: Any) -> dict[str, Any]:
    """Return the optimizer's moments as tensors by name."""
    return {
        f"optimizer.{number}.{name}": value
        for number, moments in optimizer.state_dict()["state"].items()
        for name, value in moments.items()
    }


def restore_optimizer(optimizer: Any, tensors: dict[str, Any]) -> None:
    """Put the moments of :func:`optimizer_tensors` back."""
    stored = optimizer.state_dict()
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, moment = name.split(".")
            state.setdefault(int(number), {})[moment] = tensor
    optimizer.load_state_dict({**stored, "state": state})
