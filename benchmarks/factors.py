"""Measure the factor model beside popularity and co-occurrence, and its calibration.

    python benchmarks/factors.py --data lastfm
    python benchmarks/factors.py --data beauty --seeds 3

Reads the packs ``beauty`` and ``lastfm`` in SIMILARITY_DATA_DIR: a line is a shopper and their
items in the order of time. Leave-one-out: the last item is asked for, among all items that the
shopper does not know; the one before it decides when training stops. Items have no content.
"""

import argparse
import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.small_shop_settings")

from benchmarks.machine import processor

FILES = {"beauty": "beauty/Beauty.txt", "lastfm": "lastfm/LastFM.txt"}


def load(name: str, folder: Path) -> Any:
    """Return the pack's interactions, a second apart."""
    import numpy as np

    from similarity.shoppers.interactions import Interactions

    lines = (folder / FILES[name]).read_text().splitlines()
    sequences = [np.array(line.split()[1:], dtype=np.int32) - 1 for line in lines]
    lengths = [len(sequence) for sequence in sequences]
    items = np.concatenate(sequences)
    count = int(items.max()) + 1
    return Interactions(
        shoppers=np.repeat(np.arange(len(sequences)), lengths).astype(np.int32),
        items=items,
        kinds=np.ones(len(items), dtype=np.int8),
        times=np.concatenate([np.arange(length) for length in lengths]),
        content=np.zeros((count, 1), dtype=np.float32),
        names=[str(number) for number in range(count)],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=list(FILES), default="lastfm")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("SIMILARITY_DATA_DIR"))
    parser.add_argument("--seeds", type=int, default=3, help="runs of the factor model (3)")
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("name the folder of the packs by --data-dir or SIMILARITY_DATA_DIR")
    import django

    django.setup()
    run(options)


def run(options: argparse.Namespace) -> None:
    from similarity.shoppers.training.baselines import CoOccurrence, Popularity
    from similarity.shoppers.training.calibration import calibrate
    from similarity.shoppers.training.factors import FactorModel, FactorOptions
    from similarity.shoppers.training.splits import leave_one_out

    data = load(options.data, Path(options.data_dir))
    split = leave_one_out(data)
    print(f"{options.data}: {data.window()}; {processor()}\n")
    for scorer in (Popularity(), CoOccurrence()):
        report(scorer.name, [measure(scorer, split)])
    found = []
    for seed in range(options.seeds):
        scorer = FactorModel(replace(FactorOptions(), seed=seed))
        found.append(measure(scorer, split, split.validation.questions))
    report(f"factors, {options.seeds} seeds", found)
    told = calibrate(scorer, split.validation.questions, split.test.questions)
    for when in ("before", "after"):
        print(f"calibration {when}: Brier {told[when]['brier']:.4f}, ECE {told[when]['ece']:.4f}")


def measure(scorer: Any, split: Any, *validation: Any) -> dict[str, float]:
    from similarity.shoppers.training.measures import evaluate

    began = time.perf_counter()
    scorer.fit(split.test.train, *validation)
    took_s = time.perf_counter() - began
    return evaluate(scorer, split.test.questions).figures() | {"seconds": took_s}


def report(name: str, runs: list[dict[str, float]]) -> None:
    cells = []
    for measure in ("recall@10", "ndcg@10", "coverage@10", "seconds"):
        values = [each[measure] for each in runs]
        spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        cells.append(f"{measure} {statistics.mean(values):.4f}{spread}")
    print(f"{name:18} {'  '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
