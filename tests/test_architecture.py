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

#: Optional apps → other optional apps that they may import, besides the core.
APPS = {
    "search": set(),
    "orders": set(),
    "insights": set(),
    "planning": {"orders"},
    "events": set(),
    "shoppers": {"events"},
}

#: Room of the core → rooms it may import besides itself. A module outside every room is a mistake.
BASE = {"conf", "exceptions", "logs", "parts", "types"}
CORE = BASE | {"catalog", "models", "connections", "extension"}
READ = CORE | {"cells", "similar"}
WRITE = CORE | {"cells", "encoders", "outbox", "vectors", "versions"}
ALLOWED = {
    "exceptions": set(),
    "logs": set(),
    "types": set(),
    "lazy": set(),
    "parts": set(),
    "schedule": set(),
    "conf": {"exceptions"},
    "catalog": BASE,
    "connections": BASE,
    "extension": BASE | {"catalog", "connections", "models"},
    "models": BASE | {"catalog", "connections", "extension"},
    "capture": CORE,
    "encoders": BASE | {"catalog"},
    "cells": CORE,
    "vectors": CORE | {"cells", "encoders"},
    "versions": CORE | {"cells", "encoders", "vectors"},
    "outbox": CORE | {"encoders", "vectors", "versions"},
    "operations": WRITE,
    "training": READ | WRITE,
    "similar": CORE | {"cells"},
    "worker": WRITE,
    "tasks": WRITE | {"worker"},
    "checks": READ | WRITE | {"capture"},
    "receivers": BASE,
    "signals": WRITE | {"capture", "tasks", "receivers"},
    "apps": {"capture", "checks", "schedule", "signals"},
    "api": READ | {"operations", "tasks", "vectors", "versions"},
    "templatetags": READ,
    "admin": READ | WRITE | {"operations", "tasks"},
    "management": BASE,
    "subcommands": READ | WRITE | {"capture", "management", "operations", "tasks", "training"},
    "migrations": {"conf", "models"},
}
MODULES = sorted(path.relative_to(PLUGIN.parent) for path in PLUGIN.rglob("*.py"))
TREES = {module: ast.parse((PLUGIN.parent / module).read_text()) for module in MODULES}


def test_rooms_of_the_core_import_one_way():
    faults = []
    for module, tree in TREES.items():
        room = room_of(".".join(module.with_suffix("").parts))
        if room in APPS or module.parts == ("similarity", "__init__.py"):
            continue
        if room not in ALLOWED:
            faults.append(f"{module} is in no room")
            continue
        imported = {room_of(name) for name in imports(tree)} - {None, room}
        if wrong := imported - ALLOWED[room]:
            faults.append(f"{module} may not import {sorted(wrong)}")
    assert not faults


def test_optional_apps_import_the_core_and_never_each_other():
    """But for those that they need, which their ``ready`` asks for."""
    faults = []
    for module, tree in TREES.items():
        room = room_of(".".join(module.with_suffix("").parts))
        imported = {room_of(name) for name in imports(tree)} & APPS.keys() - {room}
        if wrong := imported - APPS.get(room, set()):
            faults.append(f"{module} may not import {sorted(wrong)}")
    assert not faults


def test_plugin_never_imports_its_host():
    hosts = [
        f"{module} imports {name}"
        for module, tree in TREES.items()
        for name in imports(tree)
        if name.split(".")[0] in ("shop", "tests")
    ]
    assert not hosts


def test_torch_is_imported_lazily_and_in_its_rooms_only():
    heavy = ("torch", "torchvision", "transformers", "safetensors", "efficientnet_lite_pytorch")
    for module, tree in TREES.items():
        at_import = [name for name in imports(tree, lazily=False) if name.split(".")[0] in heavy]
        assert not at_import, f"{module}: import it inside the function that needs it"
        anywhere = [name for name in imports(tree) if name.split(".")[0] in heavy]
        assert not anywhere or {"encoders", "training"} & set(module.parts), module


def test_no_pickle_in_the_plugin():
    loaders = ("pickle", "dill", "joblib", "shelve", "marshal", "cloudpickle")
    for module, tree in TREES.items():
        found = [name for name in imports(tree) if name.split(".")[0] in loaders]
        assert not found, f"{module} imports {found}"


def test_the_document_names_every_app_and_every_room():
    """docs/architecture.md is the plugin's true account: nothing missing, nothing that is gone."""
    text = (PLUGIN.parent / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"^\| `(similarity[\w./]*)` \|", text, re.MULTILINE))
    rooms = {module.parts[1] for module in MODULES if len(module.parts) > 2}
    expected = {f"similarity.{app}" for app in APPS} | {"similarity"}
    expected |= {f"similarity/{room}/" for room in rooms - APPS.keys() - {"migrations"}}
    assert named == expected


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
@pytest.mark.parametrize("url", ["/", "product", "json", "/search/?q=lamp"])
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
    """``similarity.encoders.text`` → ``encoders``; None for what is in no room, or no plugin's."""
    parts = module.split(".")
    rooms = ALLOWED.keys() | APPS.keys()
    return parts[1] if parts[0] == "similarity" and len(parts) > 1 and parts[1] in rooms else None


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
