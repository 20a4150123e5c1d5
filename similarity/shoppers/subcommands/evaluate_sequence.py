from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.reading import read_interactions
from similarity.shoppers.training.report import figure_lines
from similarity.shoppers.training.sequence_training import evaluate_stored
from similarity.vectors import upsert


class Command(SimilarityCommand):
    help = (
        "Measure the live sequence model, or another, on what shoppers did after it was trained, "
        "beside popularity, co-occurrence and the factor model. Also states what 8 bits and "
        "pruned weights would cost. Nothing is changed."
    )
    examples = """examples:
  manage.py similarity evaluate-sequence          the live model
  manage.py similarity evaluate-sequence 7        model 7
"""
    if_interrupted = "Stopped; nothing was changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", type=int, nargs="?", metavar="MODEL", help="(the live one)")

    def handle(self, *args: Any, **options: Any) -> None:
        models = ShopperModel.objects.using(upsert.alias())
        kind, pk = ShopperModel.Kind.SEQUENCE, options["model"]
        model = models.live(kind) if pk is None else models.filter(pk=pk, kind=kind).first()
        if model is None:
            wanted = "live sequence model" if pk is None else f"sequence model {pk}"
            raise CommandError(f"There is no {wanted}; train one with train-sequence.")
        with ProgressBars() as bars:
            data = read_interactions(upsert.alias(), progress=bars)
            figures = evaluate_stored(model, data, bars)
        self.stdout.write(f"{model}, on what happened after {model.window.get('last')}")
        for line in figure_lines({"by_time": figures}):
            self.stdout.write(line)
