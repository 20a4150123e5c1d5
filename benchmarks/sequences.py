"""Measure the sequence model beside its peers: leave-one-out, over the full catalogue.

    python benchmarks/sequences.py --data beauty --seeds 3
    python benchmarks/sequences.py --data lastfm --peers popularity,co-occurrence,bpr,als
    python benchmarks/sequences.py --data beauty --peers rectools-esasrec \\
        --rectools-python ENVIRONMENT/bin/python
    python benchmarks/sequences.py --data beauty --hidden

Reads ``beauty`` and ``lastfm`` in SIMILARITY_DATA_DIR. The last item of a shopper is asked for,
among all items that the shopper does not know; the one before it decides when training stops. Times
are those of training on one machine, validation left out. ``--hidden`` takes every fifth item out
of training, and asks for these items and for the others apart. RecTools needs an environment of its
own: ``pip install rectools torch pytorch-lightning``.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.small_shop_settings")

from benchmarks.machine import processor

ROOT = Path(__file__).resolve().parent
#: One item of so many is hidden from training.
HIDDEN = 5


class Run(NamedTuple):
    """Measures of one trained model, and the seconds that its training took."""

    measures: Any
    seconds: float
    model: Any = None


def run_ours(split: Any, seed: int, options: argparse.Namespace) -> Run:
    from similarity.shoppers.training.measures import evaluate
    from similarity.shoppers.training.scoring import SequenceScorer
    from similarity.shoppers.training.trainer import Trainer

    config, chosen = our_options(split.test.train, options)
    trainer = Trainer(
        split.test.train,
        config,
        replace(chosen, seed=seed),
        validation=split.validation.questions,
    )
    trained = trainer.train()
    seconds = trained.curves.seconds[trained.epoch - 1]
    scorer = SequenceScorer(trained.model)
    return Run(evaluate(scorer, split.test.questions), seconds, scorer)


def our_options(events: Any, options: argparse.Namespace) -> tuple[Any, Any]:
    from similarity.shoppers.artefact import SequenceConfig
    from similarity.shoppers.training.options import TrainingOptions

    changes = dict(part.split("=") for part in options.set)
    kinds = {name: type(value) for name, value in TrainingOptions().as_json().items()}
    shapes = {name: type(value) for name, value in SequenceConfig().as_json().items()}
    config = SequenceConfig(content_dim=events.content.shape[1]).as_json()
    config |= {name: shapes[name](value) for name, value in changes.items() if name in shapes}
    chosen = {name: kinds[name](value) for name, value in changes.items() if name in kinds}
    return SequenceConfig.from_json(config), TrainingOptions(**chosen)


def run_scorer(make: Callable[[int], Any]) -> Callable[..., Run]:
    def run(split: Any, seed: int, options: argparse.Namespace) -> Run:
        from similarity.shoppers.training.measures import evaluate

        scorer = make(seed)
        started = time.perf_counter()
        scorer.fit(split.test.train)
        seconds = time.perf_counter() - started
        return Run(evaluate(scorer, split.test.questions), seconds)

    return run


def _popularity(seed: int) -> Any:
    from similarity.shoppers.training.baselines import Popularity

    return Popularity()


def _co_occurrence(seed: int) -> Any:
    from similarity.shoppers.training.baselines import CoOccurrence

    return CoOccurrence()


class Implicit:
    """A matrix factorisation of the package ``implicit``; a history gets its vector anew."""

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.seed = name, seed

    def fit(self, interactions: Any) -> None:
        import numpy as np
        from implicit.als import AlternatingLeastSquares
        from implicit.bpr import BayesianPersonalizedRanking
        from scipy.sparse import csr_matrix

        shape = (interactions.shopper_count, interactions.item_count)
        ones = np.ones(len(interactions.items), np.float32)
        met = csr_matrix((ones, (interactions.shoppers, interactions.items)), shape)
        common = {"factors": 128, "random_state": self.seed, "num_threads": 1}
        model = (
            AlternatingLeastSquares(iterations=20, regularization=0.05, alpha=10, **common)
            if self.name == "als"
            else BayesianPersonalizedRanking(iterations=200, learning_rate=0.05, **common)
        )
        model.fit(met, show_progress=False)
        self.model = model

    def scores(self, histories: Any) -> Any:
        import numpy as np

        vectors = self.model.item_factors
        means = np.stack([vectors[history.items].mean(axis=0) for history in histories])
        return np.ascontiguousarray(means @ vectors.T)


def run_rectools(name: str) -> Callable[..., Run]:
    def run(split: Any, seed: int, options: argparse.Namespace) -> Run:
        import numpy as np

        if options.rectools_python is None:
            sys.exit("Name the Python of RecTools' environment by --rectools-python.")
        events, asked = split.test.train, split.test.questions
        with tempfile.TemporaryDirectory() as folder:
            np.savez(
                Path(folder) / "events.npz",
                **{"shoppers": events.shoppers, "items": events.items},
                **{"asked_shoppers": asked.events.shoppers, "asked_items": asked.events.items},
                validation=split.validation.questions.targets,
            )
            subprocess.run(
                [
                    *(options.rectools_python, str(ROOT / "rectools_peer.py"), folder),
                    *(name, str(seed), str(options.peer_epochs)),
                ],
                check=True,
            )
            found = np.load(Path(folder) / "found.npz")
        return Run(_measures_of(found["best"], asked), float(found["seconds"]))

    return run


def _measures_of(best: Any, asked: Any) -> Any:
    """Return the measures of ranked items (Q, 10), by the same code as those of scores."""
    import numpy as np

    from similarity.shoppers.training.measures import Measures, _compare

    targets = [asked.targets[at : at + 1] for at in range(len(asked))]
    recall, ndcg = _compare(best, targets)
    shown = np.bincount(best[best >= 0], minlength=asked.events.item_count)
    return Measures(best.shape[1], recall, ndcg, shown)


RUNS: dict[str, Callable[..., Run]] = {
    "popularity": run_scorer(_popularity),
    "co-occurrence": run_scorer(_co_occurrence),
    "bpr": run_scorer(lambda seed: Implicit("bpr", seed)),
    "als": run_scorer(lambda seed: Implicit("als", seed)),
    "rectools-sasrec": run_rectools("sasrec"),
    "rectools-esasrec": run_rectools("esasrec"),
}
#: They give the same measures for each seed.
FIXED = ("popularity", "co-occurrence")


def report(name: str, runs: list[Run]) -> None:
    cells = []
    for measure in ("recall", "ndcg"):
        values = [float(getattr(run.measures, measure).mean()) for run in runs]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        cells.append(f"{statistics.mean(values):.4f} ± {spread:.4f}")
    coverage = statistics.mean(run.measures.coverage for run in runs)
    seconds = statistics.mean(run.seconds for run in runs)
    print(f"| {name} | {' | '.join(cells)} | {coverage:.3f} | {seconds:.0f} |", flush=True)


def head(top: int = 10) -> None:
    print(f"| model | Recall@{top} | NDCG@{top} | coverage@{top} | training, s |")
    print("| --- | --- | --- | --- | --- |", flush=True)


def compare(options: argparse.Namespace) -> None:
    from benchmarks.evaluation.sequence_datasets import load_sequences
    from similarity.shoppers.training.splits import leave_one_out

    data = load_sequences(options.data, options.data_dir, content=not options.no_content)
    split = leave_one_out(data)
    print(f"{options.data}: {data.window()}; {processor()}; {options.seeds} seeds\n")
    head()
    for name in options.peers:
        seeds = 1 if name in FIXED else options.seeds
        report(name, [RUNS[name](split, seed, options) for seed in range(seeds)])
    report("ours", [run_ours(split, seed, options) for seed in range(options.seeds)])


def compare_hidden(options: argparse.Namespace) -> None:
    """Ask for items that training never saw, and for the others, apart."""
    import numpy as np

    from benchmarks.evaluation.sequence_datasets import load_sequences
    from similarity.shoppers.training.splits import Split, leave_one_out, select_events

    for content in (True, False):
        data = load_sequences(options.data, options.data_dir, content=content)
        split = leave_one_out(data)
        hidden = np.random.default_rng(0).permutation(data.item_count) % HIDDEN == 0
        train = select_events(split.test.train, ~hidden[split.test.train.items])
        shown = replace(split, test=Split(train, split.test.questions))
        runs = [run_ours(shown, seed, options) for seed in range(options.seeds)]
        for name, chosen in (("hidden", hidden), ("others", ~hidden)):
            asked = chosen[split.test.questions.targets]
            found = [run.measures.recall[asked].mean() for run in runs]
            told = "content and ids" if content else "ids alone"
            print(f"{told}: Recall@10 of {name} {statistics.mean(found):.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=["beauty", "lastfm"], default="lastfm")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("SIMILARITY_DATA_DIR"))
    parser.add_argument("--seeds", type=int, default=3, help="runs of each model (3)")
    parser.add_argument(
        "--peers",
        type=lambda text: [name for name in text.split(",") if name],
        default=["popularity", "co-occurrence", "bpr", "als"],
        help=f"some of {', '.join(RUNS)}",
    )
    parser.add_argument("--set", action="append", default=[], help="an option, as rate=0.001")
    parser.add_argument("--no-content", action="store_true", help="ids alone")
    parser.add_argument("--hidden", action="store_true", help="ask for items never trained on")
    parser.add_argument("--rectools-python", help="Python of RecTools' own environment")
    parser.add_argument("--peer-epochs", type=int, default=60, help="most epochs of RecTools (60)")
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("name the folder of the packs by --data-dir or SIMILARITY_DATA_DIR")
    if unknown := set(options.peers) - RUNS.keys():
        parser.error(f"there are no peers {', '.join(sorted(unknown))}")
    import django

    django.setup()
    (compare_hidden if options.hidden else compare)(options)


if __name__ == "__main__":
    main()
