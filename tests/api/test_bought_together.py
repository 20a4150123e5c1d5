"""GET products/{key}/bought-together/ and POST cart/bought-together/."""

# ruff: noqa: F811 - fixtures that are imported

import json
import re

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from similarity.orders.partner_shelf import MAX_CART
from tests.api.conftest import HIT
from tests.configure import with_settings
from tests.fixtures_orders import buy, counted  # noqa: F401
from tests.host.models import Product

pytestmark = pytest.mark.django_db

CART = "/api/similarity/v1/cart/bought-together/"


@pytest.fixture
def sold(buy, counted, at_angle):
    """A mug; a teapot, a tray and a spoon that are bought with it, the teapot most often."""
    found = [
        at_angle(20 * at, name=name, category=f"{name}s")
        for at, name in enumerate(("Mug", "Teapot", "Tray", "Spoon"))
    ]
    for shoppers, other in zip((9, 6, 4), found[1:], strict=True):
        buy(found[0], other, shoppers=shoppers)
    counted()
    return found


def get(product, **query):
    key = getattr(product, "pk", product)
    return APIClient().get(f"/api/similarity/v1/products/{key}/bought-together/", query)


def post(body, **extra):
    if isinstance(body, str | bytes):
        return APIClient().post(CART, body, content_type="application/json", **extra)
    return APIClient().post(CART, body, format="json", **extra)


def titles(response):
    assert response.status_code == 200, response.content
    return [result["title"] for result in response.json()["results"]]


def refused(response, parameter=None, status=400):
    assert response.status_code == status, response.content
    error = response.json()["error"]
    assert error["parameter"] == parameter
    return error["message"]


def test_a_product_s_companions(sold):
    response = get(sold[0])
    assert titles(response) == ["Teapot", "Tray", "Spoon"]
    body = response.json()
    assert set(body) == {"tier", "results"}
    assert body["tier"] == "copurchase"
    assert set(body["results"][0]) == HIT
    assert body["results"][0]["id"] == sold[1].pk


def test_limit_and_reasons(sold):
    response = get(sold[0], limit=1, explain="true")
    [result] = response.json()["results"]
    assert result["reasons"][0]["text"] in ("often bought together", "very often bought together")
    assert result["score"] * 10 == pytest.approx(round(result["score"] * 10))


def test_counts_and_exact_scores_are_for_the_staff(sold):
    """They are sales figures, and the competitor reads the API too."""
    staff, shopper = APIClient(), APIClient()
    staff.force_login(User.objects.create_user("clerk", is_staff=True))
    shopper.force_login(User.objects.create_user("shopper"))
    path = f"/api/similarity/v1/products/{sold[0].pk}/bought-together/"
    for ask in (
        lambda client: client.get(path, {"explain": "true"}),
        lambda client: client.post(
            CART, {"products": [sold[0].pk], "explain": True}, format="json"
        ),
    ):
        told, public = ask(staff).json(), ask(shopper).json()
        assert public == ask(APIClient()).json()
        assert "in 9 orders, " in told["results"][0]["reasons"][0]["text"]
        assert not re.search(r"\d", "".join(r["reasons"][0]["text"] for r in public["results"]))
        assert [r["id"] for r in told["results"]] == [r["id"] for r in public["results"]]
        for exact, coarse in zip(told["results"], public["results"], strict=True):
            assert 0 <= exact["score"] - coarse["score"] < 0.1
            assert exact["score"] != coarse["score"]


def test_filters_as_those_of_similar_products(sold):
    Product.objects.filter(pk=sold[1].pk).update(price=300)
    assert titles(get(sold[0], max_price=100)) == ["Tray", "Spoon"]
    assert titles(get(sold[0], category="Spoons")) == ["Spoon"]


def test_what_may_not_be_shown_is_not(sold):
    Product.objects.filter(pk=sold[1].pk).update(stock=0)
    Product.objects.filter(pk=sold[2].pk).update(is_active=False)
    assert titles(get(sold[0])) == ["Spoon"]


def test_a_product_without_companions_has_none(sold, make_product):
    body = get(make_product()).json()
    assert body == {"tier": None, "results": []}


def test_etag_saves_an_unchanged_answer(sold):
    address = f"/api/similarity/v1/products/{sold[0].pk}/bought-together/"
    etag = get(sold[0])["ETag"]
    assert APIClient().get(address, headers={"if-none-match": etag}).status_code == 304
    Product.objects.filter(pk=sold[1].pk).update(stock=0)
    assert APIClient().get(address, headers={"if-none-match": etag}).status_code == 200


@pytest.mark.parametrize("key", ["999999", "nonsense", "1%00", str(10**30)])
def test_no_such_product(sold, key):
    assert get(key).status_code == 404


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"explain": "perhaps"}, "explain"),
        ({"diversity": "0.5"}, "diversity"),
        ({"cursor": "x"}, "cursor"),
        ({"typo": "1"}, "typo"),
    ],
)
def test_what_is_no_parameter_is_refused(sold, query, parameter):
    refused(get(sold[0], **query), parameter)


def test_a_cart_s_companions(sold):
    assert titles(post({"products": [sold[0].pk, sold[1].pk]})) == ["Tray", "Spoon"]
    body = {"products": [sold[0].pk], "limit": 1, "explain": True, "filters": {"max_price": 100}}
    [result] = post(body).json()["results"]
    assert result["title"] == "Teapot"
    assert result["reasons"]


def test_keys_that_no_product_has_are_passed_over(sold):
    """A cart may hold what was deleted since."""
    assert titles(post({"products": [10**9, 10**30, sold[0].pk]})) == ["Teapot", "Tray", "Spoon"]
    assert post({"products": [10**9]}).json() == {"tier": None, "results": []}


def test_an_answer_about_a_cart_is_kept_by_nobody(sold):
    assert post({"products": [sold[0].pk]})["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "products"),
        (None, "products"),
        ({"products": []}, "products"),
        ({"products": "1"}, "products"),
        ({"products": list(range(1, MAX_CART + 2))}, "products"),
        ({"products": [None]}, "products"),
        ({"products": [True]}, "products"),
        ({"products": [[1]]}, "products"),
        ({"products": ["nonsense"]}, "products"),
        ({"products": ["1\0"]}, "products"),
        ({"products": [1], "limit": 0}, "limit"),
        ({"products": [1], "limit": "4"}, "limit"),
        ({"products": [1], "limit": 10**9}, "limit"),
        ({"products": [1], "explain": "yes"}, "explain"),
        ({"products": [1], "filters": []}, "filters"),
        ({"products": [1], "filters": {"typo": 1}}, "filters"),
        ({"products": [1], "typo": 1}, "typo"),
    ],
)
def test_what_is_no_cart_is_refused(sold, body, parameter):
    refused(post("" if body is None else json.dumps(body)), parameter)


@pytest.mark.parametrize(
    "body",
    [
        "[1]",
        "{",
        '{"products": [1], "limit": NaN}',
        b"\xff\xfe",
        "[" * 100_000,
        '{"products": [' + "1," * 40_000 + "1]}",
    ],
)
def test_what_is_no_json_is_refused(sold, body):
    refused(post(body))


def test_a_lone_surrogate_is_no_key(sold):
    refused(post('{"products": ["\\ud800"]}'), "products")


def test_other_types_and_methods_are_refused(sold):
    assert APIClient().post(CART, "a=1", content_type="text/plain").status_code == 415
    assert APIClient().post(CART, {"products": "1"}).status_code == 415
    assert APIClient().get(CART).status_code == 405
    assert post({"products": [1]}, HTTP_ACCEPT="application/xml").status_code == 406


def test_permissions_and_throttle_are_those_of_the_settings(sold, settings):
    staff = ["rest_framework.permissions.IsAdminUser"]
    settings.SIMILARITY = with_settings(API={"PERMISSION_CLASSES": staff})
    assert get(sold[0]).status_code == post({"products": [1]}).status_code == 403
    settings.SIMILARITY = with_settings(API={"PERMISSION_CLASSES": [], "THROTTLE": "2/min"})
    assert [post({"products": [sold[0].pk]}).status_code for _ in range(3)] == [200, 200, 429]


def test_queries_do_not_grow_with_the_answer(sold, django_assert_max_num_queries):
    # The product; its group, partners, products, their photos, vectors and stock.
    with django_assert_max_num_queries(7):
        assert len(titles(get(sold[0], limit=3))) == 3
    # Of the cart also which products may be asked about.
    with django_assert_max_num_queries(7):
        assert len(titles(post({"products": [sold[0].pk], "limit": 3}))) == 3
