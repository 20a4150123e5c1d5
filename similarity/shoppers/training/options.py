"""How a sequence model is trained. The defaults were chosen on validation splits, see the docs."""

from dataclasses import asdict, dataclass
from typing import Any

from similarity.exceptions import TrainingError

LOSSES = ("sampled", "gbce", "full")


@dataclass(frozen=True)
class TrainingOptions:
    """Hyper-parameters of training; those of the model's shape are in ``SequenceConfig``."""

    epochs: int = 40
    #: Evaluations without progress before training stops, and epochs from one to the next.
    patience: int = 3
    evaluate_every: int = 2
    #: Events of a batch, on all machines together; ``accumulate`` batches make a step.
    batch: int = 2048
    accumulate: int = 1
    rate: float = 3e-3
    warmup_steps: int = 100
    #: How strongly the matrices, and the id vectors, are drawn to zero.
    decay: float = 0.0
    id_decay: float = 0.0
    dropout: float = 0.5
    #: Share of items whose id vector is dropped, so that content alone must do.
    id_dropout: float = 0.1
    #: Share of time gaps that are hidden, because the time of an answer may be unknown.
    gap_dropout: float = 0.2
    loss: str = "sampled"
    #: Negatives of a step, and the share of them that are targets of the same batch.
    negatives: int = 512
    in_batch: float = 0.5
    #: Of the loss "gbce".
    calibration: float = 0.75
    #: Of the loss "full": share of a target that is spread over all items.
    smoothing: float = 0.0
    #: Scores are cosines divided by this, if the model's config has ``cosine``.
    temperature: float = 0.07
    #: The evaluated weights are a running average with this memory; 0: the last weights.
    averaging: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise TrainingError(f"loss is {self.loss!r}; it must be one of {', '.join(LOSSES)}.")
        for name in ("dropout", "id_dropout", "gap_dropout", "in_batch", "smoothing", "averaging"):
            self._require(name, 0, 1)
        for name in ("epochs", "patience", "evaluate_every", "batch", "accumulate", "negatives"):
            self._require(name, 1, 10**9)
        for name in ("rate", "decay", "id_decay", "warmup_steps", "seed"):
            self._require(name, 0, 10**9)
        self._require("temperature", 0.001, 100)

    def _require(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise TrainingError(f"{name} is {value!r}; it must be from {low} to {high}.")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
