"""What the documents tell readers to type, and where they send them, is there."""

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands

from benchmarks.evaluate import read_options
from similarity.management import subcommands

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def typed(text: str) -> list[list[str]]:
    """Calls of our subcommands, in blocks or between backticks, as words after ``similarity``."""
    lines = [line.split("#")[0] for line in re.findall(r"^(?:python )?manage\.py .*$", text, re.M)]
    spans = re.findall(r"`(?:(?:python )?manage\.py\s)?(similarity\s[^`]*)`", text)
    calls = [line.split("manage.py ", 1)[1] for line in lines] + spans
    split = [shlex.split(re.sub(r"\s{3,}.*", "", call.replace("\n", " "))) for call in calls]
    return [words[1:] for words in split if words[0] == "similarity"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_have_the_options_they_are_shown_with(document):
    for name, *words in typed(document.read_text()):
        parser = subcommands.load(name).create_parser("manage.py similarity", name)
        for word in words:
            option = word.split("=")[0]
            if option.startswith("--"):
                assert option in parser._option_string_actions, f"{name} {option}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_benchmarks_are_there_and_evaluations_take_what_they_are_shown_with(document):
    text = document.read_text()
    for name in re.findall(r"benchmarks/\w+\.py", text):
        assert (ROOT / name).is_file(), name
    called = r"python benchmarks/evaluate\.py ([^`#\n]+)"
    for words in map(shlex.split, re.findall(called, text)):
        read_options([word.strip(".,") for word in words])


WITH_ADVICE = [
    path
    for folder in ("similarity", "shop", "docs", "templates", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".html", ".md", ".yml")
]


#: Commands of the demo shop, which the small host does not install.
OF_THE_DEMO = {path.stem for path in (ROOT / "shop" / "management" / "commands").glob("[a-z]*.py")}


def test_commands_named_anywhere_exist():
    """In messages, hints, comments and documents; a text may go on in the next line."""
    names = {"", *(name for names in subcommands.installed().values() for name in names)}
    commands = {*get_commands(), *OF_THE_DEMO}
    missing = []
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *WITH_ADVICE):
        text = re.sub(
            r'"\s*\n\s*f?"|\s+', lambda gap: "" if '"' in gap[0] else " ", path.read_text()
        )
        for command, name in re.findall(r"manage\.py ([a-z][\w-]*)(?: ([a-z][\w-]*))?", text):
            if command not in commands or (command == "similarity" and name not in names):
                missing.append(f"{path.relative_to(ROOT)}: manage.py {command} {name}")
    assert len(WITH_ADVICE) > 300
    assert not missing


def anchors(document: Path) -> set[str]:
    """Headings as GitHub names them: in lower case, without marks, hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_are_there(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if not target.startswith(("http:", "https:")):
            name, _, heading = target.partition("#")
            led_to = document.parent / name if name else document
            assert led_to.exists(), target
            assert not heading or heading in anchors(led_to), target
