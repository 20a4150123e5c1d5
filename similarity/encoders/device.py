"""Device, precision and threads of the networks, and batches that shrink when memory ends.

torch is imported only inside the functions. CUDA is first used at the first batch, in the worker's
child process, because a CUDA context does not survive a fork.
"""

import logging
import os
import platform
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity import conf
from similarity.encoders.base import FloatArray
from similarity.encoders.weights import package
from similarity.exceptions import ConfigurationError, EncoderError

logger = logging.getLogger(__name__)

#: The Celery worker sets it for its children (:func:`note_worker_processes`). Set it by hand if
#: several processes that encode share a machine.
PROCESSES_VARIABLE = "SIMILARITY_PROCESSES"

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def device() -> str:
    """Return the device of ``SIMILARITY["WORKERS"]["DEVICE"]``.

    ``auto`` takes cuda, mps, cpu in this order. Raises :class:`ConfigurationError` if torch does
    not have the device.
    """
    torch = package("torch")
    wanted = str(conf.get("WORKERS", "DEVICE"))
    usable = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if wanted == "auto":
        return next(name for name, is_usable in usable.items() if is_usable())
    kind, _, number = wanted.partition(":")
    if kind not in usable or (number and not number.isdecimal()):
        raise ConfigurationError(
            f"SIMILARITY['WORKERS']['DEVICE'] is {wanted!r}; use auto, cpu, mps, cuda or cuda:0."
        )
    if not usable[kind]() or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        raise ConfigurationError(
            f"SIMILARITY['WORKERS']['DEVICE'] is {wanted!r}, which torch {torch.__version__} does "
            "not find on "
            "this machine; set 'auto', or install a driver and a torch build that match."
        )
    return wanted


def autocast(device: str, *, bfloat16: bool = False) -> AbstractContextManager[Any]:
    """Return a context of half precision on a GPU; full on a CPU, because half is slower there.

    ``bfloat16`` is for networks trained in it, because float16 cannot hold their activations.
    """
    if not device.startswith("cuda"):
        return nullcontext()
    torch = package("torch")
    half = torch.bfloat16 if bfloat16 and torch.cuda.is_bf16_supported() else torch.float16
    return torch.autocast("cuda", dtype=half)


def processor() -> str:
    """Return the processor's name, as far as this system reveals it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    """Return the cores this process may use: its affinity, limited by a container's CPU quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = CPU_QUOTA.read_text().split()
        count = min(count or 1, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup v2, or a quota of "max"
        pass
    return max(1, count or 1)


def worker_processes() -> int:
    """Return the processes on this machine that encode side by side; 1 outside a worker."""
    value = os.environ.get(PROCESSES_VARIABLE, "1")
    if not value.isdecimal() or int(value) < 1:
        raise ConfigurationError(
            f"The environment variable {PROCESSES_VARIABLE} is {value!r}; set it to the number "
            "of worker processes on this machine, 1 or more."
        )
    return int(value)


def note_worker_processes(instance: Any, **kwargs: Any) -> None:
    """Pass the number of a Celery worker's children to them (signal ``celeryd_after_setup``).

    Only a prefork pool has several processes. Threads share one network and its cores.
    """
    if "prefork" in instance.pool_cls.__module__:
        os.environ.setdefault(PROCESSES_VARIABLE, str(instance.concurrency))


@cache
def limit_threads() -> int:
    """Give torch cores ÷ worker processes threads, once a process; return the number.

    Otherwise each of N processes would start a thread for every core, and the threads would
    compete.
    """
    count = max(1, cores() // worker_processes())
    package("torch").set_num_threads(count)
    return count


@contextmanager
def one_thread() -> Iterator[None]:
    """Use a single thread for small work, because several threads would wait for each other.

    On a machine with busy cores that wait takes a hundred times as long as the work.
    """
    torch = package("torch")
    usual = limit_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def run_batches(
    batches: Iterable[Sequence[Any]], forward: Callable[[Sequence[Any]], FloatArray]
) -> Iterator[tuple[Sequence[Any], FloatArray]]:
    """Yield (batch, ``forward(batch)``); halve a batch that does not fit in memory.

    Later batches are cut to the size that fitted. Raises :class:`EncoderError` if a single item
    does not fit.
    """
    most: int | None = None
    for batch in batches:
        waiting = deque([batch])
        while waiting:
            part = waiting.popleft()
            if most is not None and len(part) > most:
                waiting.extendleft([part[most:], part[:most]])
                continue
            result = _unless_out_of_memory(part, forward)
            if result is None:
                most = _smaller(len(part))
                waiting.appendleft(part)
            else:
                yield part, result


def _unless_out_of_memory(
    batch: Sequence[Any], forward: Callable[[Sequence[Any]], FloatArray]
) -> FloatArray | None:
    try:
        result = forward(batch)
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        # Keep no reference to the error, because its traceback holds the tensors that fill the
        # memory.
        logger.warning("Out of memory with %d items in a batch.", len(batch))
        result = None
    if result is None:
        _free_memory()
    return result


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Return True for CUDA's error class, or for the message of MPS and the CPU allocator."""
    message = str(error)
    return (
        isinstance(error, package("torch").OutOfMemoryError)
        or "out of memory" in message
        or "can't allocate memory" in message
    )


def _smaller(size: int) -> int:
    if size <= 1:
        raise EncoderError(
            "Out of memory with a single item in the batch; lower max_tokens, choose a smaller "
            "model, or set SIMILARITY['WORKERS']['DEVICE'] to 'cpu'."
        )
    return size // 2


def _free_memory() -> None:
    torch = package("torch")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def to_device(array: npt.NDArray[Any], device: str) -> Any:
    """Copy an array to the device as a tensor; to a GPU by page-locked memory, asynchronously."""
    tensor = package("torch").from_numpy(array)
    if device.startswith("cuda"):
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def to_numpy(tensor: Any) -> FloatArray:
    """Return a tensor as float32 on the CPU."""
    return np.asarray(tensor.float().cpu().numpy(), dtype=np.float32)
