"""Measure texts and photos by one process and by several; each process is ``encode.py --child``."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from encode_inputs import make_photos, make_texts, products
from encode_networks import fresh

SCRIPT = Path(__file__).with_name("encode.py")


def processes(options: argparse.Namespace, folder: str) -> None:
    """Print rates of one process on one core, one process on all, and one process per core."""
    from similarity.encoders import device

    cores = device.cores()
    rates = {
        f"{count} of {cores // share} thread(s)": children(count, share, options, folder)
        for count, share in ((1, cores), (1, 1), (cores, cores))
    }
    base = next(iter(rates.values()))
    print("\n| processes | texts/s | against one | CPU ms each ", end="")
    print("| photos/s | against one | CPU ms each |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, stages in rates.items():
        cells = [
            f"{rate:.1f} | {rate / one:.2f} | {1000 * cpu_s:.1f}"
            for (rate, cpu_s), (one, _) in zip(stages, base, strict=True)
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def children(
    count: int, share: int, options: argparse.Namespace, folder: str
) -> list[tuple[float, float]]:
    """Return for texts and photos the joint rate of ``count`` processes, and CPU seconds per item.

    Each process uses cores ÷ ``share`` threads.
    """
    command = [sys.executable, str(SCRIPT), "--child", folder, "--device", "cpu"]
    command += ["--texts", str(options.texts), "--images", str(options.images)]
    environment = {**os.environ, "SIMILARITY_PROCESSES": str(share)}
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    started = [
        subprocess.Popen(
            [*command, *(["--core", str(allowed[number])] if share == len(allowed) > 1 else [])],
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(count)
    ]
    best = [(0.0, float("inf"))] * 2
    for stage in range(2):
        for process in started:
            process.stdout.readline()  # it is ready
        for _ in range(options.repeat):
            for process in started:
                process.stdin.write("go\n")
                process.stdin.flush()
            told = [json.loads(process.stdout.readline()) for process in started]
            rate, cpu_s = sum(each[0] for each in told), sum(each[1] for each in told) / count
            best[stage] = max(best[stage][0], rate), min(best[stage][1], cpu_s)
        for process in started:
            process.stdin.write("next\n")
            process.stdin.flush()
    for process in started:
        process.wait()
    return best


def keep_to(core: int | None) -> None:
    """Move all threads to one core; otherwise threads that decode and tokenise use other cores."""
    tasks = Path("/proc/self/task")
    if core is not None and tasks.exists():
        for task in tasks.iterdir():
            os.sched_setaffinity(int(task.name), {core})


def child(options: argparse.Namespace) -> None:
    """Report when loaded, encode on each line from the parent, and print the rate."""
    from similarity.encoders.image import VisionEncoder
    from similarity.encoders.text import TransformerTextEncoder

    encoder, seen = TransformerTextEncoder(), make_texts(options.texts)
    photos, vision = make_photos(options.images), VisionEncoder()

    def photos_encoded() -> None:
        vision.known.clear()
        vision.encode(products(photos))

    works = [(lambda: fresh(encoder, seen), len(seen)), (photos_encoded, len(photos))]
    for work, count in works:
        work()
        keep_to(options.core)
        print("ready", flush=True)
        while sys.stdin.readline().strip() == "go":
            start, cpu = time.perf_counter(), time.process_time()
            work()
            wall, used = time.perf_counter() - start, time.process_time() - cpu
            print(json.dumps([count / wall, used / count]), flush=True)
