"""Pages of async views: Django forbids queries there, and shelves are drawn all the same."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.template import Context, Template

from similarity.outbox import draining
from similarity.templatetags import rendering
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fake_encoders"),
]


@pytest.fixture
def drawing(monkeypatch):
    """A thread of its own, whose connection is closed before the database goes."""
    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr(rendering, "_threads", threads)
        yield
        threads.submit(connections.close_all).result()


@pytest.mark.usefixtures("drawing")
def test_a_shelf_is_drawn_in_an_async_view(make_product, caplog):
    products = [make_product(name=f"red mug {at}", description="A mug.") for at in range(5)]
    lifecycle.ensure_live_version()
    draining.drain()
    page = Template(
        "{% load similarity %}{% get_similar product limit=3 as hits %}"
        "{% for hit in hits %}[{{ hit.product }}]{% endfor %}"
        "{% similar_products product limit=3 %}"
    )

    async def view():
        return page.render(Context({"product": products[0]}))

    caplog.clear()
    with ThreadPoolExecutor(1) as thread:  # a browser's loop may run in this one
        html = thread.submit(asyncio.run, view()).result()
    assert html.count("[red mug") == 3
    assert "<section" in html or "<ul" in html
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
