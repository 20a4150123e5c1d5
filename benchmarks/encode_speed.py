"""Texts and photos a second, with and without what is meant to make encoding fast.

    python benchmarks/encode_speed.py                               # a minute on 2 idle cores
    python benchmarks/encode_speed.py --texts 20000 --images 2000   # for a GPU

Texts have lengths as product texts do (a few words to some hundreds), photos are noise of
300 to 1,200 pixels saved as JPEG, both made from a fixed seed. Each figure is the best of
``--repeat`` runs; the first also warms up. Where other processes keep the cores busy, the
processor time of each item, all threads together, says more than the rate.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import django
import numpy as np
from django.conf import settings
from machine import machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WORDS = "red blue cotton shirt running shoe with soft lining for men and women by hand".split()  # noqa: SIM905


def main() -> None:
    options = arguments()
    settings.configure(SIMILARITY={"DEVICE": options.device}, INSTALLED_APPS=[])
    django.setup()
    dice = np.random.default_rng(1)
    print(f"{options.texts} texts, {options.images} photos; {machine()}\n")
    print("| what | per second | against | CPU ms each |\n| --- | --- | --- | --- |", flush=True)
    if options.texts:
        report(text_rows(make_texts(dice, options.texts), options.repeat))
    if options.images:
        report(image_rows(make_photos(dice, options.images), options.repeat))


class Speed(NamedTuple):
    per_second: float
    cpu_ms: float


Row = tuple[str, Speed, Speed]  # what, its speed, and the speed it is held against


def report(rows: Iterable[Row]) -> None:
    """Each as soon as it is measured."""
    for what, speed, base in rows:
        against = speed.per_second / base.per_second
        print(
            f"| {what} | {speed.per_second:.1f} | {against:.2f} | {speed.cpu_ms:.1f} |", flush=True
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=200, help="texts to encode (200; 0: none)")
    parser.add_argument("--images", type=int, default=64, help="photos to encode (64; 0: none)")
    parser.add_argument("--repeat", type=int, default=2, help="runs, the best counts (2)")
    parser.add_argument("--device", default="auto", help="auto, cpu, mps, cuda or cuda:0")
    return parser.parse_args()


def make_texts(dice: np.random.Generator, count: int) -> list[str]:
    lengths = np.clip(dice.lognormal(3.2, 1.0, count), 3, 250).astype(int)
    return [f"{n} " + " ".join(dice.choice(WORDS, length)) for n, length in enumerate(lengths)]


def make_photos(dice: np.random.Generator, count: int) -> list[bytes]:
    from PIL import Image

    photos = []
    for _ in range(count):
        side = int(dice.integers(300, 1200))
        small = dice.integers(0, 255, (24, 24, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(small).resize((side, side)).save(buffer, "JPEG", quality=88)
        photos.append(buffer.getvalue())
    return photos


def text_rows(texts: list[str], repeat: int) -> Iterator[Row]:
    """Sorted batches under the token budget, against batches of 32 in the order given."""
    from similarity.encoders import device
    from similarity.encoders.text import TransformerTextEncoder

    encoder = TransformerTextEncoder()
    tower = encoder.tower
    device.limit_threads()

    def unsorted() -> None:
        tokens = tower.tokenise(texts)
        for start in range(0, len(tokens), 32):
            tower.forward(tokens[start : start + 32])

    base = rate(unsorted, len(texts), repeat)
    yield "texts, batches of 32 in the order given", base, base
    fast = rate(lambda: encoder.encode_texts(texts), len(texts), repeat)
    yield "texts, sorted by length under the token budget", fast, base


def image_rows(photos: list[bytes], repeat: int) -> Iterator[Row]:
    """The network in both memory orders, decoding, and both together."""
    import torch

    from similarity.catalog.content import ImageRef, ProductContent
    from similarity.encoders import images
    from similarity.encoders.image import VisionEncoder, fitted

    encoder = VisionEncoder()
    tower = encoder.tower
    pixels = np.stack(
        [np.asarray(fitted(images.decode(data), tower.size, "stretch")) for data in photos]
    )

    def network() -> None:
        for start in range(0, len(pixels), 32):
            tower.forward(pixels[start : start + 32])

    def whole() -> None:
        # New references each time, so that no decoded photo is found in the cache.
        refs = [ImageRef(str(at), lambda n, data=data: data) for at, data in enumerate(photos)]
        encoder.encode([ProductContent(key="1", title="", images=[ref]) for ref in refs])

    features = tower.features
    tower.network.to(memory_format=torch.contiguous_format)
    tower.features = lambda batch: features(batch.contiguous())
    base = rate(network, len(photos), repeat)
    yield "photos, network alone, contiguous", base, base
    tower.network.to(memory_format=torch.channels_last)
    tower.features = features
    yield "photos, network alone, channels_last", rate(network, len(photos), repeat), base
    decoding = rate(lambda: [images.decode(data) for data in photos], len(photos), repeat)
    yield "photos, decoding alone", decoding, base
    yield "photos, decoded and encoded", rate(whole, len(photos), repeat), base


def rate(run: Callable[[], object], count: int, repeat: int) -> Speed:
    """The best of ``repeat`` runs over ``count`` items."""
    runs = []
    for _ in range(repeat):
        start, cpu = time.perf_counter(), time.process_time()
        run()
        runs.append((time.perf_counter() - start, time.process_time() - cpu))
    return Speed(count / min(wall for wall, _ in runs), 1000 * min(cpu for _, cpu in runs) / count)


if __name__ == "__main__":
    main()
