from typing import Any

from django.core.management.base import CommandParser

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.search import documents


class Command(SimilarityCommand):
    help = (
        "Make the search documents of the whole catalogue, and count its words. Runs no model; "
        "documents of unchanged products stay as they are."
    )
    examples = """examples:
  manage.py similarity search-index          after the first migration, or after bulk changes
  manage.py similarity search-index --force  make every document again
"""
    if_interrupted = (
        "Stopped. Run 'manage.py similarity search-index' again: it continues with what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="also unchanged products")

    def handle(self, *args: Any, **options: Any) -> None:
        with ProgressBars() as bars:
            written = documents.index_all(bars, force=options["force"])
        self.stdout.write(f"{written} search documents written.")
