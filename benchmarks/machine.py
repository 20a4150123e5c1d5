"""The machine a figure was measured on, as the benchmarks print it."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, cores this process may use, device, torch version and the load on it all.

    Reads ``SIMILARITY["DEVICE"]``: settings must be configured.
    """
    import torch

    from similarity.encoders import device

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0].partition(":")[2].strip() if models else name
    chosen = device.device()
    if chosen.startswith("cuda"):
        name += f", {torch.cuda.get_device_name(chosen)}"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{name}, {device.cores()} cores, device {chosen}, torch {torch.__version__}{load}"
