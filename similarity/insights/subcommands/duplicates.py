import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.connections.csv_cells import inert_cell
from similarity.insights.duplicates import THRESHOLD, Duplicate, DuplicateSearch, find_duplicates
from similarity.insights.models import DuplicateListing
from similarity.management.command import ProgressBars, SimilarityCommand

PRINTED = 20


class Command(SimilarityCommand):
    help = (
        "Find near-duplicate listings: products with very similar text and picture that are "
        "not variants of each other. The pairs are stored for the admin, where staff compare "
        "them side by side."
    )
    examples = """examples:
  manage.py similarity duplicates
  manage.py similarity duplicates --threshold 0.9 --csv duplicates.csv
  manage.py similarity duplicates --json --dry-run
"""
    if_interrupted = "Stopped; the previous list is unchanged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--threshold",
            type=float,
            default=THRESHOLD,
            help=f"lowest cosine of text and of picture, 0.5 to 1 ({THRESHOLD})",
        )
        parser.add_argument(
            "--limit", type=int, default=1000, help="maximum number of pairs (1000)"
        )
        parser.add_argument(
            "--csv", type=Path, metavar="FILE", help="write the pairs to a CSV file"
        )
        parser.add_argument("--json", action="store_true", help="print the pairs as JSON")
        parser.add_argument(
            "--dry-run", action="store_true", help="do not store the pairs for the admin"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        search = DuplicateSearch(options["threshold"], options["limit"])
        with ProgressBars() as bars:
            found = find_duplicates(search, progress=bars)
        if not options["dry_run"]:
            DuplicateListing.objects.replace(found)
        if options["csv"]:
            _write_csv(found, options["csv"])
        if options["json"]:
            self.stdout.write(json.dumps([one._asdict() for one in found], indent=1))
        else:
            self._print(found)

    def _print(self, found: Sequence[Duplicate]) -> None:
        pairs = "pair" if len(found) == 1 else "pairs"
        self.stdout.write(f"{len(found)} {pairs} of near-duplicate listings.")
        for one in found[:PRINTED]:
            parts = ", ".join(
                f"{name} {cosine:.3f}"
                for name, cosine in (("text", one.text), ("picture", one.image))
                if cosine is not None
            )
            self.stdout.write(f"  {one.first} and {one.second}: {one.score:.3f} ({parts})")
        if len(found) > PRINTED:
            self.stdout.write(f"  … and {len(found) - PRINTED} more; the admin shows all.")


def _write_csv(found: Sequence[Duplicate], path: Path) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Duplicate._fields)
            for one in found:
                writer.writerow([inert_cell(c) if isinstance(c, str) else c for c in one])
    except OSError as error:
        raise CommandError(f"{str(path)!r} cannot be written: {error}") from error
