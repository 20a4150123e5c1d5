"""The factor model: the vectors of a shopper and of an item, their product, and a sigmoid.

Read from top to bottom. B: shoppers of a batch, L: items of the longest history in it, M: items
drawn as negatives, I: items, S: shoppers, D: ``options.dim``, C: values of a content vector.

The chance that a shopper meets an item is sigmoid(weight · (shopper's vector · item's vector) +
bias), the classical form of Koren et al. (2009) with a dense layer of one unit. An item's vector is
a learned id vector plus a projection of its content, so an item without events has one too. A
shopper's vector is a learned id vector plus the mean of the vectors of their items. Training drops
the id vectors of some shoppers and items, so that the means and the projection must do without
them: they are what a shop uses later. Id vectors of shoppers are not kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.encoders.weights import package
from similarity.exceptions import TrainingError
from similarity.shoppers.interactions import Interactions
from similarity.shoppers.training.baselines import last_events
from similarity.shoppers.training.measures import evaluate
from similarity.shoppers.training.splits import BoolArray, History, Questions
from similarity.types import FloatArray, Progress, no_progress

#: Items whose vectors are computed at once.
_BLOCK = 65_536
#: Validation questions by which training decides when to stop.
STOPPING_QUESTIONS = 5000


@dataclass(frozen=True)
class FactorOptions:
    """Hyper-parameters, chosen on validation splits; see docs/shopper-models.md."""

    dim: int = 64
    #: The latest items of a shopper that make their vector.
    history: int = 50
    epochs: int = 60
    #: Epochs without a better validation before training stops.
    patience: int = 4
    #: Shoppers of a batch, and the negatives drawn for it.
    batch: int = 256
    drawn: int = 1024
    #: Negatives weigh as many pairs as this for each pair that happened.
    negatives: float = 4.0
    #: Share of negatives drawn by popularity; the rest is drawn evenly.
    popular: float = 0.5
    rate: float = 3e-3
    decay: float = 0.0
    #: Share of shoppers, and of items, whose id vector is dropped in a batch.
    shopper_dropout: float = 0.5
    item_dropout: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("dim", "history", "epochs", "patience", "batch", "drawn", "negatives"):
            self._require(name, 1, 10**6)
        for name in ("popular", "shopper_dropout", "item_dropout"):
            self._require(name, 0, 1)
        self._require("rate", 0, 10)
        self._require("decay", 0, 10)

    def _require(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise TrainingError(f"{name} is {value!r}; it must be from {low} to {high}.")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Batch(NamedTuple):
    """``shoppers`` (B,). ``items`` (B, L): what they met, padded by 0. ``real`` (B, L): 0 or 1.

    ``negatives`` (M,). ``unmet`` (B, M): 1 where the shopper did not meet the negative, else 0.
    """

    shoppers: Any
    items: Any
    real: Any
    negatives: Any
    unmet: Any


class FactorNetwork:
    """The weights, by name, and the loss of a batch."""

    def __init__(self, options: FactorOptions, data: "Pairs", device: str) -> None:
        torch = self.torch = package("torch")
        self.functional = package("torch.nn.functional")
        self.options, self.content = options, torch.as_tensor(data.content, device=device)  # (I, C)
        # An item without events has no id vector, only what its content says.
        self.known = torch.as_tensor(data.known, device=device)[:, None]  # (I, 1)
        dice = torch.Generator().manual_seed(options.seed)
        first = {
            "items": torch.randn(len(data.content), options.dim, generator=dice) * 0.1,
            "shoppers": torch.randn(len(data), options.dim, generator=dice) * 0.01,
            "dense.weight": torch.ones(1),
            "dense.bias": torch.full((1,), -float(np.log(options.negatives))),
        }
        if data.content.any():
            shape = (options.dim, data.content.shape[1])
            first["content.weight"] = torch.randn(shape, generator=dice) * shape[1] ** -0.5
        self.weights = {name: each.to(device).requires_grad_() for name, each in first.items()}

    def item_vectors(self, items: Any, dropped: float = 0.0) -> Any:
        """Return (N, D) the vectors of ``items`` (N,); the id vectors of a share are dropped."""
        kept = self.known[items]
        if dropped:
            kept = kept * self._kept(len(items), dropped)
        vectors = self.functional.embedding(items, self.weights["items"]) * kept
        if "content.weight" in self.weights:
            vectors = vectors + self.content[items] @ self.weights["content.weight"].T
        return vectors

    def logits(self, products: Any) -> Any:
        """Return the dense layer of one unit over inner products of any shape."""
        return self.weights["dense.weight"] * products + self.weights["dense.bias"]

    def loss(self, batch: Batch) -> Any:
        """Return the mean binary cross-entropy over the pairs that happened and the negatives."""
        every = self.torch.cat([batch.items.flatten(), batch.negatives])
        needed, places = every.unique(return_inverse=True)
        vectors = self.item_vectors(needed, self.options.item_dropout)[places]  # (B · L + M, D)
        met, drawn = vectors[: batch.items.numel()], vectors[batch.items.numel() :]
        met = met.view(*batch.items.shape, -1) * batch.real[..., None]  # (B, L, D)
        counts = batch.real.sum(1)  # (B,)
        kept = self._kept(len(counts), self.options.shopper_dropout)
        own = self.weights["shoppers"][batch.shoppers] * kept  # (B, D)
        total = met.sum(1)  # (B, D)
        # The vector to judge a met item is the mean of the others, else it would judge itself.
        others = (total[:, None] - met) / (counts - 1).clamp(min=1)[:, None, None]  # (B, L, D)
        positive = self.logits(((own[:, None] + others) * met).sum(2))  # (B, L)
        mean = total / counts[:, None]
        negative = self.logits((own + mean) @ drawn.T)  # (B, M)
        softplus = self.functional.softplus
        shares = counts * self.options.negatives / batch.unmet.sum(1).clamp(min=1)  # (B,)
        happened = (softplus(-positive) * batch.real).sum()
        did_not = (softplus(negative) * batch.unmet * shares[:, None]).sum()
        return (happened + did_not) / (counts.sum() * (1 + self.options.negatives))

    def _kept(self, rows: int, dropped: float) -> Any:
        drawn = self.torch.rand(rows, 1)  # on the CPU: the same on every device
        return (drawn >= dropped).float().to(self.content.device)


class Pairs:
    """Which shopper met which items: the latest ``history`` of each, in the order of time."""

    def __init__(self, interactions: Interactions, options: FactorOptions) -> None:
        shoppers, items, _times = last_events(interactions)
        ends = np.cumsum(np.bincount(shoppers, minlength=interactions.shopper_count))
        kept = ends[shoppers] - np.arange(len(items)) <= options.history
        counts = np.bincount(shoppers[kept])
        several = counts >= 2  # a single item has no other item to be judged by
        self.items = items[kept][several[shoppers[kept]]]
        self.counts = counts[several]
        self.starts = np.cumsum(self.counts) - self.counts
        self.content = interactions.content
        if not len(self):
            raise TrainingError(
                f"None of {interactions.shopper_count} shoppers has two products to learn from. "
                "Import older events, or wait."
            )
        popularity = np.bincount(self.items, minlength=interactions.item_count)
        self.known = (popularity > 0).astype(np.float32)  # (I,)
        self._cumulated = np.cumsum(popularity / popularity.sum())

    def __len__(self) -> int:
        return len(self.counts)

    def batches(
        self, options: FactorOptions, random: np.random.Generator, device: str
    ) -> Iterator[Batch]:
        """Yield batches of shoppers with histories of like length, in a random order."""
        by_length = np.lexsort((random.random(len(self)), self.counts))
        cuts = list(range(0, len(self), options.batch))
        for first in random.permutation(cuts):
            yield self._batch(by_length[first : first + options.batch], options, random, device)

    def _batch(
        self,
        shoppers: npt.NDArray[np.int64],
        options: FactorOptions,
        random: np.random.Generator,
        device: str,
    ) -> Batch:
        torch = package("torch")
        counts = self.counts[shoppers]
        columns = np.arange(counts.max())
        real = columns < counts[:, None]
        at = np.minimum(self.starts[shoppers][:, None] + columns, len(self.items) - 1)
        items = np.where(real, self.items[at], 0)
        negatives = self._draw(options, random)
        arrays = (shoppers, items, real.astype(np.float32), negatives)
        unmet = (~self._met(items, real, negatives)).astype(np.float32)
        return Batch(*(torch.as_tensor(each, device=device) for each in (*arrays, unmet)))

    def _met(
        self, items: npt.NDArray[np.int32], real: BoolArray, negatives: npt.NDArray[np.int64]
    ) -> BoolArray:
        """Return (B, M) True where a shopper met the negative."""
        distinct, columns = np.unique(negatives, return_inverse=True)
        column = np.full(len(self.content), len(distinct))
        column[distinct] = np.arange(len(distinct))
        met = np.zeros((len(items), len(distinct) + 1), dtype=bool)
        met[np.nonzero(real)[0], column[items[real]]] = True
        found: BoolArray = met[:, columns]
        return found

    def _draw(self, options: FactorOptions, random: np.random.Generator) -> npt.NDArray[np.int64]:
        popular = int(options.drawn * options.popular)
        by_popularity = np.searchsorted(self._cumulated, random.random(popular), side="right")
        evenly = random.integers(len(self.content), size=options.drawn - popular)
        return np.minimum(np.concatenate([by_popularity, evenly]), len(self.content) - 1)


class FactorModel:
    """Trains and scores, see :class:`similarity.shoppers.training.measures.Scorer`.

    ``vectors`` (I, D): the items' vectors. ``projection`` (D, C): content to a vector, None without
    content. ``dense``: weight and bias. ``curves``: loss and validation by epoch.
    """

    name = "factors"

    def __init__(
        self,
        options: FactorOptions | None = None,
        *,
        device: str = "cpu",
        progress: Progress = no_progress,
    ) -> None:
        self.options = options or FactorOptions()
        self.device, self.progress = device, progress
        self.vectors: FloatArray = np.zeros((0, self.options.dim), dtype=np.float32)
        self.projection: FloatArray | None = None
        self.dense = (1.0, 0.0)
        self.curves: dict[str, list[float]] = {}

    def fit(self, interactions: Interactions, validation: Questions | None = None) -> None:
        """Learn; with ``validation``, stop early and keep the best epoch. Raises TrainingError."""
        torch = package("torch")
        data = Pairs(interactions, self.options)
        validation = validation and validation.sample(STOPPING_QUESTIONS)
        best, waited = -1.0, 0
        self.curves = {"loss": [], "ndcg": [], "recall": []}
        with torch.random.fork_rng():
            torch.manual_seed(self.options.seed)
            network = FactorNetwork(self.options, data, self.device)
            for loss in self._epochs(network, data):
                self.curves["loss"].append(loss)
                if validation is None:
                    continue
                found = self._judge(network, validation)
                best, waited = (found, 0) if found > best else (best, waited + 1)
                if not waited:
                    self._keep(network)
                if waited >= self.options.patience:
                    break
        if validation is None:
            self._keep(network)
            del self.curves["ndcg"], self.curves["recall"]
        else:
            self._restore()

    def scores(self, histories: Sequence[History]) -> FloatArray:
        """Return (B, I) logits: what is not in a history is judged by the mean of what is."""
        weight, bias = self.dense
        return np.asarray(weight * (self.shoppers(histories) @ self.vectors.T) + bias, np.float32)

    def shoppers(self, histories: Sequence[History]) -> FloatArray:
        """Return (B, D) the mean of the items' vectors of each history; 0 without any."""
        means = np.zeros((len(histories), self.vectors.shape[1]), dtype=np.float32)
        for row, history in enumerate(histories):
            latest = list(dict.fromkeys(history.items[::-1].tolist()))[: self.options.history]
            if latest:
                means[row] = self.vectors[latest].mean(axis=0)
        return means

    def _epochs(self, network: FactorNetwork, data: Pairs) -> Iterator[float]:
        """Yield the mean loss of each epoch. Raises TrainingError if training diverges."""
        torch, random = network.torch, np.random.default_rng(self.options.seed)
        optimizer = torch.optim.Adam(
            network.weights.values(),
            lr=self.options.rate,
            weight_decay=self.options.decay,
            fused=True,  # on a CPU eight times as fast as one tensor after another
        )
        steps = -(-len(data) // self.options.batch)
        for epoch in range(self.options.epochs):
            total = 0.0
            for step, batch in enumerate(data.batches(self.options, random, self.device)):
                optimizer.zero_grad()
                loss = network.loss(batch)
                loss.backward()
                optimizer.step()
                total += float(loss.detach())
                self.progress("train", epoch * steps + step + 1, self.options.epochs * steps)
            if not np.isfinite(total):
                raise TrainingError(
                    f"The loss is {total} in epoch {epoch + 1}: training diverged. Use a lower "
                    f"learning rate than {self.options.rate}."
                )
            yield total / steps

    def _judge(self, network: FactorNetwork, validation: Questions) -> float:
        self._take(network)
        found = evaluate(self, validation)
        self.curves["ndcg"].append(float(found.ndcg.mean()))
        self.curves["recall"].append(float(found.recall.mean()))
        return self.curves["ndcg"][-1]

    def _take(self, network: FactorNetwork) -> None:
        """Take over the network's present weights."""
        with network.torch.no_grad():
            every = network.torch.arange(len(network.content), device=self.device)
            blocks = [network.item_vectors(items) for items in every.split(_BLOCK)]
            self.vectors = network.torch.cat(blocks).cpu().numpy()
        weights = {name: each.detach().cpu().numpy() for name, each in network.weights.items()}
        projection = weights.get("content.weight")
        self.projection = None if projection is None else projection.copy()
        self.dense = (float(weights["dense.weight"][0]), float(weights["dense.bias"][0]))

    def _keep(self, network: FactorNetwork) -> None:
        self._take(network)
        self._best = (self.vectors, self.projection, self.dense)

    def _restore(self) -> None:
        self.vectors, self.projection, self.dense = self._best
