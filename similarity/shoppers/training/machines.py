"""Where training runs: the device, half precision on a GPU, and several processes by torchrun."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from similarity.encoders.weights import package


class Machines:
    """The processes that train together; a single one without ``torchrun``.

    Each computes the gradients of its share of a step's batches. They are added up, so all
    processes have the same weights after each step. Process 0 evaluates and saves.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.rank = int(os.environ.get("RANK", 0))
        self.count = int(os.environ.get("WORLD_SIZE", 1))
        self.device = device
        if device == "cuda" and self.count > 1:
            self.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        self._distributed: Any = None

    def __enter__(self) -> "Machines":
        if self.count > 1:
            self._distributed = package("torch.distributed")
            backend = "nccl" if self.device.startswith("cuda") else "gloo"
            self._distributed.init_process_group(backend)
        return self

    def __exit__(self, *error: object) -> None:
        if self._distributed is not None:
            self._distributed.destroy_process_group()
            self._distributed = None

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def half_precision(self) -> AbstractContextManager[Any]:
        """Return a context of bfloat16 on a GPU that has it; full precision elsewhere."""
        torch = package("torch")
        if self.device.startswith("cuda") and torch.cuda.is_bf16_supported():
            half: AbstractContextManager[Any] = torch.autocast("cuda", dtype=torch.bfloat16)
            return half
        return nullcontext()

    def add_gradients(
        self, weights: dict[str, Any], total: float, targets: int
    ) -> tuple[float, int]:
        """Add up the gradients, the loss and the number of targets over all processes."""
        if self._distributed is None:
            return total, targets
        torch = package("torch")
        for weight in weights.values():
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            self._distributed.all_reduce(weight.grad)
        sums = torch.tensor([total, float(targets)], dtype=torch.float64, device=self.device)
        self._distributed.all_reduce(sums)
        return float(sums[0]), int(sums[1])

    def agreed(self, value: float) -> float:
        """Return process 0's value in each process."""
        if self._distributed is None:
            return value
        tensor = package("torch").tensor(
            [value], dtype=package("torch").float64, device=self.device
        )
        self._distributed.broadcast(tensor, 0)
        return float(tensor[0])
