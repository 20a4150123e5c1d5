"""Fixtures every test may use."""

import itertools
import os
import time
from decimal import Decimal
from io import BytesIO

import hypothesis
import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile

# How long an example takes, or is drawn, tells of the machine and not of the code.
hypothesis.settings.register_profile(
    "suite",
    hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

#: Tests of the demo shop and of benchmarks, which run under its settings:
#: ``pytest --ds=tests.shop.settings tests/shop tests/browser tests/benchmarks``.
OF_THE_SHOP = ["shop", "browser", "benchmarks"]
collect_ignore = (
    [] if os.environ["DJANGO_SETTINGS_MODULE"] == "tests.shop.settings" else OF_THE_SHOP
)

#: Milliseconds for a call whose answer matters to a test, and not its time.
AMPLE_MS = 30_000
#: Longest a call that a test left under way is waited for.
UNDER_WAY_S = 30


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """End sessions that the last request of a closed browser left open, or no database is dropped.

    A page sends its last events while it closes, and nobody waits for their answer.
    """
    yield
    from django.db import connections

    with django_db_blocker.unblock():
        for connection in connections.all():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture(autouse=True)
def _empty_cache():
    from similarity.connections import caching

    cache.clear()
    caching.resume()


@pytest.fixture(autouse=True)
def _every_error_is_new():
    """What one test had logged is logged again by the next."""
    from similarity import logs

    logs.forget()


@pytest.fixture(autouse=True)
def _no_trial_of_runtimes(monkeypatch):
    """Each of the many tiny networks would be exported and tried, for seconds; see test_trial."""
    from similarity.encoders import runtimes

    monkeypatch.setattr(runtimes, "installed", lambda name: name == "torch")


@pytest.fixture(autouse=True)
def _ample_time(monkeypatch):
    """A busy machine must not cost a test the signals that ``rerank`` had no time to read.

    Tests of the time limit pass ``budget_ms`` themselves.
    """
    from django.apps import apps

    if apps.is_installed("similarity.search"):
        monkeypatch.setattr("similarity.search.reranking.rerank.BUDGET_MS", AMPLE_MS)


@pytest.fixture(autouse=True)
def _no_messages_left():
    """What one test asks its broker for does not arrive in the next."""
    from similarity.connections import wakeup

    sender = wakeup._sender
    yield
    if not sender.flush(wakeup.EXIT_WAIT_S):
        sender._asked.clear()
        wakeup._sender = wakeup._new_sender()
    wakeup.pause.end()


@pytest.fixture(autouse=True)
def _nothing_under_way(monkeypatch, settings):
    """Calls beside a request end before what the test put in their way is taken away again.

    One that outlived its test would find a cache or broker down that the next test relies on.
    """
    from similarity.connections import background

    yield
    until = time.monotonic() + UNDER_WAY_S
    while background._background._under_way and time.monotonic() < until:
        time.sleep(0.002)


@pytest.fixture
def make_product(db):
    """Makes a shop product; every field has a default that keyword arguments replace."""
    from tests.host_models import Brand, Category, Product

    numbers = itertools.count(1)

    def make(**fields):
        number = next(numbers)
        category = fields.pop("category", "Clothing")
        brand = fields.pop("brand", "Northfield")
        if isinstance(category, str):
            category, _ = Category.objects.get_or_create(
                slug=category.lower().replace(" ", "-"), defaults={"name": category}
            )
        if isinstance(brand, str):
            brand, _ = Brand.objects.get_or_create(slug=brand.lower(), defaults={"name": brand})
        defaults = {
            "sku": f"SKU-{number}",
            "name": f"Product {number}",
            "slug": f"product-{number}",
            "description": "A plain product.",
            "price": Decimal("20.00"),
            "stock": 5,
        }
        return Product.objects.create(category=category, brand=brand, **{**defaults, **fields})

    return make


@pytest.fixture
def photo():
    """Makes an uploadable photo of one colour, ``photo("navy")``."""
    from PIL import Image

    def make(colour: str = "navy", size: tuple[int, int] = (64, 64), name: str | None = None):
        buffer = BytesIO()
        Image.new("RGB", size, colour).save(buffer, "PNG")
        return ContentFile(buffer.getvalue(), name=name or f"{colour}.png")

    return make


@pytest.fixture(scope="session")
def clip_that_knows_colours(tmp_path_factory):
    """The folder of a tiny CLIP that tells red, blue and green; made once, by training."""
    from tests.encoders import models

    return str(models.save_clip_that_knows_colours(tmp_path_factory.mktemp("colours")))
