"""The rooms of the plugin import one way, and the web side loads no torch."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import similarity
from tests.databases import current_address

PLUGIN = Path(similarity.__file__).parent

#: room → rooms it may import besides itself. A module outside every room is a mistake.
BASE = {"conf", "exceptions", "logs"}
CORE = BASE | {"catalog", "models", "connections"}
READ = CORE | {"copurchase", "retrieval"}
WRITE = CORE | {"encoders", "indexing", "copurchase"}
ALLOWED = {
    "exceptions": set(),
    "logs": set(),
    "conf": {"exceptions"},
    "catalog": BASE,
    "models": BASE | {"connections"},
    "connections": BASE,
    "capture": CORE,
    "encoders": BASE | {"catalog"},
    "indexing": CORE | {"encoders"},
    "copurchase": CORE,
    "training": READ | {"encoders", "indexing"},
    "retrieval": CORE | {"copurchase"},
    "tasks": WRITE | {"retrieval", "training"},
    "checks": READ | {"capture", "encoders", "indexing"},
    "receivers": BASE,
    "signals": WRITE | {"capture", "tasks", "receivers"},
    "order_signals": CORE | {"copurchase", "receivers"},
    "apps": {"capture", "checks", "signals", "order_signals"},
    "api": READ | {"indexing", "tasks"},
    "templatetags": READ,
    "admin": READ | {"indexing", "tasks"},
    "management": READ | WRITE | {"capture", "tasks", "training"},
    "migrations": {"conf", "models"},
}
MODULES = sorted(path.relative_to(PLUGIN.parent) for path in PLUGIN.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_one_way(module):
    room = room_of(".".join(module.with_suffix("").parts))
    if room is None:
        assert module.parts == ("similarity", "__init__.py"), f"{module} is in no room"
        return
    allowed = ALLOWED[room] | {room}
    tree = ast.parse((PLUGIN.parent / module).read_text())
    imported = {room_of(name) for name in imports(tree)} - {None}
    assert imported <= allowed, f"{module} may not import {sorted(imported - allowed)}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_plugin_never_imports_its_host(module):
    tree = ast.parse((PLUGIN.parent / module).read_text())
    hosts = [name for name in imports(tree) if name.split(".")[0] in ("shop", "tests")]
    assert not hosts


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_torch_is_imported_lazily_and_in_its_rooms_only(module):
    heavy = ("torch", "torchvision", "transformers", "safetensors", "efficientnet_lite_pytorch")
    tree = ast.parse((PLUGIN.parent / module).read_text())
    at_import = [name for name in imports(tree, lazily=False) if name.split(".")[0] in heavy]
    assert not at_import, "import it inside the function that needs it"
    anywhere = [name for name in imports(tree) if name.split(".")[0] in heavy]
    assert not anywhere or module.parts[1] in ("encoders", "training")


def test_no_pickle_in_the_plugin():
    loaders = ("pickle", "dill", "joblib", "shelve", "marshal", "cloudpickle")
    for module in MODULES:
        tree = ast.parse((PLUGIN.parent / module).read_text())
        found = [name for name in imports(tree) if name.split(".")[0] in loaders]
        assert not found, f"{module} imports {found}"


def test_the_document_names_every_module_in_its_room():
    """docs/architecture.md is the plugin's true account: nothing missing, nothing that is gone."""
    named: dict[str, set[str]] = {}
    room = ""
    for line in (PLUGIN.parent / "docs" / "architecture.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and "`" in cells[1]:
            room = cells[0].strip("`/") or room
            named.setdefault(room, set()).update(re.findall(r"`(\w+)`", cells[1]))
    existing: dict[str, set[str]] = {}
    for module in MODULES:
        if module.stem != "__init__" and "migrations" not in module.parts:
            home = module.parts[1] if len(module.parts) > 2 else "similarity"
            existing.setdefault(home, set()).add(module.stem)
    assert named == existing


SERVE_A_PAGE = """
import sys
import django
django.setup()
from django.test import Client
status = Client(headers={"host": "localhost"}).get(sys.argv[1]).status_code
heavy = ("torch", "torchvision", "transformers", "safetensors")
heavy = [name for name in heavy if name in sys.modules]
print(status, heavy)
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", ["/", "product", "json", "/search/?q=lamp", "/search/picture/"])
def test_serving_a_page_loads_no_torch(url, make_product, tmp_path):
    """A web machine without torch must serve everything; run in a process of its own."""
    product = make_product()
    urls = {
        "product": product.get_absolute_url(),
        "json": f"/api/similarity/v1/products/{product.pk}/similar/",
    }
    script = tmp_path / "serve.py"
    script.write_text(SERVE_A_PAGE)
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), urls.get(url, url)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=PLUGIN.parent,
        env={
            **os.environ,
            "DATABASE_URL": current_address(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(PLUGIN.parent),
        },
    )
    assert finished.stdout.split(maxsplit=1) == ["200", "[]\n"], finished.stderr


def room_of(module: str) -> str | None:
    """``similarity.encoders.text`` → ``encoders``; None for anything outside the plugin."""
    parts = module.split(".")
    return parts[1] if parts[0] == "similarity" and len(parts) > 1 and parts[1] in ALLOWED else None


def imports(tree: ast.Module, *, lazily: bool = True) -> list[str]:
    """Dotted names a module imports; without ``lazily``, only those run at its import."""
    nodes = ast.walk(tree) if lazily else _at_import(tree)
    names = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _at_import(tree: ast.AST):
    for child in ast.iter_child_nodes(tree):
        functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        type_checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not isinstance(child, functions) and not type_checking:
            yield child
            yield from _at_import(child)
