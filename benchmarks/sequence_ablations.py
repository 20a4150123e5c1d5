"""Measure what each part of the sequence model is worth: leave one out, and measure again.

    python benchmarks/sequence_ablations.py --data beauty
    python benchmarks/sequence_ablations.py --data drugstore --seeds 3
    python benchmarks/sequence_ablations.py --data beauty --transfer     # warm starts

Leave-one-out over the full catalogue, with the defaults but for the part that is named. With
--transfer, a model learns from one half of the shoppers, as another shop would, and its weights
without ids start the training on 1 %, 10 % and 100 % of the other half.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.small_shop_settings")

from benchmarks.machine import processor
from benchmarks.sequence_packs import CONTENT_DIM, PACKS, load_pack
from benchmarks.sequences import heading, line, train

ABLATIONS: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "without content": {"content_dim": 0},
    "without dropping ids": {"id_dropout": 0.0},
    "without time gaps": {"gap_dropout": 1.0},
    "inner product instead of cosine": {"cosine": False},
    "order of layers of SASRec": {"wiring": "sasrec"},
    "uniform negatives alone": {"in_batch": 0.0},
    "in-batch negatives alone": {"in_batch": 1.0},
    "a quarter of the negatives": {"negatives": 128},
    "gBCE": {"loss": "gbce"},
    "full softmax": {"loss": "full"},
    "one block": {"blocks": 1},
    "half the dimension": {"dim": 64, "hidden": 64},
}
SHARES = (0.01, 0.1, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="beauty", help=f"{', '.join(PACKS)}, or a file (beauty)")
    parser.add_argument(
        "--data-dir", type=Path, default=os.environ.get("SIMILARITY_DATA_DIR", "../shared/data")
    )
    parser.add_argument("--seeds", type=int, default=1, help="runs of each (1)")
    parser.add_argument("--epochs", type=int, default=40, help="most epochs (40)")
    parser.add_argument("--only", nargs="*", choices=list(ABLATIONS), help="only these (all)")
    parser.add_argument("--transfer", action="store_true", help="measure warm starts instead")
    options = parser.parse_args()
    import django

    django.setup()
    import torch

    torch.set_num_threads(1)
    data = load_pack(options.data, Path(options.data_dir), CONTENT_DIM)
    print(f"{options.data}: {data.window()}; {processor()}\n", flush=True)
    if options.transfer:
        transfer(data, options)
    else:
        ablate(data, options)


def ablate(data: Any, options: argparse.Namespace) -> None:
    from similarity.shoppers.training.splits import leave_one_out

    split = leave_one_out(data)
    heading("changed", "validation NDCG@10")
    for name in options.only or ABLATIONS:
        runs = []
        for seed in range(options.seeds):
            changes = ABLATIONS[name] | {"epochs": options.epochs}
            trained, spent = train(split.validation, seed, **changes)
            runs.append(measured(trained, split) | spent)
        line(name, runs)


def measured(trained: Any, split: Any) -> dict[str, float]:
    from similarity.shoppers.training.measures import evaluate
    from similarity.shoppers.training.scoring import SequenceScorer

    scorer = SequenceScorer(trained.model)
    checked = evaluate(scorer, split.validation.questions)
    found = evaluate(scorer, split.test.questions).figures()
    return found | {"validation": float(checked.ndcg.mean())}


def transfer(data: Any, options: argparse.Namespace) -> None:
    from similarity.shoppers.training.splits import leave_one_out, select_events

    dice = np.random.default_rng(0)
    theirs = dice.random(data.shopper_count) < 0.5
    other = select_events(data, theirs[data.shoppers])
    source, _spent = train(leave_one_out(other).validation, 0, epochs=options.epochs)
    weights = {name: each.numpy() for name, each in source.model.weights.items() if name != "ids"}
    heading("start", "validation NDCG@10")
    for share in SHARES:
        kept = ~theirs & (dice.random(data.shopper_count) < share)
        split = leave_one_out(select_events(data, kept[data.shoppers]))
        for name, first in (("from nothing", None), ("warm", weights)):
            runs = []
            for seed in range(options.seeds):
                trained, spent = train(split.validation, seed, first=first, epochs=options.epochs)
                runs.append(measured(trained, split) | spent)
            line(f"{name}, {share:.0%}", runs)


if __name__ == "__main__":
    main()
