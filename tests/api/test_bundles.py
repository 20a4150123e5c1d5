"""GET products/{key}/bundles/ and POST cart/bundles/."""

from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from similarity.orders.models import Bundle
from tests.host.models import Product

pytestmark = pytest.mark.django_db

API = "/api/similarity/v1/"


@pytest.fixture
def pair(make_product):
    """A cup and a pot, 20.00 each, offered together for 30.00."""
    products = [make_product(name=name, currency="EUR") for name in ("Cup", "Pot")]
    Bundle.objects.create(
        name="For tea",
        products=[str(product.pk) for product in products],
        price=Decimal("30.00"),
        currency="EUR",
        status="published",
        orders=5,
    )
    return products


def get(product, **query):
    return APIClient().get(f"{API}products/{getattr(product, 'pk', product)}/bundles/", query)


def post(**body):
    return APIClient().post(f"{API}cart/bundles/", body, format="json")


def bundles(response):
    assert response.status_code == 200, response.content
    return response.json()["bundles"]


def test_a_bundle_has_cards_its_price_and_its_saving(pair):
    [bundle] = bundles(get(pair[0]))
    assert {name: value for name, value in bundle.items() if name not in ("id", "items")} == {
        "name": "For tea",
        "total": "40.00",
        "price": "30.00",
        "saving": "10.00",
        "currency": "EUR",
    }
    assert [item["id"] for item in bundle["items"]] == [product.pk for product in pair]
    card = {"id", "title", "url", "price", "currency", "image", "in_stock", "brand"}
    assert set(bundle["items"][0]) == card
    assert bundle["items"][0]["in_stock"] is True


def test_a_cart_has_the_bundles_of_all_its_products(pair, make_product):
    other = make_product()
    assert bundles(post(products=[other.pk])) == []
    assert len(bundles(post(products=[other.pk, pair[1].pk, 10**9, 10**30]))) == 1
    assert bundles(post(products=[10**9])) == []
    assert post(products=[other.pk])["Cache-Control"] == "no-store"


def test_what_cannot_be_bought_is_not_offered(pair):
    Product.objects.filter(pk=pair[1].pk).update(stock=0)
    assert bundles(get(pair[0])) == bundles(post(products=[pair[0].pk])) == []


def test_an_unchanged_answer_is_304(pair):
    path, tag = f"{API}products/{pair[0].pk}/bundles/", get(pair[0])["ETag"]
    assert APIClient().get(path, headers={"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("query", "parameter"), [({"limit": "0"}, "limit"), ({"explain": "true"}, "explain")]
)
def test_what_cannot_be_served_is_refused_by_name(pair, query, parameter):
    assert get(pair[0], **query).json()["error"]["parameter"] == parameter


def test_no_such_product(pair):
    assert get(10**9).status_code == 404
    assert post(products=[]).json()["error"]["parameter"] == "products"


def test_queries_do_not_grow_with_the_bundles(pair, django_assert_max_num_queries):
    bundle = Bundle.objects.get()
    for _ in range(4):
        bundle.pk = None
        bundle.save()
    # The product; bundles, products, their photos and stock.
    with django_assert_max_num_queries(6):
        assert len(bundles(get(pair[0], limit=5))) == 5
