from typing import Any

from django.core.management.base import CommandParser

from similarity.cells import upkeep
from similarity.exceptions import VersionError
from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.vectors import fusions, upsert
from similarity.versions import lifecycle


class Command(SimilarityCommand):
    help = (
        "Build the cells of a version again from its stored vectors; this takes seconds. The "
        "present cells serve meanwhile. Beat does it by itself after many changes "
        "(similarity.tidy_cells)."
    )
    examples = """examples:
  manage.py similarity build-cells      of the live version
  manage.py similarity build-cells 3    of version 3
"""
    if_interrupted = "Stopped. The previous cells are unchanged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "version", nargs="?", type=int, help="number (default: the live version)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        number = options["version"]
        version = fusions.every_version().live() if number is None else lifecycle.find(number)
        if version is None:
            raise VersionError(
                "No version is live yet: start a worker and run 'manage.py similarity embed'."
            )
        with ProgressBars() as bars:
            made = upkeep.build(version, upsert.alias(), bars)
        figures = made.figures
        self.stdout.write(
            f"Version {version.pk}: {figures['cells']} cells of {figures['rows']} products made in "
            f"{figures['build_s']} s. A query looks at {figures['scan']['rows'][0]} rows if all "
            f"pass its filter, at {figures['scan']['rows'][-1]} if 1 % does."
        )
