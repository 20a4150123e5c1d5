"""`pip install .` gives the whole plugin and nothing of the demo shop."""

import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "similarity", source / "similarity")
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", str(source), "--wheel-dir", str(built)),
            *("--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check"),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    return zipfile.ZipFile(next(built.glob("*.whl")))


def test_every_file_of_the_plugin_is_in_the_wheel(wheel):
    """A template or migration left out shows only in production."""
    in_tree = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "similarity").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    assert in_tree <= set(wheel.namelist())


def test_nothing_of_the_shop_is_in_the_wheel(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"similarity"}


def test_web_machines_do_without_torch(wheel):
    """Only the extra `encoders` brings torch."""
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    heavy = [
        line for line in metadata.get_all("Requires-Dist") if line.startswith(("torch", "transf"))
    ]
    assert len(heavy) == 3
    assert all('extra == "encoders"' in line for line in heavy)


WEB_MACHINE = """
import importlib, pkgutil, sys
for extra in ("torch", "torchvision", "transformers", "safetensors", "efficientnet_lite_pytorch"):
    sys.modules[extra] = None  # as if it were not installed
import django
django.setup()
import similarity
for module in pkgutil.walk_packages(similarity.__path__, "similarity."):
    importlib.import_module(module.name)
print("complete")
"""


def test_every_module_can_be_imported_without_the_encoder_packages():
    """Admin, health and commands reach into encoders/; one import too many stops a web machine."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WEB_MACHINE],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert finished.stdout.strip() == "complete", finished.stderr
