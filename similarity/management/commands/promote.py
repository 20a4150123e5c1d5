from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.indexing import versions
from similarity.management.command import SimilarityCommand


class Command(SimilarityCommand):
    help = (
        "Make an encoder version the live one, or go back to the one before. The switch is one "
        "row; the version that was live is kept for rolling back."
    )
    examples = """examples:
  manage.py promote                 the newest version that is ready
  manage.py promote 7               version 7
  manage.py promote --rollback      the version that was live before
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", nargs="?", type=int, metavar="ID")
        parser.add_argument("--rollback", action="store_true", help="go back to the one before")
        parser.add_argument(
            "--force",
            action="store_true",
            help="even where vectors or indexes are missing, or the settings' encoders differ",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rollback"] and options["version"] is not None:
            raise CommandError("Give either a version or --rollback, not both.")
        if options["rollback"]:
            live = versions.rollback(force=options["force"])
        else:
            live = versions.promote(options["version"], force=options["force"], build_indexes=True)
        self.stdout.write(f"Version {live.pk} is live.")
