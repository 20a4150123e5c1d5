"""Trains a sequence model: epochs, early stopping on a validation split, checkpoints.

The same events, options and seed give the same model on a machine, also when training was killed
and resumed in between: each step's random numbers depend only on the seed and the step's number.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np

from similarity.encoders.weights import package
from similarity.exceptions import TrainingError
from similarity.shoppers.artefact import SequenceConfig
from similarity.shoppers.interactions import Interactions
from similarity.shoppers.training.batches import Sequences
from similarity.shoppers.training.checkpoints import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from similarity.shoppers.training.machines import Machines
from similarity.shoppers.training.measures import evaluate
from similarity.shoppers.training.options import TrainingOptions
from similarity.shoppers.training.scoring import SequenceScorer
from similarity.shoppers.training.splits import Questions
from similarity.shoppers.training.steps import Stepper
from similarity.shoppers.training.transformer import SequenceTransformer
from similarity.types import Progress, no_progress

logger = getLogger(__name__)

#: A checkpoint is written after each epoch, and within one after so long.
CHECKPOINT_EVERY_S = 60.0
#: Questions by which training decides to stop.
STOPPING_QUESTIONS = 10_000


@dataclass
class Curves:
    """Figures by epoch. ``ndcg`` is None for epochs that were not evaluated."""

    loss: list[float] = field(default_factory=list)
    ndcg: list[float | None] = field(default_factory=list)
    recall: list[float | None] = field(default_factory=list)
    #: Seconds of training up to the end of each epoch, without evaluation.
    seconds: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Trained:
    """A model with its best weights, from ``epoch``."""

    model: SequenceTransformer
    curves: Curves
    epoch: int


class Trainer:
    """Trains one model on ``events``; ``validation`` decides when to stop.

    Without ``validation`` all epochs run, and the last weights are kept. With ``checkpoint``, the
    training continues from that file if it exists. ``first`` are weights to start from.
    """

    def __init__(
        self,
        events: Interactions,
        config: SequenceConfig,
        options: TrainingOptions,
        *,
        validation: Questions | None = None,
        device: str = "cpu",
        checkpoint: Path | None = None,
        first: dict[str, Any] | None = None,
        progress: Progress = no_progress,
    ) -> None:
        self.events, self.config, self.options = events, config, options
        self.sequences = Sequences(events, config.length)
        if not len(self.sequences.targets()):
            raise TrainingError(
                f"None of {events.shopper_count} shoppers has two events with different products, "
                "so there is nothing to learn. Import older events, or wait."
            )
        self.validation = validation and validation.sample(STOPPING_QUESTIONS)
        self.machines = Machines(device)
        self.checkpoint, self.first, self.progress = checkpoint, first, progress
        self.curves = Curves()
        self.epoch, self.steps_done, self.best_epoch, self.best = 0, 0, 0, -1.0
        self._sums = (0.0, 0)
        self._best_weights: dict[str, Any] = {}

    def train(self) -> Trained:
        """Train to the end. An interruption leaves the last checkpoint."""
        torch = package("torch")
        devices = [] if self.machines.device == "cpu" else [self.machines.device]
        with self.machines, torch.random.fork_rng(devices, enabled=True):
            model = SequenceTransformer(
                self.config,
                self.events.content,
                seed=self.options.seed,
                device=self.machines.device,
            )
            self._start_from_first(model)
            self.stepper = Stepper(model, self.sequences, self.options, self.machines)
            self._resume()
            while self.epoch < self.options.epochs and not self._is_stuck():
                self._run_epoch()
        weights = self._best_weights or dict(self.stepper.best_weights())
        model.weights = {name: weight.detach() for name, weight in weights.items()}
        return Trained(model, self.curves, self.best_epoch or self.epoch)

    def _start_from_first(self, model: SequenceTransformer) -> None:
        known = np.bincount(self.events.items, minlength=self.events.item_count) > 0
        with package("torch").no_grad():
            # Items without events keep a zero there, so that their vector is their content's.
            model.weights["ids"] *= package("torch").as_tensor(known[:, None]).to(model.content)
            for name, weight in (self.first or {}).items():
                model.weights[name].copy_(package("torch").as_tensor(weight))

    def _is_stuck(self) -> bool:
        waited = self.epoch - max(self.best_epoch, 0)
        return bool(
            self.validation is not None
            and self.best >= 0
            and waited >= self.options.patience * self.options.evaluate_every
        )

    def _run_epoch(self) -> None:
        began = saved = time.monotonic()
        before_s = self.curves.seconds[-1] if self.curves.seconds else 0.0
        for batches in self._remaining():
            total, targets = self.stepper.take(batches)
            self._sums = (self._sums[0] + total, self._sums[1] + targets)
            self.steps_done += 1
            self._report()
            if time.monotonic() - saved > CHECKPOINT_EVERY_S:
                self._save()
                saved = time.monotonic()
        loss = self._sums[0] / max(self._sums[1], 1)
        if not loss < float("inf"):
            raise TrainingError(
                f"The loss is {loss} in epoch {self.epoch + 1}: training diverged. Use a lower "
                "learning rate."
            )
        self.epoch, self.steps_done, self._sums = self.epoch + 1, 0, (0.0, 0)
        self.curves.loss.append(loss)
        self.curves.seconds.append(before_s + time.monotonic() - began)
        self._evaluate()
        self._save()

    def _remaining(self) -> Iterator[list[Any]]:
        """Yield the steps of the present epoch that are not done yet."""
        for number, batches in enumerate(self.stepper.batches(self.epoch)):
            if number >= self.steps_done:
                yield batches

    def _report(self) -> None:
        if self.machines.leads:
            batch = max(1, self.options.batch // self.machines.count)
            each = self.options.accumulate * self.machines.count
            steps = -(-self.sequences.steps(batch) // each)
            done = self.epoch * steps + self.steps_done
            self.progress("train", done, self.options.epochs * steps)

    def _evaluate(self) -> None:
        """Note the measures of this epoch, and keep the weights if they are the best so far."""
        due = self.epoch % self.options.evaluate_every == 0 or self.epoch == self.options.epochs
        recall = ndcg = None
        if self.validation is not None and due:
            scorer = SequenceScorer(self.stepper.model, self.stepper.best_weights())
            found = evaluate(scorer, self.validation) if self.machines.leads else None
            ndcg = self.machines.agreed(float(found.ndcg.mean()) if found else 0.0)
            recall = self.machines.agreed(float(found.recall.mean()) if found else 0.0)
            if ndcg > self.best:
                self.best, self.best_epoch = ndcg, self.epoch
                self._best_weights = {
                    name: weight.detach().clone()
                    for name, weight in self.stepper.best_weights().items()
                }
        self.curves.ndcg.append(ndcg)
        self.curves.recall.append(recall)

    def _identity(self) -> dict[str, Any]:
        """Return what must be the same to resume: shape, options, and a hash of the events."""
        digest = hashlib.sha256()
        for values in (self.events.shoppers, self.events.items, self.events.times):
            digest.update(values.tobytes())
        digest.update(self.events.content.tobytes())
        described = {"config": self.config.as_json(), "options": self.options.as_json()}
        return json.loads(json.dumps({**described, "events": digest.hexdigest()}))

    def _save(self) -> None:
        if self.checkpoint is None or not self.machines.leads:
            return
        stepper = self.stepper
        tensors = {f"model.{name}": each for name, each in stepper.model.weights.items()}
        tensors |= {f"average.{name}": each for name, each in stepper.average.items()}
        tensors |= {f"best.{name}": each for name, each in self._best_weights.items()}
        state = self._identity() | {
            "epoch": self.epoch,
            "steps_done": self.steps_done,
            "step": stepper.step,
            "sums": self._sums,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "curves": self.curves.as_json(),
        }
        save_checkpoint(self.checkpoint, tensors | optimizer_tensors(stepper.optimizer), state)

    def _resume(self) -> None:
        found = self.checkpoint and load_checkpoint(self.checkpoint, self._identity())
        if not found:
            return
        tensors, state = found
        stepper, torch = self.stepper, package("torch")
        with torch.no_grad():
            for name, weight in stepper.model.weights.items():
                weight.copy_(tensors[f"model.{name}"])
                stepper.average[name].copy_(tensors[f"average.{name}"])
        self._best_weights = {
            name.removeprefix("best."): tensor.to(self.machines.device)
            for name, tensor in tensors.items()
            if name.startswith("best.")
        }
        restore_optimizer(stepper.optimizer, tensors)
        self.epoch, self.steps_done, stepper.step = (
            state["epoch"],
            state["steps_done"],
            state["step"],
        )
        self._sums = (state["sums"][0], state["sums"][1])
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.curves = Curves(**state["curves"])
        logger.info("Training continues in epoch %d.", self.epoch + 1)
