"""Each app has one public door: what it offers is there, and shops need nothing deeper."""

import ast
import os
import re
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOORS = [
    "similarity",
    "similarity.search",
    "similarity.orders",
    "similarity.insights",
    "similarity.planning",
    "similarity.events",
    "similarity.shoppers",
]
#: What is public by Django's own convention, as ``django.contrib.auth.models`` is: models cannot
#: stand in a door, because Django imports the package before models may be imported.
MODELS = [f"{door}.models" for door in DOORS]

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOP = sorted((ROOT / "shop").rglob("*.py"))


def folder_of(door: str) -> Path:
    return ROOT.joinpath(*door.split("."))


@pytest.mark.parametrize("door", DOORS)
def test_every_name_of_a_door_is_there(door):
    package = import_module(door)
    assert package.__all__ == sorted(set(package.__all__))
    for name in package.__all__:
        try:
            offered = getattr(package, name)
        except ModuleNotFoundError as missing:
            if missing.name == "oscar":  # a shop that is none of Oscar's does not install it
                continue
            raise
        assert name.isupper() or offered.__name__ == name


@pytest.mark.parametrize("door", DOORS)
def test_type_checkers_see_what_is_imported_at_run_time(door):
    """They read the imports below TYPE_CHECKING, with ``as`` so that strict ones accept them."""
    package = import_module(door)
    typed = {}
    for node in ast.walk(ast.parse((folder_of(door) / "__init__.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module not in ("typing", "similarity.lazy"):
            assert all(alias.asname == alias.name for alias in node.names)
            typed |= {alias.name: node.module for alias in node.names}
    assert typed == package._DOOR


@pytest.mark.parametrize("door", DOORS)
def test_no_name_of_a_door_is_a_module_of_its_package(door):
    """Importing such a module anywhere would put it in the place of the name."""
    modules = {path.stem for path in folder_of(door).iterdir()}
    assert modules.isdisjoint(import_module(door).__all__)


def test_a_name_that_a_door_does_not_offer_is_an_error():
    import similarity

    with pytest.raises(AttributeError, match="'similarity' has no attribute 'similr_to'"):
        similarity.similr_to  # noqa: B018


TYPED = """
from similarity import CatalogAdapter, similar_to
from similarity.orders import Offer, bundle_offers
from similarity.search import SearchPage, search

hits: int = similar_to("1")
page: int = search("lamp")
from similarity import similr_to
"""


def test_mypy_knows_the_types_behind_the_doors_even_where_it_is_strict(tmp_path):
    (tmp_path / "host.py").write_text(TYPED)
    options = ["--config-file", "pyproject.toml", "--strict", "--follow-imports=silent"]
    finished = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(tmp_path / "host.py")],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )
    errors = re.findall(r"host.py:(\d+): error: (.*)", finished.stdout)
    assert [int(line) for line, _error in errors] == [6, 7, 8], finished.stdout + finished.stderr
    assert "list[Hit]" in errors[0][1]
    assert "SearchPage" in errors[1][1]
    assert 'no attribute "similr_to"' in errors[2][1]


OPEN_DOORS = """
import sys
import similarity, similarity.search, similarity.orders, similarity.insights, similarity.planning
from similarity import QueryError, beat_schedule
loaded = [name for name in sys.modules if name in ("torch", "numpy", "django.db.models")
          or name.startswith("similarity.") and name.endswith(".models")]
print(loaded, "similar_to" in dir(similarity))
"""


def test_doors_open_before_django_is_set_up_and_load_neither_torch_nor_models():
    """Settings import ``beat_schedule``, and Django imports the packages before their models."""
    environment = {name: os.environ[name] for name in os.environ if name[:6] != "DJANGO"}
    finished = subprocess.run(
        [sys.executable, "-c", OPEN_DOORS],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment | {"PYTHONPATH": str(ROOT)},
    )
    assert finished.stdout == "[] True\n", finished.stderr


@pytest.mark.parametrize("path", SHOP, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_shop_uses_the_doors_alone(path):
    assert deeper(path.read_text()) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_use_the_doors_alone(path):
    blocks = re.findall(r"^( *)```python\n(.*?)^\1```", path.read_text(), re.M | re.S)
    assert [name for _indent, block in blocks for name in deeper(block)] == []


def deeper(code: str) -> list[str]:
    """What ``code`` imports of the plugin that no door offers. Dotted paths in strings may be deep:
    they are configuration."""
    found = []
    for node in imports_of(code):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name not in (*DOORS, *MODELS)]
            found += [name for name in names if name.split(".")[0] == "similarity"]
        elif node.module and node.module.split(".")[0] == "similarity":
            offered = import_module(node.module).__all__ if node.module in DOORS + MODELS else ()
            names = [alias.name for alias in node.names if alias.name not in offered]
            found += [f"{node.module}.{name}" for name in names]
    return found


def imports_of(code: str) -> list[ast.Import | ast.ImportFrom]:
    code = textwrap.dedent(code)
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a piece of a dict, say: its lines that import
        tree = ast.parse("\n".join(re.findall(r"^(?:from|import) .*$", code, re.M)))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
