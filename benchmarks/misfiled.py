"""Measure how well misfiled products are found: move some products of a real catalogue.

    python benchmarks/misfiled.py                      # myntra and retail-text, 1 % misfiled
    python benchmarks/misfiled.py --dataset luma --share 0.02 --rounds 20

Categories are the data sets' own type labels, which encoders do not see. Products listed before the
move come from the data sets themselves: a type that is hard to recognise, or a mistake. "Found" is
the share of moved products that are listed. "Right" is the share of moved products among the listed
products, without those listed before. Vectors are kept in the cache of `manage.py similarity
evaluate`, so a second run encodes no products and takes seconds. No database and no server is used.
"""

import argparse
import os
import random
import sys
import time
from pathlib import Path

import django
import numpy as np
from django.conf import settings
from machine import machine
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from similarity import conf
from similarity.encoders.base import unit_rows
from similarity.encoders.fusion import Fusion
from similarity.encoders.registry import get_encoders
from similarity.insights import misfiled
from similarity.training.datasets import FORMATS, load_dataset
from similarity.training.vector_cache import VectorCache


def main() -> None:
    options = read_options()
    settings.configure(SIMILARITY={}, INSTALLED_APPS=[])
    django.setup()
    print(f"Machine: {machine()}\n")
    print("| catalogue | products | types | listed before | found | right | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in options.dataset:
        print(f"| {' | '.join(trial(name, options))} |")


def read_options() -> argparse.Namespace:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--dataset", action="append", choices=list(FORMATS), help="may be given several times"
    )
    parser.add_argument("--share", type=float, default=0.01, help="of the products moved (0.01)")
    parser.add_argument("--rounds", type=int, default=10, help="times others are moved (10)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("SIMILARITY_DATA_DIR") or "../shared/data"),
    )
    parser.add_argument("--cache", type=Path, default=cache / "django-similarity")
    options = parser.parse_args()
    options.dataset = options.dataset or ["myntra", "retail-text"]
    return options


def trial(name: str, options: argparse.Namespace) -> list[str]:
    """Return a table row; found and right are means over the rounds."""
    dataset = load_dataset(name, options.data_dir)
    names, codes = types([sorted(label)[:1] for label in dataset.labels["type"]])
    vectors = seen(dataset, options)
    started = time.perf_counter()
    neighbours = misfiled.nearest(vectors, dataset.groups)
    before = listed(neighbours, codes, names)
    took = time.perf_counter() - started
    chance = random.Random(4)  # noqa: S311 - a choice, not a secret
    found, right = [], []
    known = [row for row, code in enumerate(codes) if code >= 0 and row not in before]
    for _ in range(options.rounds):
        moved = chance.sample(known, max(1, round(options.share * len(known))))
        changed = codes.copy()
        for row in moved:
            others = [code for code in range(len(names)) if code != codes[row]]
            changed[row] = chance.choice(others)
        after = listed(neighbours, changed, names) - before
        found.append(len(after & set(moved)) / len(moved))
        right.append(len(after & set(moved)) / max(1, len(after)))
    return [
        *(name, str(len(codes)), str(len(names)), str(len(before))),
        *(f"{np.mean(found):.0%}", f"{np.mean(right):.0%}", f"{took:.1f}"),
    ]


def types(labels: list[list[str]]) -> tuple[list[str], misfiled.IntArray]:
    names = sorted({label for some in labels for label in some})
    numbers = {name: number for number, name in enumerate(names)}
    return names, np.array([numbers[some[0]] if some else -1 for some in labels])


def seen(dataset, options: argparse.Namespace):
    """Return the rows as for the map: reduced parts of the default version, without attributes."""
    encoders = get_encoders()
    with tqdm(total=len(dataset.contents), desc=dataset.name, unit="", disable=None) as bar:
        parts = VectorCache(options.cache / dataset.name).encode(
            encoders, dataset.contents, bar.update
        )
    fusion = Fusion.fit(parts, conf.weights(), conf.dimensions())
    reduced = fusion.fuse(parts).parts
    blocks = [
        np.sqrt(fusion.weights[part]) * encoded.vectors
        for part, encoded in reduced.items()
        if part != misfiled.LEFT_OUT
    ]
    return unit_rows(np.concatenate(blocks, axis=1))


def listed(
    neighbours: misfiled.NearestRows, codes: misfiled.IntArray, names: list[str]
) -> set[int]:
    share = misfiled.shares(neighbours, codes, names)
    return {one.row for one in misfiled.misfiled(neighbours, share, codes, names)}


if __name__ == "__main__":
    main()
