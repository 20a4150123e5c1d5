"""`manage.py similarity`: finds the subcommands of the installed apps, lists them, runs them."""

import os
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path
from pkgutil import iter_modules

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command, get_commands

import similarity
from similarity.management import subcommands
from similarity.management.command import INTERRUPTED, SimilarityCommand
from similarity.management.commands.similarity import Command

PLUGIN = Path(similarity.__file__).parent
NAMES = [(app.name, name) for app, names in subcommands.installed().items() for name in names]


def typed(*words):
    """Run as from a shell."""
    Command().run_from_argv(["manage.py", "similarity", *words])


@pytest.mark.parametrize(("app", "name"), NAMES)
def test_every_subcommand_has_help_and_the_shared_base(app, name, capsys):
    command = subcommands.load(name)
    assert isinstance(command, SimilarityCommand)
    assert command.__module__ == f"{app}.subcommands.{name.replace('-', '_')}"
    assert command.help
    with pytest.raises(SystemExit) as ended:
        typed(name, "--help")
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: manage.py similarity {name} ")
    assert command.examples in f"{printed}\n"
    lines = [line.split() for line in command.examples.splitlines() if "manage.py" in line]
    shown = [words[words.index("manage.py") :] for words in lines]
    assert all(words[:3] == ["manage.py", "similarity", name] for words in shown)


def test_every_module_is_named_in_its_package():
    for app, names in subcommands.installed().items():
        modules = iter_modules([str(Path(app.path) / "subcommands")])
        assert {module.name.replace("_", "-") for module in modules} == set(names)


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_all_are_listed_by_app_with_a_line_each(arguments, capsys):
    with suppress(SystemExit):  # --help exits
        typed(*arguments)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for app, names in subcommands.installed().items():
        start = lines.index(f"{app.verbose_name}:") + 1
        assert lines[start : start + len(names)] == [f"{n} {line}" for n, line in names.items()]


def test_it_is_the_only_command():
    ours = {name for name, app in get_commands().items() if app.split(".")[0] == "similarity"}
    assert ours == {"similarity"}


def test_an_unknown_one_is_guessed_at(capsys):
    with pytest.raises(SystemExit) as ended:
        typed("embde")
    assert ended.value.code == 2
    assert "no subcommand 'embde'. Did you mean embed?" in capsys.readouterr().err
    with pytest.raises(CommandError, match="Did you mean build-cells"):
        call_command("similarity", "build_cells")
    with pytest.raises(CommandError, match=r"'xyzzy'\. 'manage.py similarity' lists them"):
        call_command("similarity", "xyzzy")


def test_one_of_an_app_that_is_not_installed_names_the_app(monkeypatch):
    rest = [app for app in apps.get_app_configs() if app.name != "similarity.planning"]
    monkeypatch.setattr(apps, "get_app_configs", lambda: rest)
    with pytest.raises(CommandError, match=r"'similarity\.planning': add it to INSTALLED_APPS"):
        call_command("similarity", "co-demand", "--all")
    out = StringIO()
    call_command("similarity", stdout=out)
    assert "co-demand" not in out.getvalue()


class Noting(SimilarityCommand):
    requires_system_checks = []
    if_interrupted = "Stopped; nothing is lost."

    def add_arguments(self, parser):
        parser.add_argument("keys", nargs="*")
        parser.add_argument("--many-words", action="store_true")
        parser.add_argument("--limit", type=int)

    def handle(self, *args, **options):
        self.options = options
        self.stdout.write("noted")


@pytest.fixture
def noting(monkeypatch):
    command = Noting()
    monkeypatch.setattr(subcommands, "load", lambda name: command)
    return command


def test_options_by_name_and_as_words(noting):
    out = StringIO()
    call_command("similarity", "note", "7", "--limit", "3", many_words=True, stdout=out)
    assert out.getvalue() == "noted\n"
    assert noting.options["keys"] == ["7"]
    assert (noting.options["limit"], noting.options["many_words"]) == (3, True)
    with pytest.raises(TypeError, match="Unknown option"):
        call_command("similarity", "note", nonsense=True)


@pytest.mark.parametrize(
    ("words", "verbosity"),
    [
        (["note"], 1),
        (["note", "-v", "0"], 0),
        (["-v", "0", "note"], 0),
        (["-v0", "note", "-v2"], 2),
    ],
)
def test_common_options_stand_before_or_behind(noting, words, verbosity):
    typed(*words)
    assert noting.options["verbosity"] == verbosity


def test_wrong_options_show_the_usage_of_the_subcommand(noting, capsys):
    with pytest.raises(SystemExit):
        typed("note", "--limit", "many")
    error = capsys.readouterr().err
    assert "usage: manage.py similarity note [-h]" in error
    assert "invalid int value: 'many'" in error
    with pytest.raises(CommandError, match="invalid int value"):
        call_command("similarity", "note", "--limit", "many")


def test_an_error_is_one_line_and_exit_code_1(noting, monkeypatch, capsys):
    def fail(**options):
        raise similarity.exceptions.SimilarityError("It is so.")

    monkeypatch.setattr(noting, "handle", fail)
    with pytest.raises(SystemExit) as ended:
        typed("note", "--no-color")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "CommandError: It is so.\n"


@pytest.mark.parametrize("stage", ["load", "create_parser", "handle"])
def test_ctrl_c_at_any_stage_is_a_sentence(noting, monkeypatch, stage, capsys):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(subcommands if stage == "load" else noting, stage, interrupt)
    with pytest.raises(SystemExit) as ended:
        typed("note")
    assert ended.value.code == INTERRUPTED
    sentence = "Interrupted." if stage == "load" else noting.if_interrupted
    assert capsys.readouterr().err == f"\n{sentence}\n"


STATUS = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "similarity", "status", "--help"] [: int(sys.argv[1])])
"""
LOADED = """
import atexit, sys
heavy = ("torch", "transformers", "scipy", "matplotlib")
def loaded():
    print([n for n in sys.modules if n in heavy or ".subcommands." in n])
atexit.register(loaded)
"""


@pytest.mark.parametrize(
    ("words", "expected"), [(2, []), (4, ["similarity.subcommands.status"])], ids=["list", "status"]
)
def test_only_what_runs_is_imported(words, expected):
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADED + STATUS, str(words)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=PLUGIN.parent,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert finished.stdout.splitlines()[-1] == str(expected), finished.stderr
