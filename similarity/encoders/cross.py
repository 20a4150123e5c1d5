"""A cross-encoder: one network that reads query and product together and scores the pair."""

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from similarity.encoders import device
from similarity.encoders.base import FloatArray
from similarity.encoders.pretrained import load
from similarity.encoders.weights import model_folder, package
from similarity.exceptions import EncoderError

#: Tokens of query and product together; a title and a few attributes fit.
MAX_TOKENS = 128

_lock = threading.RLock()


class CrossEncoder:
    """A transformers model for sequence classification with one output, from a folder.

    ``model`` is a folder, or an installed package that carries a model. Raises
    :class:`EncoderError` if it cannot be loaded or has more than one output.
    """

    def __init__(self, model: str) -> None:
        transformers = package("transformers")
        folder: Path = model_folder(model)
        self.tokenizer: Any = load(transformers.AutoTokenizer, folder)
        network: Any = load(
            transformers.AutoModelForSequenceClassification,
            folder,
            use_safetensors=True,
            dtype=package("torch").float32,
        )
        if network.config.num_labels != 1:
            raise EncoderError(
                f"The cross-encoder {str(folder)!r} has {network.config.num_labels} outputs; name "
                "one with a single output, such as those trained for re-ranking."
            )
        positions = getattr(network.config, "max_position_embeddings", None) or MAX_TOKENS
        # Some networks begin to count two places in, after the padding token's.
        self.max_tokens = min(MAX_TOKENS, self.tokenizer.model_max_length, positions - 2)
        self.device = device.device()
        self.network = network.to(self.device).eval()

    def scores(self, query: str, texts: Sequence[str]) -> FloatArray:
        """Return how well each of N texts answers the query: float32 (N,), any range."""
        torch = package("torch")
        with _lock, torch.inference_mode():
            device.limit_threads()
            inputs = self.tokenizer(
                [query] * len(texts),
                list(texts),
                truncation=True,
                max_length=self.max_tokens,
                padding=True,
                return_tensors="pt",
            ).to(self.device)
            with device.autocast(self.device):
                logits = self.network(**inputs).logits
        return device.to_numpy(logits[:, 0])


@lru_cache(maxsize=1)
def cross_encoder(model: str) -> CrossEncoder:
    """Return this process's cross-encoder, loaded at first use."""
    return CrossEncoder(model)
