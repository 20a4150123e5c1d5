from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.management.command import SimilarityCommand
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training import plots
from similarity.vectors import upsert


class Command(SimilarityCommand):
    help = (
        "Draw a plot of a training run from the figures stored with its model, and print it in "
        "words. 'calibration' shows the share of pairs that happened against the predicted "
        "chance, 'outcomes' the chances of pairs that happened and of those that did not, "
        "'curves' the training. It needs matplotlib, of the extra 'reports'."
    )
    examples = """examples:
  manage.py similarity plot-model 7 --out calibration.png
  manage.py similarity plot-model 7 --plot outcomes --out outcomes.png
  manage.py similarity plot-model 7 --plot curves --out training.png
"""
    if_interrupted = "Stopped; no file was written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", type=int, metavar="MODEL", help="number of the model")
        parser.add_argument(
            "--plot", choices=list(plots.PLOTS), default="calibration", help="(calibration)"
        )
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write a PNG")

    def handle(self, *args: Any, **options: Any) -> None:
        models = ShopperModel.objects.using(upsert.alias()).defer("weights")
        model = models.filter(pk=options["model"]).first()
        if model is None:
            known = ", ".join(str(pk) for pk in models.values_list("pk", flat=True)[:10])
            raise CommandError(
                f"There is no model {options['model']}; "
                + (f"the latest are {known}." if known else "train one with train-factors.")
            )
        png = plots.PLOTS[options["plot"]](model)
        try:
            options["out"].write_bytes(png)
        except OSError as error:
            raise CommandError(f"{options['out']} cannot be written: {error}") from error
        self.stdout.write(f"{plots.describe(model, options['plot'])}\nPlot: {options['out']}")
