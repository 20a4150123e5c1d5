from typing import Any

from django.core.management.base import CommandParser

from similarity.insights import catalogue_map
from similarity.insights.models import CatalogueMap
from similarity.management.command import ProgressBars, SimilarityCommand

PRINTED = 20


class Command(SimilarityCommand):
    help = (
        "Draw the map of the catalogue that the admin shows: products of the live version, close "
        "to each other if they are similar, and a list of products that lie among products of "
        "another category. Needs the extra 'map'."
    )
    examples = """examples:
  manage.py similarity map
  manage.py similarity map --products 2000
"""
    if_interrupted = "Stopped; the previous map is unchanged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--products",
            type=int,
            default=catalogue_map.PRODUCTS,
            help=f"maximum number of products on the map ({catalogue_map.PRODUCTS})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with ProgressBars() as bars:
            drawn = catalogue_map.draw_catalogue_map(options["products"], bars)
        self.stdout.write(
            f"{drawn.shown} of {drawn.products} products of version {drawn.version_id} drawn in "
            f"{drawn.took_s} s; the admin shows them. {len(drawn.outliers)} lie apart:"
        )
        for outlier in drawn.outliers[:PRINTED]:
            self.stdout.write(f"  {_line(drawn, outlier)}")
        if (more := len(drawn.outliers) - PRINTED) > 0:
            self.stdout.write(f"  … and {more} more; the admin shows all.")


def _line(drawn: CatalogueMap, outlier: dict[str, Any]) -> str:
    row = outlier["row"]
    title = f"{drawn.points['key'][row]} {drawn.points['title'][row]}"
    if outlier["suggested"] < 0:
        return f"{title}: no similar products"
    own = drawn.categories[drawn.points["category"][row]]["name"]
    theirs = drawn.categories[outlier["suggested"]]["name"]
    return f"{title}: in {own}, {outlier['theirs']} of its {outlier['of']} nearest in {theirs}"
