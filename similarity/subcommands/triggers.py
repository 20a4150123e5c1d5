from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.capture import mode, triggers
from similarity.management.command import SimilarityCommand


class Command(SimilarityCommand):
    help = (
        "Triggers see every change of a product's content in the database itself, including bulk "
        "changes and raw SQL. They are used if SIMILARITY['CAPTURE'] is 'triggers'; "
        "'migrate' then keeps them up to date."
    )
    examples = """examples:
  manage.py similarity triggers status      list each table and its triggers
  manage.py similarity triggers install     create missing and outdated triggers
  manage.py similarity triggers uninstall   drop all of them
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["install", "uninstall", "status"])

    def handle(self, *args: Any, **options: Any) -> None:
        {"install": self._install, "uninstall": self._uninstall, "status": self._status}[
            options["action"]
        ]()

    def _install(self) -> None:
        changed = triggers.install()
        there = sum(each.state == "installed" for each in triggers.states())
        self.stdout.write(f"{changed} changed; {there} triggers are installed.")
        if not mode.in_use():
            self.stdout.write("Set SIMILARITY['CAPTURE'] = 'triggers' to replace the signals.")

    def _uninstall(self) -> None:
        self.stdout.write(f"{triggers.uninstall()} triggers dropped.")
        if mode.in_use():
            raise CommandError(
                "SIMILARITY['CAPTURE'] is 'triggers': until it is 'signals', only "
                "'manage.py similarity reconcile' sees changes."
            )

    def _status(self) -> None:
        states = triggers.states()
        for each in states:
            self.stdout.write(f"{each.state:10} {each.table} {each.name}")
        if mode.in_use() and any(each.state != "installed" for each in states):
            raise CommandError("Run 'manage.py similarity triggers install'.")
