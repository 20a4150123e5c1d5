"""``manage.py similarity evaluate``: the quality of similar products on known catalogues."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from similarity import conf
from similarity.encoders.base import Encoded
from similarity.encoders.fusion import Fusion
from similarity.encoders.registry import get_encoders
from similarity.management.command import SimilarityCommand
from similarity.training import shelf_evaluation
from similarity.training.datasets import FORMATS, Dataset, load_dataset
from similarity.training.evaluation import evaluate, table
from similarity.training.picture import contact_sheet
from similarity.training.tuning import Choice, Trial, Tuner
from similarity.training.vector_cache import VectorCache


class Command(SimilarityCommand):
    help = (
        "Encode a catalogue with known types, colours and genders, find the ten most "
        "similar products of every product, and print the share that is alike: by each part alone "
        "and by the fused vector. Labels are never given to the encoders as attributes. "
        "The command does not read the shop's products and writes only vectors, to --cache. "
        "'similarity evaluate shelves' without --dataset measures shelves of this shop instead: "
        "how many hits belong to another department, with a floor and filled."
    )
    requires_system_checks = []
    if_interrupted = "Stopped; the next run reuses the encoded vectors."

    def add_arguments(self, parser: CommandParser) -> None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
        parser.add_argument(
            "what",
            nargs="?",
            choices=["similar", "shelves"],
            default="similar",
            help="the subject of the measurement",
        )
        parser.add_argument(
            "--dataset",
            action="append",
            help=f"{', '.join(FORMATS)}, or a folder with a products.csv (id, title, description, "
            "image, type, colour, gender); several times with --tune",
        )
        parser.add_argument(
            "--data-dir",
            type=Path,
            default=Path(os.environ.get("SIMILARITY_DATA_DIR") or "../shared/data"),
            help="the folder of the named catalogues",
        )
        parser.add_argument(
            "--cache",
            type=Path,
            default=cache / "django-similarity",
            help="the folder that keeps encoded vectors between runs",
        )
        parser.add_argument("--limit", type=int, help="the number of products to read")
        parser.add_argument(
            "--weights", help="try these: text=0.4,image=0.3,colour=0.2,attributes=0.1"
        )
        parser.add_argument("--picture", type=Path, help="write ten queries' neighbours as PNG")
        parser.add_argument("--json", action="store_true", help="print figures as JSON")
        parser.add_argument(
            "--tune",
            action="store_true",
            help="choose weights (attributes keep theirs) on all the named data sets, and show "
            "for each data set the result of weights chosen without it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "shelves":
            self._shelves(options)
        else:
            self._tune(options) if options["tune"] else self._evaluate(options)

    def _evaluate(self, options: dict[str, Any]) -> None:
        names = options["dataset"] or ["myntra"]
        results = []
        for at, name in enumerate(names):
            dataset, parts = self._encoded(name, options)
            weights = _weights(options["weights"])
            report = evaluate(dataset, parts, weights, conf.dimensions())
            results.append(report.as_json())
            if not options["json"]:
                self.stdout.write(f"{dataset.name}, {len(dataset.contents)} products")
                self.stdout.write(table(report) + "\n")
            if options["picture"] and at == 0:
                contact_sheet(dataset, report.fused.found, options["picture"])
        if options["json"]:
            self.stdout.write(json.dumps(results if len(names) > 1 else results[0], indent=1))

    def _shelves(self, options: dict[str, Any]) -> None:
        names = options["dataset"] or [None]
        reports = [
            shelf_evaluation.run(name, options["data_dir"], options["cache"], options["limit"])
            for name in names
        ]
        if options["json"]:
            figures = [report.as_json() for report in reports]
            self.stdout.write(json.dumps(figures if len(names) > 1 else figures[0], indent=1))
        else:
            self.stdout.write("\n\n".join(report.text() for report in reports))

    def _tune(self, options: dict[str, Any]) -> None:
        # Categories and brands are labels or absent in these catalogues, so their value for a shop
        # cannot be measured. Their weight is therefore set, not chosen.
        weights = _weights(options["weights"])
        trials = []
        for name in options["dataset"] or FORMATS:
            dataset, parts = self._encoded(name, options)
            fusion = Fusion.fit(parts, weights, conf.dimensions())
            trials.append(Trial(dataset, parts, fusion))
        with tqdm(desc="weights tried", unit="", disable=None) as bar:
            fixed = {"attributes": weights["attributes"] / sum(weights.values())}
            choice = Tuner(trials, fixed, bar.update).choose()
        self.stdout.write(_choice_json(choice) if options["json"] else _choice_text(choice))

    def _encoded(self, name: str, options: dict[str, Any]) -> tuple[Dataset, dict[str, Encoded]]:
        dataset = load_dataset(name, options["data_dir"], options["limit"])
        cache = VectorCache(options["cache"] / dataset.name)
        with tqdm(total=len(dataset.contents), desc=dataset.name, unit="", disable=None) as bar:
            return dataset, cache.encode(get_encoders(), dataset.contents, bar.update)


def _weights(text: str | None) -> dict[str, float]:
    weights: dict[str, float] = conf.weights()
    for pair in (text or "").split(","):
        part, _, number = pair.partition("=")
        try:
            weights |= {part.strip(): float(number)} if pair else {}
        except ValueError:
            raise CommandError(
                f"--weights has {pair!r}; write part=number, comma-separated, as in "
                "text=0.4,image=0.3."
            ) from None
    return weights


def _choice_text(choice: Choice) -> str:
    lines = [
        f"Chosen on all: {_shown(choice.weights)} (objective {choice.chosen_on:.4f})",
        "",
        f"{'held out':12}  {'chosen without it':48}  {'objective on it':>15}  chosen on all",
    ]
    for name, (weights, without, on_all) in choice.held_out.items():
        lines.append(f"{name:12}  {_shown(weights):48}  {without:15.4f}  {on_all:.4f}")
    return "\n".join(lines)


def _shown(weights: dict[str, float]) -> str:
    return " ".join(f"{part}={weight:.2f}" for part, weight in weights.items())


def _choice_json(choice: Choice) -> str:
    held_out = {
        name: {"weights": weights, "objective": without, "objective_chosen_on_all": on_all}
        for name, (weights, without, on_all) in choice.held_out.items()
    }
    chosen = {"weights": choice.weights, "objective": choice.chosen_on, "held_out": held_out}
    return json.dumps(chosen, indent=1)
