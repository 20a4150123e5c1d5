from typing import Any

from django.core.management.base import CommandParser

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.search import documents


class Command(SimilarityCommand):
    help = (
        "Make the search documents of the whole catalogue, and count its words. Runs no model; "
        "documents of products that have not changed are left as they are."
    )
    examples = """examples:
  manage.py similarity search-index          after the first migration, or after bulk changes
  manage.py similarity search-index --force  every document anew
"""
    if_interrupted = (
        "Stopped. Run 'manage.py similarity search-index' again: it goes on with what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="also what has not changed")

    def handle(self, *args: Any, **options: Any) -> None:
        with ProgressBars() as bars:
            written = documents.index_all(bars, force=options["force"])
        self.stdout.write(f"{written} search documents written.")
