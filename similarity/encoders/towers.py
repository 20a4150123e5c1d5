"""Transformer text networks: loading, tokenising and pooling by the model's kind."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from similarity.encoders import device, trial
from similarity.encoders.base import FloatArray
from similarity.encoders.pretrained import (
    load,
    load_network,
    read_json,
    refuse_missing,
    trained_in_bfloat16,
)
from similarity.encoders.readable import Reader
from similarity.encoders.runtimes import Arrays, Graph
from similarity.encoders.weights import digest, package
from similarity.exceptions import EncoderError

logger = logging.getLogger(__name__)

#: Words of the texts that runtimes are tried with; any words would do.
_WORDS = ("soft", "cotton", "shirt", "for", "men", "with", "long", "sleeves", "and", "a", "collar")

#: Ways to turn token vectors into one vector; ``pooler`` is the network's own pooled output.
POOLINGS = ("auto", "mean", "cls", "last", "max", "pooler")

# The position table of these models begins after the padding token's id.
POSITIONS_AFTER_PADDING = ("roberta", "xlm-roberta", "camembert", "mpnet")


@dataclass
class TextTower:
    """A loaded text network with its tokeniser.

    ``pad_to`` is the length that SigLIP was trained to pad to, because its text tower reads the
    last position and knows no attention mask. For other models it is None: a batch is padded to its
    longest row.
    """

    network: Any
    tokenizer: Any
    pooling: str
    max_tokens: int
    device: str
    bfloat16: bool
    pad_to: int | None
    dimension: int = 0
    runtime: trial.Runtime = field(default_factory=trial.Runtime)

    @cached_property
    def reader(self) -> Reader:
        """Return the reader that decides which texts the network has learned to read."""
        return Reader(self.tokenizer)

    @classmethod
    def load(cls, folder: Path, pooling: str, max_tokens: int) -> "TextTower":
        """Load the model in ``folder``; raise :class:`EncoderError` if it cannot be loaded."""
        transformers = package("transformers")
        tokenizer = _prepare(load(transformers.AutoTokenizer, folder), folder)
        network, missing = load_network(folder)
        if pooling == "auto":
            pooling = _pooling_of(folder, network)
        if pooling != "pooler":
            missing = {name for name in missing if "pooler" not in name}
        refuse_missing(folder, missing)
        config = network.config
        longest = _longest(tokenizer, config.get_text_config())
        if hasattr(network, "get_text_features"):
            network.vision_model = None
        elif config.is_encoder_decoder:
            network = network.get_encoder()
        where = device.device()
        tower = cls(
            network=network.to(where).eval(),
            tokenizer=tokenizer,
            pooling=pooling,
            max_tokens=min(max_tokens, longest),
            device=where,
            bfloat16=trained_in_bfloat16(folder),
            pad_to=longest if config.model_type.startswith("siglip") else None,
        )
        tower.dimension = tower.forward([[tokenizer.pad_token_id]]).shape[1]
        if where == "cpu":
            tower.runtime = trial.choose(tower.graph(digest(folder)), tower.samples())
        return tower

    def graph(self, weights: str) -> Graph:
        """Return the exported network with its pooling; ``weights`` is the weights' digest."""
        opened = (0,) if self.pad_to else (0, 1)
        return Graph(
            digest=f"text:{weights}:{self.pooling}:{self.pad_to}",
            module=_module(self),
            inputs=("ids", "mask"),
            example=self.padded([[self.tokenizer.pad_token_id] * 3] * 2),
            axes=(opened, opened),
        )

    def samples(self) -> list[Arrays]:
        """Return batches of texts as long as products' texts, the last a query of a few words."""
        lengths = np.exp(np.linspace(np.log(4), np.log(250), 24)).astype(int)
        tokens = self.tokenise([" ".join(islice(cycle(_WORDS), n)) for n in [*lengths, 3]])
        batches = [tokens[start : start + 6] for start in (0, 6, 12, 18)]
        return [self.padded(batch) for batch in [*batches, tokens[24:]]]

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Return token ids of each text, cut to ``max_tokens``, not padded."""
        encoded = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)
        # A tokeniser without special tokens returns no ids for a text of unknown pieces. A padding
        # token keeps such a row in the batch.
        return [ids or [self.tokenizer.pad_token_id] for ids in encoded["input_ids"]]

    def forward(self, tokens: Sequence[list[int]]) -> FloatArray:
        """Return pooled vectors (N, D) of one batch, float32, not yet of length one."""
        arrays = self.padded(tokens)
        vectors = self.runtime(*arrays)
        if vectors is not None:
            return vectors
        torch = package("torch")
        ids, mask = (device.to_device(array, self.device) for array in arrays)
        with torch.inference_mode():
            with device.autocast(self.device, bfloat16=self.bfloat16):
                pooled = self._pooled(ids, mask)
            if not torch.isfinite(pooled).all():  # float16 ends at 65,504
                pooled = self._pooled(ids, mask)
        return device.to_numpy(pooled)

    def padded(self, tokens: Sequence[list[int]]) -> Arrays:
        """Return token ids and mask, int64 (N, longest), padded on the right."""
        length = self.pad_to or max(map(len, tokens))
        ids = np.full((len(tokens), length), self.tokenizer.pad_token_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, token_ids in enumerate(tokens):
            ids[row, : len(token_ids)] = token_ids
            mask[row, : len(token_ids)] = 1
        return ids, mask

    def _pooled(self, ids: Any, mask: Any) -> Any:
        inputs = {"input_ids": ids} if self.pad_to else {"input_ids": ids, "attention_mask": mask}
        if self.pooling == "pooler":
            run = getattr(self.network, "get_text_features", self.network)
            return pooler_output(run(**inputs))
        run = getattr(self.network, "text_model", self.network)
        return pool(run(**inputs).last_hidden_state, mask, self.pooling)


def _module(tower: TextTower) -> Any:
    """Return network and pooling as one module for the exporter."""

    class Pooled(package("torch").nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = tower.network

        def forward(self, ids: Any, mask: Any) -> Any:
            return tower._pooled(ids, mask)

    return Pooled().eval()


def pool(hidden: Any, mask: Any, pooling: str) -> Any:
    """Return a vector per row (N, D) of the token vectors ``hidden`` (N, T, D), without padding.

    ``mask`` (N, T) is 1 at tokens and 0 at padding, which stands on the right.
    """
    torch = package("torch")
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        last = mask.sum(dim=1).clamp(min=1) - 1
        rows = torch.arange(hidden.shape[0], device=hidden.device)  # len() would fix it in exports
        return hidden[rows, last]
    weights = mask.unsqueeze(-1).float()
    if pooling == "max":
        return hidden.float().masked_fill(weights == 0, float("-inf")).amax(dim=1)
    return (hidden.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def pooler_output(output: Any) -> Any:
    """Return the pooled output (N, D); raise :class:`EncoderError` if the network has none."""
    pooled = output if hasattr(output, "shape") else getattr(output, "pooler_output", None)
    if pooled is None:
        raise EncoderError(
            "The pooling is 'pooler', but the network has no pooled output; "
            "use 'auto', 'mean' or 'cls'."
        )
    return pooled


def _pooling_of(folder: Path, network: Any) -> str:
    """Return the pooling that the model was trained for."""
    declared = _declared_pooling(folder)
    if declared:
        return declared
    if hasattr(network, "get_text_features") or network.config.model_type.endswith("_text_model"):
        return "pooler"
    auto = package("transformers.models.auto.modeling_auto")
    kind = network.config.model_type
    decoder = kind in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    encoder = kind in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES or network.config.is_encoder_decoder
    return "last" if decoder and not encoder else "mean"


def _declared_pooling(folder: Path) -> str | None:
    """Return the pooling that sentence-transformers declares, in its older or newer form."""
    if (folder / "2_Dense").is_dir():
        logger.warning("The dense layer in %s is left out of the text vectors.", folder)
    config = read_json(folder / "1_Pooling" / "config.json")
    names = {
        "pooling_mode_cls_token": "cls",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_mean_sqrt_len_tokens": "mean",  # the same direction as the mean
        "pooling_mode_max_tokens": "max",
        "pooling_mode_lasttoken": "last",
    }
    declared = {short for long, short in names.items() if config.get(long)}
    mode = config.get("pooling_mode")
    if mode:
        declared |= {{"lasttoken": "last", "mean_sqrt_len_tokens": "mean"}.get(mode, mode)}
    if not declared:
        return None
    if len(declared) > 1 or not declared <= set(POOLINGS):
        raise EncoderError(
            f"{str(folder)!r} declares the pooling {sorted(declared)}; one of "
            f"{', '.join(POOLINGS[1:])} can be done. Name one as the encoder's pooling."
        )
    return declared.pop()


def _prepare(tokenizer: Any, folder: Path) -> Any:
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None:  # usual in decoders; padding is masked, so any id works
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token_id is None:
        raise EncoderError(
            f"The tokeniser in {str(folder)!r} has no padding, end or unknown token; give it a "
            "pad_token and save it again."
        )
    return tokenizer


def _longest(tokenizer: Any, config: Any) -> int:
    """Return the most tokens that the model can read, including special tokens."""
    positions = getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length
    if config.model_type in POSITIONS_AFTER_PADDING:
        positions -= tokenizer.pad_token_id + 1
    return int(min(positions, tokenizer.model_max_length))
