"""What each hit holds: enough to draw a card, and no query for each."""

from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from similarity.api.fields import key_schema
from similarity.api.hits import HitWriter
from similarity.api.serializers import HIT_FIELDS
from similarity.catalog.adapter import get_adapter
from similarity.search import documents
from tests.configure import with_settings
from tests.host.models import Product, ProductImage

pytestmark = pytest.mark.django_db

API = "/api/similarity/v1/"


@pytest.fixture
def pictured(shelf):
    """The second of the shelf has a photo; the others have none."""
    photo = ProductImage(product=shelf[1], alt="A mug seen from above")
    photo.image.save("mug.png", ContentFile(b"png"), save=True)
    yield shelf
    photo.image.delete()


def get(path, **query):
    return APIClient().get(API + path, query)


def hits(response):
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_a_hit_draws_a_card(pictured):
    Product.objects.filter(pk=pictured[1].pk).update(price=Decimal("1250.00"))
    first, second = hits(get(f"products/{pictured[0].pk}/similar/", limit=2))
    assert first["id"] == pictured[1].pk
    assert (first["price"], first["currency"]) == ("1250.00", pictured[1].currency)
    assert first["brand"] == pictured[1].brand.name
    assert first["in_stock"] is True
    assert first["image"]["alt"] == "A mug seen from above"
    assert first["image"]["url"].startswith("http://testserver/media/")
    assert second["image"] is None


def test_stock_is_read_now_and_of_what_may_be_shown(shelf, settings):
    catalog = {**settings.SIMILARITY["CATALOG"], "eligible": {"is_active": True}}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    Product.objects.filter(pk=shelf[2].pk).update(stock=0)
    found = hits(get(f"products/{shelf[0].pk}/similar/", limit=3))
    assert [hit["in_stock"] for hit in found] == [True, False, True]
    catalog = {name: value for name, value in catalog.items() if name != "in_stock"}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    found = hits(get(f"products/{shelf[0].pk}/similar/", limit=3))
    assert [hit["in_stock"] for hit in found] == [True] * 3, "the shop keeps no stock"


@pytest.mark.parametrize("name", HIT_FIELDS)
def test_fields_narrow_what_a_hit_holds(shelf, name):
    query = {"limit": 1, "fields": name, "explain": "true"}
    [hit] = hits(get(f"products/{shelf[0].pk}/similar/", **query))
    assert set(hit) == {"id", name}


def test_fields_of_a_body_are_a_list(shelf):
    body = {"liked": [shelf[0].pk], "limit": 1, "fields": ["price", "image"]}
    answer = APIClient().post(f"{API}more-like-these/", body, format="json")
    assert set(hits(answer)[0]) == {"id", "price", "image"}


@pytest.mark.parametrize("names", ["titel", "title,colour", "", ",", "title;price"])
def test_a_field_that_hits_do_not_have_is_refused(shelf, names):
    error = get(f"products/{shelf[0].pk}/similar/", fields=names).json()["error"]
    assert error["parameter"] == "fields"
    assert all(name in error["message"] for name in HIT_FIELDS)


def test_cards_cost_as_many_queries_for_many_hits_as_for_few(pictured):
    documents.index([str(product.pk) for product in pictured])
    for path, query in (
        (f"products/{pictured[0].pk}/similar/", {}),
        ("search/", {"q": "product"}),
    ):
        counted = []
        for limit in (1, 2, 10):
            with CaptureQueriesContext(connection) as asked:
                found = hits(get(path, limit=limit, **query))
            assert found
            counted.append(len(asked))
        assert counted[1] == counted[2], path


def test_what_is_not_asked_for_is_not_read(shelf, monkeypatch):
    monkeypatch.setattr("similarity.api.hits.card_of", lambda *args: pytest.fail("was read"))
    monkeypatch.setattr(HitWriter, "_in_stock", property(lambda self: pytest.fail("was read")))
    assert hits(get(f"products/{shelf[0].pk}/similar/", fields="score,tier"))


def test_a_key_has_one_type_in_requests_and_answers(shelf):
    assert key_schema() == {"type": "integer"}
    [hit] = hits(get(f"products/{shelf[0].pk}/similar/", limit=1))
    assert type(hit["id"]) is int
    for path, body in (
        ("more-like-these/", {"liked": [str(shelf[0].pk)]}),
        ("cart/bought-together/", {"products": [str(shelf[0].pk)]}),
        ("rerank/", {"query": "mug", "results": [str(shelf[0].pk)]}),
    ):
        error = APIClient().post(API + path, body, format="json").json()["error"]
        assert "a key is a whole number" in error["message"]


def test_stock_is_not_asked_for_where_only_stock_is_shown(shelf, client, settings):
    """The demo and most shops: ``eligible`` holds the conditions of ``in_stock``."""
    catalog = settings.SIMILARITY["CATALOG"]
    assert get_adapter().sells_only_stock
    settings.SIMILARITY = with_settings(CATALOG={**catalog, "eligible": {"is_active": True}})
    assert not get_adapter().sells_only_stock
