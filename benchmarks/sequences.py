"""Measure the sequence model beside other libraries: quality, coverage, and time to the same NDCG.

    python benchmarks/sequences.py --data beauty --seeds 3
    python benchmarks/sequences.py --data lastfm --peers popularity,cooccurrence,bpr,als
    python benchmarks/sequences.py --data beauty --rectools-python ENV/bin/python \\
        --replay-python ENV/bin/python --minutes 60
    python benchmarks/sequences.py --data folder/Other.txt       # a pack of the same form
    python benchmarks/sequences.py --data beauty --hidden        # items never in training
    python benchmarks/sequences.py --data online-retail --by-time

Leave-one-out over the full catalogue: the last new item of each shopper is asked for, items of the
history are left out, and the item before it decides when training stops. All models are trained
with the plugin's defaults, on one thread, one after the other. RecTools and replay-rec need other
versions of pandas than the demo shop, so each runs in its own environment; they are trained until
their own validation NDCG stops to grow, for at most --minutes each.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.small_shop_settings")

from benchmarks.machine import processor
from benchmarks.sequence_packs import CONTENT_DIM, PACKS, load_pack

OWN_PROCESS = ("replay", "rectools-sasrec", "rectools-esasrec")
PEERS = ("popularity", "cooccurrence", "bpr", "als", *OWN_PROCESS)
#: Share of items that training never sees, with --hidden.
HIDDEN = 0.2


def main() -> None:
    options = arguments()
    import django

    django.setup()
    import torch

    torch.set_num_threads(1)
    data = load_pack(options.data, options.data_dir, 0 if options.no_content else CONTENT_DIM)
    print(f"{options.data}: {data.window()}; {processor()}\n", flush=True)
    if options.hidden:
        hidden_items(data, options)
    elif options.by_time:
        split_by_time(data, options)
    else:
        leave_one_out_table(data, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="beauty", help=f"{', '.join(PACKS)}, or a file (beauty)")
    parser.add_argument(
        "--data-dir", type=Path, default=os.environ.get("SIMILARITY_DATA_DIR", "../shared/data")
    )
    parser.add_argument("--seeds", type=int, default=3, help="runs of each learned model (3)")
    parser.add_argument(
        "--peers", default="popularity,cooccurrence,bpr,als", help=f"of {', '.join(PEERS)}"
    )
    parser.add_argument("--rectools-python", type=Path, help="Python with RecTools and torch")
    parser.add_argument("--replay-python", type=Path, help="Python with replay-rec and torch")
    parser.add_argument("--minutes", type=float, default=60, help="most training of a peer (60)")
    parser.add_argument("--no-content", action="store_true", help="ids alone")
    parser.add_argument("--hidden", action="store_true", help="measure items without events")
    parser.add_argument("--by-time", action="store_true", help="measure the split by time")
    found = parser.parse_args()
    found.data_dir, found.peers = Path(found.data_dir), [*filter(None, found.peers.split(","))]
    if unknown := set(found.peers) - set(PEERS):
        parser.error(f"unknown peers {', '.join(sorted(unknown))}; known are {', '.join(PEERS)}")
    return found


def leave_one_out_table(data: Any, options: argparse.Namespace) -> None:
    from similarity.shoppers.training.measures import evaluate
    from similarity.shoppers.training.scoring import SequenceScorer
    from similarity.shoppers.training.splits import leave_one_out

    split = leave_one_out(data)
    heading("model", "validation NDCG@10")
    others: dict[str, list[dict[str, float]]] = {}
    for name in options.peers:
        seeds = 1 if name in ("popularity", "cooccurrence") else options.seeds
        others[name] = [measure_peer(name, split, seed, options) for seed in range(seeds)]
        line(name, others[name])
    ours, curves = [], []
    for seed in range(options.seeds):
        trained, seconds = train(split.validation, seed)
        scorer = SequenceScorer(trained.model)
        checked = evaluate(scorer, split.validation.questions)
        found = evaluate(scorer, split.test.questions).figures()
        ours.append(found | seconds | {"validation": float(checked.ndcg.mean())})
        curves.append(trained.curves)
        print(f"  seed {seed}: {row(ours[-1:])}, epoch {trained.epoch}", flush=True)
    line("sequence", ours)
    print("\nSeconds until the validation NDCG@10 of each model was reached:\n")
    print("| model | its own | sequence | share |\n| --- | --- | --- | --- |")
    for name, runs in others.items():
        wanted = statistics.mean(each["validation"] for each in runs)
        own = statistics.mean(each["cpu_s"] for each in runs)
        reached = [
            seconds_to(curve, wanted) * run["cpu_s"] / max(run["wall_s"], 1e-9)
            for curve, run in zip(curves, ours, strict=True)
        ]
        mean = statistics.mean(reached)
        print(f"| {name} | {own:.0f} | {mean:.0f} | {mean / max(own, 1e-9):.2f} |", flush=True)


def train(split: Any, seed: int, first: Any = None, **changes: Any) -> tuple[Any, dict[str, float]]:
    """Return a model trained with the defaults, and its seconds of wall and processor.

    ``changes``: values of its shape and options. ``first``: weights to start from.
    """
    from similarity.shoppers.artefact import SequenceConfig
    from similarity.shoppers.training.options import TrainingOptions
    from similarity.shoppers.training.trainer import Trainer

    config = replace(SequenceConfig(), content_dim=split.train.content.shape[1])
    shape = {name: changes.pop(name) for name in list(changes) if hasattr(config, name)}
    began = time.perf_counter(), time.process_time()
    trained = Trainer(
        split.train,
        replace(config, **shape),
        replace(TrainingOptions(seed=seed), **changes),
        validation=split.questions,
        first=first,
    ).train()
    spent = {
        "wall_s": time.perf_counter() - began[0],
        "cpu_s": time.process_time() - began[1],
    }
    return trained, spent


def seconds_to(curves: Any, wanted: float) -> float:
    """Return the seconds of training until the validation NDCG was reached, or infinity."""
    pairs = zip(curves.seconds, curves.ndcg, strict=True)
    return next((at for at, ndcg in pairs if ndcg is not None and ndcg >= wanted), float("inf"))


def measure_peer(name: str, split: Any, seed: int, options: argparse.Namespace) -> dict[str, float]:
    from similarity.shoppers.training.measures import evaluate

    python = options.replay_python if name == "replay" else options.rectools_python
    if name in OWN_PROCESS and python is None:
        raise SystemExit(
            f"--peers {name} needs --{name.split('-')[0]}-python, the Python of its environment"
        )
    began = time.perf_counter(), time.process_time()
    if name in OWN_PROCESS:
        tops, spent = run_peer(name, split, seed, python, options.minutes)
        scorers = {which: Tops(name, tops[which], split) for which in ("validation", "test")}
    else:
        scorer = IN_PROCESS[name](seed)
        scorer.fit(split.validation.train)
        spent = {
            "wall_s": time.perf_counter() - began[0],
            "cpu_s": time.process_time() - began[1],
        }
        scorers = dict.fromkeys(("validation", "test"), scorer)
    checked = evaluate(scorers["validation"], split.validation.questions)
    found = evaluate(scorers["test"], split.test.questions).figures()
    return found | spent | {"validation": float(checked.ndcg.mean())}


def run_peer(
    name: str, split: Any, seed: int, python: Path, minutes: float
) -> tuple[dict[str, Any], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "in.npz", **as_arrays(split))
        script = Path(__file__).with_name("sequence_peer_process.py")
        subprocess.run(
            [str(python), "-W", "ignore", str(script), name, folder, str(minutes), str(seed)],
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
            stdout=sys.stderr,
        )
        with np.load(Path(folder) / "out.npz") as stored:
            tops = dict(stored)
    spent = {each: float(tops.pop(each)) for each in ("wall_s", "cpu_s", "epochs")}
    return tops, spent


def as_arrays(split: Any) -> dict[str, Any]:
    """Return what a peer learns from and is asked, each as items and sizes of the sequences."""
    found: dict[str, Any] = {"items": split.test.train.item_count}
    events = {
        "train": split.test.train,
        "validation": split.validation.questions.events,
        "test": split.test.questions.events,
    }
    for name, each in events.items():
        found |= {name: each.items.astype(np.int64), f"{name}_sizes": np.diff(each.starts())}
    return found | {"validation_targets": split.validation.questions.targets}


class Tops:
    """The contract of a scorer for items that another process ranked, question by question."""

    def __init__(self, name: str, best: Any, split: Any) -> None:
        self.name, self.best, self.items = name, best, split.test.train.item_count
        self._done = 0

    def fit(self, interactions: Any) -> None:
        """Do nothing."""

    def scores(self, histories: Any) -> Any:
        best = self.best[self._done : self._done + len(histories)]
        self._done += len(histories)
        scores = np.full((len(histories), self.items), -1e6, np.float32)
        rows, places = np.nonzero(best >= 0)
        scores[rows, best[rows, places]] = -places.astype(np.float32)
        return scores


class Implicit:
    """``implicit``'s matrix factorisation; a shopper's vector is learned, ALS recalculates it."""

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.seed = name, seed

    def fit(self, interactions: Any) -> None:
        from implicit.als import AlternatingLeastSquares
        from implicit.bpr import BayesianPersonalizedRanking
        from scipy import sparse
        from threadpoolctl import threadpool_limits

        ones = np.ones(len(interactions.items), np.float32)
        shape = (interactions.shopper_count, interactions.item_count)
        table = sparse.csr_matrix((ones, (interactions.shoppers, interactions.items)), shape)
        kind = AlternatingLeastSquares if self.name == "als" else BayesianPersonalizedRanking
        with threadpool_limits(1, "blas"):  # on one thread, as all models here
            self.model = kind(factors=128, random_state=self.seed, num_threads=1)
            self.model.fit(table, show_progress=False)
        self._asked = 0

    def scores(self, histories: Any) -> Any:
        from scipy import sparse

        items = np.concatenate([each.items for each in histories])
        rows = np.repeat(np.arange(len(histories)), [len(each.items) for each in histories])
        shape = (len(histories), len(self.model.item_factors))
        table = sparse.csr_matrix((np.ones(len(items), np.float32), (rows, items)), shape)
        if self.name == "als":
            vectors = self.model.recalculate_user(np.arange(len(histories)), table)
        else:  # BPR cannot fold in: a shopper is the mean of the items met
            factors = self.model.item_factors
            vectors = np.asarray(table @ factors) / np.asarray(table.sum(axis=1))
        return np.ascontiguousarray(vectors @ self.model.item_factors.T, np.float32)


def popularity(_seed: int) -> Any:
    from similarity.shoppers.training.baselines import Popularity

    return Popularity()


def cooccurrence(_seed: int) -> Any:
    from similarity.shoppers.training.baselines import CoOccurrence

    return CoOccurrence()


IN_PROCESS: dict[str, Callable[[int], Any]] = {
    "popularity": popularity,
    "cooccurrence": cooccurrence,
    "bpr": lambda seed: Implicit("bpr", seed),
    "als": lambda seed: Implicit("als", seed),
}


def hidden_items(data: Any, options: argparse.Namespace) -> None:
    """Hide a fifth of the items from training, and ask for them and for the others apart."""
    from similarity.shoppers.training.measures import evaluate
    from similarity.shoppers.training.scoring import SequenceScorer
    from similarity.shoppers.training.splits import Split, leave_one_out, select_events

    heading("items asked for")
    found: dict[str, list[dict[str, float]]] = {"warm": [], "hidden": [], "hidden, by chance": []}
    for seed in range(options.seeds):
        hidden = np.random.default_rng(seed).random(data.item_count) < HIDDEN
        split = leave_one_out(data)
        train_part = select_events(split.test.train, ~hidden[split.test.train.items])
        validation = only(split.validation.questions, ~hidden)
        trained, spent = train(Split(train_part, validation), seed)
        scorer = SequenceScorer(trained.model)
        for name, wanted in (("warm", ~hidden), ("hidden", hidden)):
            measured = evaluate(scorer, only(split.test.questions, wanted))
            found[name].append(measured.figures() | spent)
        chance = 10 / data.item_count
        found["hidden, by chance"].append(
            found["hidden"][-1] | {"recall@10": chance, "ndcg@10": chance * 0.45}
        )
    for name, runs in found.items():
        line(name, runs)
    warm, cold = (
        statistics.mean(each["recall@10"] for each in found[name]) for name in ("warm", "hidden")
    )
    print(f"\nRecall@10 of hidden items is {cold / warm:.2f} of that of warm items.")


def only(questions: Any, wanted: Any) -> Any:
    """Return the questions of leave-one-out whose target is one of the ``wanted`` (I,) items."""
    from similarity.shoppers.training.splits import Questions, select_events

    kept = wanted[questions.targets]
    return Questions(
        select_events(questions.events, kept[questions.events.shoppers]),
        questions.targets[kept],
        np.arange(int(kept.sum()) + 1),
    )


def split_by_time(data: Any, options: argparse.Namespace) -> None:
    """Compare with a plain sampled softmax: ids alone, uniform negatives, inner product."""
    from similarity.shoppers.training.measures import evaluate
    from similarity.shoppers.training.scoring import SequenceScorer
    from similarity.shoppers.training.splits import Split, by_time, leave_one_out

    later = by_time(data)
    inner = leave_one_out(later.train).validation
    plain = {"in_batch": 0.0, "cosine": False, "content_dim": 0, "id_dropout": 0.0}
    heading("model")
    for name, peer in (("popularity", popularity(0)), ("co-occurrence", cooccurrence(0))):
        began = time.perf_counter(), time.process_time()
        peer.fit(later.train)
        spent = {"wall_s": time.perf_counter() - began[0], "cpu_s": time.process_time() - began[1]}
        line(name, [evaluate(peer, later.questions).figures() | spent])
    for name, changes in (("plain sampled softmax", plain), ("sequence", {})):
        runs = []
        for seed in range(options.seeds):
            chosen, _spent = train(inner, seed, **changes)
            again = Split(later.train, None)
            trained, spent = train(again, seed, **changes, epochs=chosen.epoch)
            runs.append(evaluate(SequenceScorer(trained.model), later.questions).figures() | spent)
        line(name, runs)


COLUMNS = ("recall@10", "ndcg@10", "coverage@10")


def heading(first: str, *more: str) -> None:
    names = [first, "Recall@10", "NDCG@10", "coverage@10", "wall s", "CPU s", *more]
    print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}", flush=True)


def cells(runs: list[dict[str, float]]) -> Iterator[str]:
    for name in COLUMNS:
        values = [each[name] for each in runs]
        spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        yield f"{statistics.mean(values):.4f}{spread}"
    for name in ("wall_s", "cpu_s"):
        yield f"{statistics.mean(each[name] for each in runs):.0f}"
    if all("validation" in each for each in runs):
        yield f"{statistics.mean(each['validation'] for each in runs):.4f}"


def row(runs: list[dict[str, float]]) -> str:
    return " | ".join(cells(runs))


def line(name: str, runs: list[dict[str, float]]) -> None:
    print(f"| {name} | {row(runs)} |", flush=True)


if __name__ == "__main__":
    main()
