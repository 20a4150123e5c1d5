"""A small catalogue with vectors in two dimensions a part, whose neighbours are known by hand."""

import math

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from pgvector import HalfVector

from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import group_name

#: What a hit holds unless a request asks for less or for reasons.
HIT = {"id", "title", "url", "price", "currency", "image", "in_stock", "brand", "score", "tier"}


@pytest.fixture
def version(db):
    return EncoderVersion.objects.create(
        status="live",
        encoders={},
        fusion=b"",
        weights={"text": 0.5, "image": 0.5},
        dimensions={"fused": 4, "text": 2, "image": 2},
        promoted_at=timezone.now(),
    )


@pytest.fixture
def at_angle(version, make_product):
    """Makes a product whose parts point ``degrees`` away from the first axis: less is nearer."""

    def make(degrees: float, **fields):
        product = make_product(**fields)
        x, y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        ProductVectors.objects.create(
            product=product,
            version=version,
            fused=HalfVector([x / math.sqrt(2), y / math.sqrt(2)] * 2),
            text=HalfVector([x, y]),
            image=HalfVector([x, y]),
            group=group_name(str(product.pk), product.group),
            fingerprint="0" * 64,
        )
        return product

    return make


@pytest.fixture
def shelf(at_angle):
    """Twelve products, each 5 degrees further from the first."""
    return [at_angle(5 * number) for number in range(12)]


@pytest.fixture
def wsgi():
    """The shop as a WSGI application, for clients of other makes than Django's.

    As Django's own test client does: the end of a request would close the test's connection.
    """
    from tests.host.wsgi import application

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield application
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
