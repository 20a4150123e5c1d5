from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.models import EncoderVersion
from similarity.versions import gate, lifecycle


class Command(SimilarityCommand):
    help = (
        "Make an encoder version live if its figures compare well with the live version's, "
        "or roll back to the previous version. The switch changes one row; the version that was "
        "live is kept for rolling back."
    )
    examples = """examples:
  manage.py similarity promote                 the newest version that is ready
  manage.py similarity promote 7               version 7
  manage.py similarity promote --rollback      the version that was live before
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", nargs="?", type=int, metavar="ID")
        parser.add_argument(
            "--rollback", action="store_true", help="go back to the previous version"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="promote even if the table advises against it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rollback"] and options["version"] is not None:
            raise CommandError("Give either a version or --rollback, not both.")
        if options["rollback"]:
            live = lifecycle.rollback(force=options["force"])
        else:
            live = self._promoted(options["version"], options["force"])
        self.stdout.write(f"Version {live.pk} is live.")

    def _promoted(self, number: int | None, force: bool) -> EncoderVersion:
        """Print the table before the gate may refuse; return the live version."""
        chosen = lifecycle.find(number)
        with ProgressBars() as bars:
            lifecycle.prepare(chosen, bars, compare=not force)
        table = lifecycle.gate_of(chosen)
        self.stdout.write(gate.table(table))
        for line in table:
            if line.state == gate.WARNING:
                self.stdout.write(f"Look: {line.name} {line.new}. {line.remedy}")
        return lifecycle.promote(chosen, force=force)
