"""A typed client can be generated from the schema, and works against the API."""

import importlib
import subprocess
import sys

import httpx
import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def client_package(tmp_path_factory):
    """The package ``shop_client``, made by openapi-python-client."""
    folder = tmp_path_factory.mktemp("client")
    schema = folder / "schema.yml"
    call_command("spectacular", file=str(schema))
    config = folder / "config.yml"
    config.write_text("project_name_override: shop_client\npost_hooks: []\n")
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate"),
            *("--path", schema, "--config", config, "--meta", "none", "--fail-on-warning"),
            *("--output-path", folder / "shop_client"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder


@pytest.fixture
def generated(client_package, monkeypatch):
    """Gives a module of the generated package by its name."""
    monkeypatch.syspath_prepend(str(client_package))
    yield lambda name: importlib.import_module(f"shop_client.{name}")
    for name in [name for name in sys.modules if name.split(".")[0] == "shop_client"]:
        del sys.modules[name]


@pytest.fixture
def api(generated, wsgi):
    client = generated("client").Client(base_url="http://localhost")
    client.set_httpx_client(
        httpx.Client(base_url="http://localhost", transport=httpx.WSGITransport(app=wsgi))
    )
    return client


def test_the_generated_client_is_typed(client_package):
    """A mobile team's type checker must accept what it was given."""
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-incremental"),
            *("--config-file", "/dev/null", "--cache-dir", client_package / ".mypy", "shop_client"),
        ],
        cwd=client_package,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stdout


def test_similar_products_arrive_as_objects(generated, api, shelf):
    similar = generated("api.similarity.similar_products")
    page = similar.sync(shelf[0].pk, client=api, limit=3)
    assert [hit.id for hit in page.results] == [product.pk for product in shelf[1:4]]
    assert page.results[0].score > page.results[1].score


def test_an_error_arrives_as_an_object(generated, api):
    similar = generated("api.similarity.similar_products")
    answer = similar.sync(0, client=api)
    assert answer.error.code == "not_found"
