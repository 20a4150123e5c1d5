"""Describe the machine of a measurement, as the benchmarks print it."""

import os
import platform
from pathlib import Path


def processor() -> str:
    """Return the processor, the cores this process may use, and their load; needs no Django."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0].partition(":")[2].strip() if models else name
    own = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if own else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{name}, {cores} cores{load}"


def machine() -> str:
    """Return :func:`processor` with the device for encoding and torch's version.

    Reads ``SIMILARITY["WORKERS"]["DEVICE"]``: settings must be configured.
    """
    import torch

    from similarity.encoders import device

    chosen = device.device()
    if chosen.startswith("cuda"):
        chosen += f" ({torch.cuda.get_device_name(chosen)})"
    return f"{processor()}, device {chosen}, torch {torch.__version__}"
