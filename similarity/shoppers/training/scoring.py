"""Scores of a sequence model for whole histories at once, for evaluation."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from similarity.shoppers.interactions import Interactions
from similarity.shoppers.sequence_numpy import gap_buckets
from similarity.shoppers.training.splits import History
from similarity.shoppers.training.transformer import SequenceTransformer
from similarity.types import FloatArray

#: Histories that are encoded at once.
ENCODED = 1024


class SequenceScorer:
    """The contract of :class:`similarity.shoppers.training.measures.Scorer` for a trained model."""

    name = "sequence"

    def __init__(self, model: SequenceTransformer, weights: dict[str, Any] | None = None) -> None:
        """``weights``: others than the model's own, of the same shapes."""
        self.model, self.torch = model, model.torch
        own, model.weights = model.weights, weights or model.weights
        with self.torch.no_grad():
            self.item_vectors = model.item_vectors()  # (I, D)
        model.weights = own
        self.weights = weights or own

    def fit(self, interactions: Interactions) -> None:
        """Do nothing: the model is trained."""

    def vectors(self) -> FloatArray:
        """Return (I, D) the items' vectors."""
        found: FloatArray = self.item_vectors.cpu().numpy()
        return found

    def scores(self, histories: Sequence[History]) -> FloatArray:
        """Return (B, I) inner products of the shoppers' and the items' vectors."""
        own, self.model.weights = self.model.weights, self.weights
        try:
            with self.torch.no_grad():
                parts = [
                    self._encoded(histories[first : first + ENCODED]) @ self.item_vectors.T
                    for first in range(0, len(histories), ENCODED)
                ]
                found: FloatArray = self.torch.cat(parts).float().cpu().numpy()
        finally:
            self.model.weights = own
        return found

    def _encoded(self, histories: Sequence[History]) -> Any:
        """Return (B, D) the shoppers' vectors."""
        most = self.model.config.length
        lengths = np.array([min(len(each.items), most) for each in histories])
        shape = (len(histories), int(lengths.max()))
        items, kinds, gaps = (np.zeros(shape, np.int64) for _each in range(3))
        for row, (history, length) in enumerate(zip(histories, lengths, strict=True)):
            items[row, :length] = history.items[-length:]
            kinds[row, :length] = history.kinds[-length:]
            # The time of the answer is not known.
            gaps[row, : length - 1] = gap_buckets(np.diff(history.times[-length:]))
        tensor = [
            self.torch.as_tensor(each, device=self.item_vectors.device)
            for each in (items, kinds, gaps, lengths)
        ]
        inputs = self.item_vectors[tensor[0]]
        encoded = self.model.encode(inputs, *tensor[1:])
        return encoded[self.torch.arange(len(histories)), tensor[3] - 1]


def changed_scorer(
    scorer: SequenceScorer, change: Callable[[dict[str, FloatArray]], dict[str, FloatArray]]
) -> SequenceScorer:
    """Return a scorer with other weights for the shoppers; the items' vectors stay.

    For example with rounded weights, as a smaller artefact would have them.
    """
    weights = {name: weight.detach().cpu().numpy() for name, weight in scorer.weights.items()}
    ids = weights.pop("ids")
    changed = {name: scorer.torch.as_tensor(weight) for name, weight in change(weights).items()}
    other = SequenceScorer(scorer.model, {**changed, "ids": scorer.torch.as_tensor(ids)})
    other.item_vectors = scorer.item_vectors
    return other
