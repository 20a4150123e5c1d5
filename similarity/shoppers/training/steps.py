"""One step of training: a batch's loss with its negatives, its gradients, the optimizer."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from similarity.encoders.weights import package
from similarity.shoppers.training import losses
from similarity.shoppers.training.batches import Batch, Sequences
from similarity.shoppers.training.machines import Machines
from similarity.shoppers.training.options import TrainingOptions
from similarity.shoppers.training.transformer import Dropout, SequenceTransformer

#: Norm at which the gradients of a step are cut.
MAX_GRADIENT = 5.0


class Stepper:
    """Trains ``model`` on batches of ``sequences``, reproducibly by seed and number of the step."""

    def __init__(
        self,
        model: SequenceTransformer,
        sequences: Sequences,
        options: TrainingOptions,
        machines: Machines,
    ) -> None:
        self.torch, self.model, self.options = model.torch, model, options
        self.sequences, self.machines = sequences, machines
        self.step = 0
        shares = np.bincount(sequences.targets(), minlength=model.item_count)
        self._popularity = shares / max(shares.sum(), 1)
        #: Items with events. The others are no negatives: they would only learn to be unwanted.
        self._known = np.flatnonzero(np.bincount(sequences.items, minlength=model.item_count))
        self.optimizer = self._make_optimizer()
        self.average = {name: weight.detach().clone() for name, weight in model.weights.items()}

    def batches(self, epoch: int) -> Iterator[list[Batch]]:
        """Yield the batches of each step of an epoch: this machine's, ``accumulate`` of them."""
        dice = np.random.default_rng((self.options.seed, epoch))
        size = max(1, self.options.batch // self.machines.count)
        every = self.options.accumulate * self.machines.count
        held: list[Batch] = []
        for batch in self.sequences.batches(size, dice):
            held.append(batch)
            if len(held) == every:
                yield held[self.machines.rank :: self.machines.count]
                held = []
        if held:
            yield held[self.machines.rank :: self.machines.count]

    def take(self, batches: list[Batch]) -> tuple[float, int]:
        """Learn from the batches of a step; return the sum of its losses and its targets."""
        self.step += 1
        self.torch.manual_seed(
            (self.options.seed * 1_000_003 + self.step) * 1009 + self.machines.rank
        )
        self.optimizer.zero_grad()
        total, targets = 0.0, 0
        for number, batch in enumerate(batches):
            dice = np.random.default_rng((self.options.seed, self.step, self.machines.rank, number))
            counted = int(batch.counted.sum())
            if counted:
                with self.machines.half_precision():
                    loss = self._loss(batch, dice) * counted
                loss.backward()
                total += loss.item()
            targets += counted
        total, targets = self.machines.add_gradients(self.model.weights, total, targets)
        if targets:
            self._apply(targets)
        return total, targets

    def _apply(self, targets: int) -> None:
        """Move the weights by the mean gradient over the targets."""
        gradients = [each.grad for each in self.model.weights.values() if each.grad is not None]
        for gradient in gradients:
            gradient /= targets
        clip = package("torch.nn.utils").clip_grad_norm_
        clip(list(self.model.weights.values()), MAX_GRADIENT)
        warm = min(1.0, self.step / max(self.options.warmup_steps, 1))
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.rate * warm
        self.optimizer.step()
        if self.options.averaging:
            # The first weights are far off, so the memory grows with the steps.
            memory = min(self.options.averaging, (1 + self.step) / (10 + self.step))
            for name, weight in self.model.weights.items():
                self.average[name].lerp_(weight.detach(), 1 - memory)

    def best_weights(self) -> dict[str, Any]:
        """Return the weights that are evaluated and kept: the running average, or the last."""
        return self.average if self.options.averaging else self.model.weights

    def _loss(self, batch: Batch, dice: np.random.Generator) -> Any:
        options, model, tensor = self.options, self.model, self._tensor
        targets = batch.targets[batch.counted]
        sampled = self._negatives(targets, dice)
        # Only the items of this step need vectors, however large the catalogue is.
        items = np.concatenate([batch.items.ravel(), targets, sampled])
        unique, places = np.unique(items, return_inverse=True)
        vectors = model.item_vectors(tensor(unique), ids=options.id_dropout)
        rows = self.torch.nn.functional.embedding(tensor(places), vectors)
        events = batch.items.size
        inputs = rows[:events].view(*batch.items.shape, -1)
        gaps = np.where(dice.random(batch.gaps.shape) < options.gap_dropout, 0, batch.gaps)
        queries = model.encode(
            inputs,
            tensor(batch.kinds),
            tensor(gaps),
            tensor(batch.lengths),
            Dropout(options.dropout, options.id_dropout),
        )[tensor(batch.counted)]  # (T, D)
        if model.config.cosine:
            queries = queries / options.temperature
        if options.loss == "full":
            places = np.searchsorted(unique, targets)
            return losses.full_softmax(queries, vectors, tensor(places), options.smoothing)
        positives, negatives = rows[events : events + len(targets)], rows[events + len(targets) :]
        pair = (queries, positives, negatives, tensor(targets), tensor(sampled))
        if options.loss == "gbce":
            return losses.generalised_bce(*pair, len(self._known), options.calibration)
        return losses.sampled_softmax(*pair, self._expected(sampled))

    def _negatives(self, targets: np.ndarray[Any, Any], dice: np.random.Generator) -> Any:
        """Return (N,) items: some targets of the batch, the rest uniform over those with events."""
        if self.options.loss == "full":
            return self._known
        in_batch = round(self.options.negatives * self._in_batch)
        uniform = dice.choice(self._known, self.options.negatives - in_batch)
        return np.concatenate([dice.choice(targets, in_batch), uniform])

    @property
    def _in_batch(self) -> float:
        """gBCE is defined for uniform negatives."""
        return 0.0 if self.options.loss == "gbce" else self.options.in_batch

    def _expected(self, sampled: np.ndarray[Any, Any]) -> Any:
        """Return (N,) how often a step samples each of these items on average."""
        by_popularity = self._in_batch * self._popularity[sampled]
        uniform = (1 - self._in_batch) / len(self._known)
        return self._tensor((self.options.negatives * (by_popularity + uniform)).astype(np.float32))

    def _tensor(self, values: np.ndarray[Any, Any]) -> Any:
        return self.torch.as_tensor(values, device=self.machines.device)

    def _make_optimizer(self) -> Any:
        options, groups = self.options, {"ids": [], "matrices": [], "vectors": []}  # type: ignore[var-annotated]
        for name, weight in self.model.weights.items():
            kind = "ids" if name == "ids" else "matrices" if weight.dim() > 1 else "vectors"
            groups[kind].append(weight)
        decays = {"ids": options.id_decay, "matrices": options.decay, "vectors": 0.0}
        return self.torch.optim.AdamW(
            [{"params": groups[kind], "weight_decay": decays[kind]} for kind in groups],
            lr=options.rate,
            betas=(0.9, 0.98),
            fused=True,
        )
