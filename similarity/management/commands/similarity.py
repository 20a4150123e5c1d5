"""``manage.py similarity SUBCOMMAND``: the entry point of the installed apps' subcommands."""

import argparse
from typing import Any

from django.core.management.base import CommandParser

from similarity.management import subcommands
from similarity.management.command import SimilarityCommand


class Command(SimilarityCommand):
    """Parses and runs the subcommand in place of itself; without a subcommand it lists them."""

    help = "Operate product similarity: embed, build versions, watch, count orders and so on."
    requires_system_checks = []  # a subcommand runs its own checks
    suppressed_base_arguments = {
        *("--version", "--verbosity", "--settings", "--pythonpath"),
        *("--traceback", "--no-color", "--force-color"),
    }
    chosen: SimilarityCommand | None = None

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        self.chosen = None
        return super().create_parser(prog_name, subcommand, epilog=_listing(), **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.usage = f"{parser.prog} SUBCOMMAND [options]"
        action = parser.add_argument(
            "subcommand",
            nargs=argparse.PARSER,
            action=_Choose,
            command=self,
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
        action.required = False

    def choose(self, name: str, prog: str) -> CommandParser:
        """Return the parser of a subcommand, and run that subcommand from now on."""
        self.chosen = chosen = subcommands.load(name)
        # Shared, so that --no-color of the subcommand also applies to errors written here.
        chosen.stdout, chosen.stderr = self.stdout, self.stderr
        chosen._called_from_command_line = self._called_from_command_line
        its_parser = chosen.create_parser(prog, name)
        # So that call_command takes the subcommand's options by name.
        self.stealth_options = tuple(action.dest for action in its_parser._actions)
        return its_parser

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except KeyboardInterrupt:
            (self.chosen or self).end_interrupted()

    def execute(self, *args: Any, **options: Any) -> str | None:
        if self.chosen is None:
            return super().execute(*args, **options)
        return self.chosen.execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(self.create_parser("manage.py", "similarity").format_help())


class _Choose(argparse.Action):
    """An action that passes the remaining arguments to the subcommand's parser."""

    def __init__(self, *args: Any, command: Command, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.command = command

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        name, *arguments = values
        try:
            its_parser = self.command.choose(name, parser.prog)
        except LookupError as error:
            parser.error(str(error))
        its_parser.parse_args(arguments, namespace)


def _listing() -> str:
    lines = []
    for app, names in subcommands.installed().items():
        lines += ["", f"{app.verbose_name}:"]
        lines += [f"  {name:16} {help_line}" for name, help_line in names.items()]
    lines += ["", "Options and examples of each: manage.py similarity SUBCOMMAND --help"]
    return "\n".join(lines[1:])
