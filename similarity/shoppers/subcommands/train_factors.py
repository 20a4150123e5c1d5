from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from similarity.catalog import times
from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.reading import read_interactions
from similarity.shoppers.training.factors import FactorOptions
from similarity.shoppers.training.factors_training import train_factors
from similarity.shoppers.training.report import figure_lines
from similarity.vectors import upsert

DEFAULTS = FactorOptions()


class Command(SimilarityCommand):
    help = (
        "Train the factor model on what shoppers did and bought, measure it beside popularity and "
        "co-occurrence, and make it live if it ranks better than popularity. The factor model "
        "answers while no sequence model is live."
    )
    examples = """examples:
  manage.py similarity train-factors                   train, measure, make live if it is better
  manage.py similarity train-factors --dry-run         train and measure, change no shelf
  manage.py similarity train-factors --days 180        learn from the last 180 days
  manage.py similarity train-factors --epochs 20 --dim 128
"""
    if_interrupted = "Stopped. The run is marked as failed, and the live model is unchanged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, metavar="N", help="learn from the last N days only")
        parser.add_argument(
            "--epochs", type=int, default=DEFAULTS.epochs, help=f"most epochs ({DEFAULTS.epochs})"
        )
        parser.add_argument(
            "--dim", type=int, default=DEFAULTS.dim, help=f"numbers in a vector ({DEFAULTS.dim})"
        )
        parser.add_argument("--seed", type=int, default=0, help="of the random numbers (0)")
        parser.add_argument(
            "--device", default="cpu", help="'cpu', 'mps', 'cuda' or 'cuda:N' (cpu)"
        )
        parser.add_argument("--dry-run", action="store_true", help="do not make the model live")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = FactorOptions(epochs=options["epochs"], dim=options["dim"], seed=options["seed"])
        days = options["days"]
        since = None if days is None else times.now() - timedelta(days=days)
        with ProgressBars() as bars:
            data = read_interactions(upsert.alias(), since, bars)
            model = train_factors(
                data,
                chosen,
                device=options["device"],
                publish=not options["dry_run"],
                progress=bars,
            )
        self._report(model)

    def _report(self, model: ShopperModel) -> None:
        for line in figure_lines(model.figures):
            self.stdout.write(line)
        self.stdout.write(f"Model {model.pk} is {model.status}: {_reason(model)}")


def _reason(model: ShopperModel) -> str:
    return str(model.figures["decision"]["reason"])
