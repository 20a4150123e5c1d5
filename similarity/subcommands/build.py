from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.versions import build, gate, lifecycle


class Command(SimilarityCommand):
    help = (
        "Build a new encoder version with the present settings: fit the fusion on a sample, embed "
        "the whole catalogue for it, build its indexes. The live version serves meanwhile."
    )
    examples = """examples:
  manage.py similarity build               build; look at the figures, then promote
  manage.py similarity build --promote     build and switch

Run it after changing SIMILARITY['ENCODERS'], and again when the catalogue
has grown to many times the size that the live version was fitted on.
"""
    if_interrupted = "Stopped. Run 'manage.py similarity build' again to resume the build."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--promote", action="store_true", help="make it live once it is built")
        parser.add_argument(
            "--sample",
            type=int,
            default=build.SAMPLE,
            metavar="N",
            help=f"products the fusion is fitted on (default {build.SAMPLE})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sample"] < 1:
            raise CommandError(
                f"--sample is {options['sample']}; the fusion needs 1 product at least, "
                f"and fits well on {build.SAMPLE}."
            )
        with ProgressBars() as bars:
            version = lifecycle.build_version(bars, sample=options["sample"])
        self.stdout.write(
            f"Version {version.pk} is ready: {version.figures['products']} products, "
            f"{version.figures['failed']} failed, embedded in {version.figures['embed_s']} s, "
            f"indexes in {version.figures['index_s']} s, "
            f"{version.figures['index_bytes'] / 2**20:.1f} MiB."
        )
        self.stdout.write(gate.table(lifecycle.gate_of(version)))
        if options["promote"]:
            lifecycle.promote(version)
            self.stdout.write(f"Version {version.pk} is live.")
