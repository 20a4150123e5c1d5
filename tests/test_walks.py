"""How far a reader must walk to follow one request: files, functions and SQL statements.

The bounds are what was counted when they were written, and a little more. A change that needs
another file for the same request has to raise a bound here, in plain sight.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone

import similarity
from similarity import similar_to
from similarity.orders import bought_together
from similarity.orders.counting.full import count_all
from similarity.orders.counting.updating import count_pending
from similarity.search import documents, rerank, search
from tests.encoders_fake import similarity_settings
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.host.models import Order, OrderLine, Product

pytestmark = pytest.mark.django_db(transaction=True)

PLUGIN = str(Path(similarity.__file__).parent)


class Walk(NamedTuple):
    files: int
    functions: int
    statements: int


def walk(step) -> Walk:
    """Count what one call passes of the plugin: files, functions and SQL statements.

    It is called three times before, so that caches are warm. A function counts once, however
    often it is called; comprehensions and lambdas count as part of their function.
    """
    for _ in range(3):
        step()
    seen: set[tuple[str, str]] = set()
    statements = 0

    def note_call(frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PLUGIN) and "<" not in code.co_name:
            seen.add((code.co_filename, code.co_qualname))

    def note_statement(execute, sql, *arguments):
        nonlocal statements
        statements += 1
        return execute(sql, *arguments)

    previous = sys.getprofile()
    with connection.execute_wrapper(note_statement):
        sys.setprofile(note_call)
        try:
            step()
        finally:
            sys.setprofile(previous)
    return Walk(len({file for file, _name in seen}), len(seen), statements)


@pytest.fixture
def shop(make_product, settings, wakeups):  # noqa: F811
    """Forty products with vectors and documents, bought in pairs."""
    from similarity.outbox import draining
    from similarity.versions import lifecycle

    settings.SIMILARITY = similarity_settings(
        ORDERS={"MIN_SHOPPERS": 1}, SEARCH={"ENCODE_IN_PROCESS": True}
    )
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    products = [make_product(name=f"w{at % 7} w{at % 5} mug", stock=9) for at in range(40)]
    lifecycle.ensure_live_version()
    draining.drain()
    documents.index([str(product.pk) for product in products])
    for at in range(12):
        order = Order.objects.create(
            number=f"W-{at}", email=f"c{at}@example.com", placed_at=timezone.now()
        )
        for product in products[at % 3 : at % 3 + 3]:
            OrderLine.objects.create(order=order, product=product, unit_price=product.price)
    count_all()
    return products


def save(products):
    product = Product.objects.get(pk=products[0].pk)
    product.description += "."
    product.save()


def count_a_cancelled_order(products):
    order = Order.objects.filter(status="placed").first()
    order.status = "cancelled"
    order.save()
    count_pending()


TAG = "{% load similarity %}{% similar_products product %}"


def render_tag(products):
    request = RequestFactory().get("/")
    Template(TAG).render(Context({"product": products[0], "request": request}))


STEPS = {
    "save": (save, Walk(13, 50, 5)),
    "similar_to": (lambda products: similar_to(products[0], 8), Walk(18, 80, 6)),
    "tag": (render_tag, Walk(19, 92, 3)),
    "order": (count_a_cancelled_order, Walk(22, 76, 16)),
    "bought_together": (lambda products: bought_together(products[0], 4), Walk(18, 77, 9)),
    "search": (lambda products: search("w1 mug", facets=["colour"]), Walk(50, 208, 12)),
    "rerank": (lambda products: rerank("w1 mug", products[:24]), Walk(34, 108, 8)),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_request_passes_few_files_and_functions(name, shop):
    step, most = STEPS[name]
    counted = walk(lambda: step(shop))
    assert all(one <= bound for one, bound in zip(counted, most, strict=True)), counted
