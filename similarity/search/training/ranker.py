"""Trains a ranker on lists whose best results are known: a small network, listwise.

Training maximises a smoothed NDCG@10. A result's rank is one more than the sum of the sigmoids of
how far each other result is ahead of it (ApproxNDCG: Qin, Liu and Li, "A General Approximation
Framework for Direct Optimization of Information Retrieval Measures", 2010). On the judged queries
of ESCI it did better than the softmax cross entropy of ListNet and than LambdaRank's pairs.

A few hundred judged queries cannot teach everything, for example the value of sales or of the
host's own order. So the network starts as the fixed blend, and stays near it unless the lists
disagree with it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from similarity.encoders import device
from similarity.encoders.weights import package
from similarity.exceptions import RankerError
from similarity.search.reranking.blend import WEIGHTS
from similarity.search.reranking.network import Network
from similarity.search.reranking.signals import SIGNALS
from similarity.types import DoubleArray

#: How strongly the weights are held to the blend's.
HELD_BY = 0.01

#: Results further down count little.
TOP = 10
#: The sharpness of a rank, in deviations of the scores within a list.
TEMPERATURE = 0.3

STEPS = 200
BATCH = 128  # lists in a step; the smoothed ranks of a list need memory by its length squared
RATE = 0.03

#: A signal that hardly varies over all lists gives no evidence for its weight.
_VARIES = 1e-6
_SEED = 7


def dcg(utilities: DoubleArray) -> float:
    """Return the discounted cumulative gain at ``TOP`` of utilities (N,) in their order."""
    best = utilities[:TOP]
    return float(best @ (1 / np.log2(np.arange(2, len(best) + 2))))


def ndcg(utilities: DoubleArray, scores: DoubleArray) -> float:
    """Return NDCG@``TOP`` of the order of ``scores`` (N,), 0 to 1; equal scores keep their
    order."""
    order = np.argsort(-scores, kind="stable")
    best = dcg(np.sort(utilities)[::-1])
    return dcg(utilities[order]) / best if best else 0.0


class Group(NamedTuple):
    """One query's list: ``values`` (N, F) are its signals, ``utilities`` (N,) are 0 or more."""

    query: str
    values: DoubleArray
    utilities: DoubleArray

    @property
    def teaches(self) -> bool:
        """Return True if some result is better than another."""
        return bool(np.ptp(self.utilities) > 0) if len(self.utilities) else False


def fit(groups: Sequence[Group], hidden: int = 0, held_by: float = HELD_BY) -> Network:
    """Return the network that fits the lists best, with ``hidden`` units beside its linear part.

    The same lists give the same network. Raises :class:`RankerError` if no list has results of
    different utility.
    """
    useful = [group for group in groups if group.teaches]
    if not useful:
        raise RankerError(
            "No query has results of different quality; give judgements with "
            "different gains, or clicks on some of the results that were shown."
        )
    mean, scale = _standard(useful)
    prior = np.array([WEIGHTS.get(name, 0.0) for name in SIGNALS]) * scale
    scores = [((group.values - mean) / scale) @ prior for group in useful]
    spread = np.concatenate([score - score.mean() for score in scores]).std() or 1.0
    with device.one_thread():  # the tensors are small
        linear, deep = _Lists(useful, mean, scale).ascend(prior / spread, hidden, held_by)
    return Network(mean, scale, linear, *deep)


def _standard(groups: Sequence[Group]) -> tuple[DoubleArray, DoubleArray]:
    """Return mean and deviation; deviations within lists, because only these affect an order."""
    rows = np.concatenate([group.values for group in groups])
    inside = np.concatenate([group.values - group.values.mean(axis=0) for group in groups])
    deviation = inside.std(axis=0)
    return rows.mean(axis=0), np.where(deviation > _VARIES, deviation, 1.0)


class _Lists:
    """The lists as padded tensors: (G, L, F) signals, (G, L) gains, (G, L) padding.

    A gain is a utility divided by the DCG of the best order of its list, at ``TOP``.
    """

    def __init__(self, groups: Sequence[Group], mean: DoubleArray, scale: DoubleArray) -> None:
        torch = self.torch = package("torch")
        longest = max(len(group.utilities) for group in groups)
        self.values = torch.zeros(len(groups), longest, len(mean), dtype=torch.float64)
        self.gains = torch.zeros(len(groups), longest, dtype=torch.float64)
        self.padding = torch.ones(len(groups), longest, dtype=torch.bool)
        for at, group in enumerate(groups):
            size = len(group.utilities)
            gains = group.utilities / dcg(np.sort(group.utilities)[::-1])
            self.values[at, :size] = torch.from_numpy((group.values - mean) / scale)
            self.gains[at, :size] = torch.from_numpy(gains)
            self.padding[at, :size] = False

    def ascend(
        self, prior: DoubleArray, hidden: int, held_by: float
    ) -> tuple[DoubleArray, tuple[DoubleArray, DoubleArray, DoubleArray]]:
        """Return (linear weights, (hidden weights, biases, output weights)) with the highest
        NDCG."""
        torch = self.torch
        generator = torch.Generator().manual_seed(_SEED)
        start = torch.from_numpy(prior)
        linear = start.clone().requires_grad_()
        inner = torch.randn(hidden, len(prior), generator=generator, dtype=torch.float64) * 0.3
        inner.requires_grad_()
        bias = torch.zeros(hidden, dtype=torch.float64, requires_grad=True)
        output = torch.zeros(hidden, dtype=torch.float64, requires_grad=True)
        parameters = [linear, inner, bias, output] if hidden else [linear]
        optimiser = torch.optim.Adam(parameters, lr=RATE)
        for rows in self._batches(generator):
            values = self.values[rows]
            scores = values @ linear
            departed = ((linear - start) ** 2).sum()
            if hidden:
                scores = scores + torch.tanh(values @ inner.T + bias) @ output
                departed = departed + (output**2).sum() + 0.1 * (inner**2).sum()
            optimiser.zero_grad()
            (held_by * departed - self._ndcg(scores, rows)).backward()
            optimiser.step()
        deep = (inner.detach().numpy(), bias.detach().numpy(), output.detach().numpy())
        return linear.detach().numpy(), deep

    def _batches(self, generator: Any) -> Iterator[Any]:
        """Yield the rows of each step: all lists in random order, then all again."""
        count = len(self.values)
        order: list[int] = []
        for _ in range(STEPS):
            if len(order) < min(BATCH, count):
                order = self.torch.randperm(count, generator=generator).tolist()
            yield order[:BATCH]
            order = order[BATCH:]

    def _ndcg(self, scores: Any, rows: Any) -> Any:
        """Return the mean smoothed NDCG@``TOP`` of some lists; ``scores`` (B, L)."""
        torch = self.torch
        padding = self.padding[rows]
        ahead = torch.sigmoid((scores[:, None, :] - scores[:, :, None]) / TEMPERATURE)
        # The sum counts a result as half ahead of itself, so add only one half.
        ranks = ahead.masked_fill(padding[:, None, :], 0.0).sum(dim=2) + 0.5
        within = torch.sigmoid(TOP + 0.5 - ranks)
        gains = self.gains[rows].masked_fill(padding, 0.0)
        return (gains * within / torch.log2(1 + ranks)).sum(dim=1).mean()
