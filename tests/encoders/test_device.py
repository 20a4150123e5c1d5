import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from similarity.encoders import device
from similarity.exceptions import ConfigurationError, EncoderError


@pytest.fixture(autouse=True)
def _own_processes(monkeypatch):
    monkeypatch.delenv(device.PROCESSES_VARIABLE, raising=False)


def test_auto_takes_the_best_there_is(settings, monkeypatch):
    settings.SIMILARITY = {"WORKERS": {"DEVICE": "auto"}}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device.device() == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device.device() == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.device() == "cuda"


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", "", "tpu:0"])
def test_unknown_device_names_the_choices(settings, wanted):
    settings.SIMILARITY = {"WORKERS": {"DEVICE": wanted}}
    with pytest.raises(ConfigurationError, match="use auto, cpu, mps, cuda"):
        device.device()


def test_absent_device_is_refused(settings, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    settings.SIMILARITY = {"WORKERS": {"DEVICE": "cuda:1"}}
    assert device.device() == "cuda:1"
    settings.SIMILARITY = {"WORKERS": {"DEVICE": "cuda:2"}}
    with pytest.raises(ConfigurationError, match=r"cuda:2.*does not find"):
        device.device()


def test_half_precision_on_cuda_only(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "autocast", lambda kind, dtype: asked.append((kind, dtype)))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    with device.autocast("cpu"):
        assert not asked
    device.autocast("cuda:0")
    device.autocast("cuda:0", bfloat16=True)
    assert asked == [("cuda", torch.float16), ("cuda", torch.bfloat16)]


@pytest.mark.parametrize(("quota", "most"), [("150000 100000", 2), ("max 100000", 99), ("", 99)])
def test_cores_follow_affinity_and_container_quota(monkeypatch, tmp_path, quota, most):
    """A container of two CPUs on a machine of 64 must not start 64 threads."""
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    monkeypatch.setattr(device, "CPU_QUOTA", file)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(99)), raising=False)
    assert device.cores() == most


def test_threads_are_cores_by_processes(monkeypatch):
    used = []
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    monkeypatch.setattr(device, "cores", lambda: 8)
    for processes, threads in (("1", 8), ("3", 2), ("16", 1)):
        monkeypatch.setenv(device.PROCESSES_VARIABLE, processes)
        device.limit_threads.cache_clear()
        assert device.limit_threads() == threads
    device.limit_threads.cache_clear()
    assert used == [8, 2, 1]


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_bad_number_of_processes_is_named(monkeypatch, value):
    monkeypatch.setenv(device.PROCESSES_VARIABLE, value)
    with pytest.raises(ConfigurationError, match=device.PROCESSES_VARIABLE):
        device.worker_processes()


@pytest.mark.parametrize(
    ("pool", "processes"), [("celery.concurrency.prefork", 4), ("celery.concurrency.thread", 1)]
)
def test_worker_tells_its_children_how_many_they_are(monkeypatch, pool, processes):
    monkeypatch.setenv(device.PROCESSES_VARIABLE, "1")  # so that monkeypatch cleans up
    monkeypatch.delenv(device.PROCESSES_VARIABLE)
    worker = SimpleNamespace(pool_cls=SimpleNamespace(__module__=pool), concurrency=4)
    device.note_worker_processes(sender="worker@host", instance=worker, conf=None)
    assert device.worker_processes() == processes


def doubled(limit, seen, error=None):
    """A network that runs out of memory above ``limit`` rows."""

    def forward(batch):
        seen.append(len(batch))
        if len(batch) > limit:
            raise error or torch.OutOfMemoryError("CUDA out of memory.")
        return np.array([[2.0 * row] for row in batch], np.float32)

    return forward


def test_batch_out_of_memory_is_halved_and_nothing_is_lost():
    seen = []
    rows = list(range(20))
    done = list(device.run_batches([rows[:16], rows[16:]], doubled(5, seen)))
    assert [row for batch, _ in done for row in batch] == rows
    assert np.concatenate([result for _, result in done]).ravel().tolist() == [2 * r for r in rows]
    assert max(len(batch) for batch, _ in done) <= 5


def test_size_that_fits_is_remembered():
    """Else every batch of a long run would fail first."""
    seen = []
    batches = [list(range(16))] * 10
    list(device.run_batches(batches, doubled(4, seen)))
    assert sum(size > 4 for size in seen) == 2


@pytest.mark.parametrize(
    "message",
    [
        "MPS backend out of memory (MPS allocated: 9 GB)",
        "DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_out_of_memory_of_other_devices_is_known(message):
    done = list(device.run_batches([[1, 2]], doubled(1, [], RuntimeError(message))))
    assert len(done) == 2


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shape mismatch"):
        list(device.run_batches([[1, 2]], doubled(1, [], RuntimeError("shape mismatch"))))


def test_single_item_out_of_memory_says_what_to_do():
    with pytest.raises(EncoderError, match=r"single item.*max_tokens"):
        list(device.run_batches([[1, 2]], doubled(0, [])))


class FakeTensor:
    """Writes down where it went; there is no GPU here."""

    def __init__(self):
        self.calls = []

    def pin_memory(self):
        self.calls.append("pinned")
        return self

    def to(self, where, **how):
        self.calls.append((where, how))
        return self


def test_copies_to_a_gpu_start_from_pinned_memory_and_are_not_waited_for(monkeypatch):
    tensor = FakeTensor()
    monkeypatch.setattr(torch, "from_numpy", lambda array: tensor)
    device.to_device(np.zeros(3), "cuda:1")
    assert tensor.calls == ["pinned", ("cuda:1", {"non_blocking": True})]
    tensor.calls.clear()
    device.to_device(np.zeros(3), "cpu")
    assert tensor.calls == [("cpu", {})]
