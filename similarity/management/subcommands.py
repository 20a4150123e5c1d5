"""Find the subcommands of ``manage.py similarity``, which each app keeps in ``subcommands``.

``SUBCOMMANDS`` of that package names them, with a line of help each. The module of a subcommand
has the same name, with underscores, and is imported only when the subcommand runs.
"""

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from django.apps import AppConfig
from django.utils.module_loading import module_has_submodule

import similarity
from similarity import conf
from similarity.management.command import SimilarityCommand


def installed() -> dict[AppConfig, dict[str, str]]:
    """Return the subcommands of each installed app of the plugin: name → line of help."""
    with_any = [
        app for app in conf.installed_apps() if module_has_submodule(app.module, "subcommands")
    ]
    return {app: _named_by(app.name) for app in with_any}


def load(name: str) -> SimilarityCommand:
    """Return the subcommand; raise LookupError with the remedy if no installed app has it."""
    for app, names in installed().items():
        if name in names:
            module = import_module(f"{app.name}.subcommands.{name.replace('-', '_')}")
            command: SimilarityCommand = module.Command()
            return command
    raise LookupError(_remedy(name))


def _remedy(name: str) -> str:
    for path in Path(similarity.__file__).parent.glob("*/subcommands/__init__.py"):
        app = f"similarity.{path.parent.parent.name}"
        if name in _named_by(app):
            return f"{name!r} needs the app {app!r}: add it to INSTALLED_APPS, then migrate."
    known = [each for names in installed().values() for each in names]
    meant = get_close_matches(name.replace("_", "-"), known)
    question = f" Did you mean {' or '.join(meant)}?" if meant else ""
    return f"There is no subcommand {name!r}.{question} 'manage.py similarity' lists them."


def _named_by(app: str) -> dict[str, str]:
    named: dict[str, str] = import_module(f"{app}.subcommands").SUBCOMMANDS
    return named
