from argparse import ArgumentTypeError
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from similarity.catalog import times
from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.reading import read_interactions
from similarity.shoppers.training.report import figure_lines
from similarity.shoppers.training.sequence_training import Run, chosen_run, train_sequence
from similarity.shoppers.training.stored_models import first_weights
from similarity.shoppers.training.trials import choose_options
from similarity.vectors import upsert


class Command(SimilarityCommand):
    help = (
        "Train the sequence model on what shoppers did and bought, measure it beside popularity, "
        "co-occurrence, the factor model and the running model, and make it live if it is better "
        "than all of them."
    )
    examples = """examples:
  manage.py similarity train-sequence                    train, measure, make live if it is better
  manage.py similarity train-sequence --dry-run          train and measure, change no shelf
  manage.py similarity train-sequence --try              choose hyper-parameters first
  manage.py similarity train-sequence --resume training/ go on after a kill, from that folder
  manage.py similarity train-sequence --warm-from 7      start from the weights of model 7
  torchrun --nproc-per-node 4 manage.py similarity train-sequence
"""
    if_interrupted = (
        "Stopped. The run is marked as failed, and the live model is unchanged. With --resume, the "
        "same command goes on from its last checkpoint."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, metavar="N", help="learn from the last N days only")
        parser.add_argument("--epochs", type=_whole, metavar="N", help="most epochs")
        parser.add_argument("--seed", type=int, default=0, help="of the random numbers (0)")
        parser.add_argument(
            "--device", default="cpu", help="'cpu', 'mps', 'cuda' or 'cuda:N' (cpu)"
        )
        parser.add_argument(
            "--resume", type=Path, metavar="FOLDER", help="keep checkpoints there, and go on"
        )
        parser.add_argument(
            "--warm-from", metavar="MODEL", help="number of a model, or file of an artefact"
        )
        parser.add_argument(
            "--try", action="store_true", dest="trials", help="choose hyper-parameters"
        )
        parser.add_argument("--int8", action="store_true", help="store the weights in 8 bits")
        parser.add_argument("--dry-run", action="store_true", help="do not make the model live")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        since = None if days is None else times.now() - timedelta(days=days)
        with ProgressBars() as bars:
            data = read_interactions(upsert.alias(), since, bars)
            run = self._run(options, data.interactions.content.shape[1], bars)
            if options["trials"]:
                run, trials = choose_options(data.interactions, run)
                for trial in trials:
                    self.stdout.write(f"{trial.ndcg:.4f}  {trial.changes or 'defaults'}")
                run = replace(run, checkpoints=options["resume"])
            model = train_sequence(data, run, publish=not options["dry_run"])
        self._report(model)

    def _run(self, options: dict[str, Any], content_dim: int, bars: ProgressBars) -> Run:
        run = chosen_run()
        epochs = options["epochs"] or run.options.epochs
        config = replace(run.config, content_dim=content_dim)
        source = options["warm_from"]
        return replace(
            run,
            config=config,
            options=replace(run.options, epochs=epochs, seed=options["seed"]),
            device=options["device"],
            checkpoints=options["resume"],
            first=None if source is None else first_weights(source, config),
            int8=options["int8"],
            progress=bars,
        )

    def _report(self, model: ShopperModel) -> None:
        for line in figure_lines(model.figures):
            self.stdout.write(line)
        reason = model.figures["decision"]["reason"]
        self.stdout.write(f"Model {model.pk} is {model.status}: {reason}")


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
