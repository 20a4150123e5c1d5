"""POST more-like-these/: what it answers and what it refuses."""

import pytest
from rest_framework.test import APIClient

from similarity.similar.more_like import MAX_GIVEN
from tests.api.conftest import HIT
from tests.configure import with_settings

pytestmark = pytest.mark.django_db

ADDRESS = "/api/similarity/v1/more-like-these/"


def post(**body):
    return APIClient().post(ADDRESS, body, format="json")


def ids(response):
    assert response.status_code == 200, response.content
    return [result["id"] for result in response.json()["results"]]


def refused(response, parameter):
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert (error["code"], error["parameter"]) == ("bad_parameter", parameter)
    return error["message"]


def test_nearest_to_what_is_liked_without_what_is_given(shelf, version):
    """Twelve products, five degrees apart: between the fourth and the sixth lies the fifth."""
    body = post(liked=[shelf[3].pk, shelf[5].pk], limit=3).json()
    assert set(body) == {"version", "tier", "results", "unknown"}
    assert (body["version"], body["tier"], body["unknown"]) == (version.pk, "fused", [])
    assert [result["id"] for result in body["results"]] == [
        shelf[4].pk,
        shelf[2].pk,
        shelf[6].pk,
    ]
    assert set(body["results"][0]) == HIT


def test_away_from_what_is_disliked(shelf):
    """25° less a quarter of 55°: tan⁻¹(¼·sin 30° ÷ (1 - ¼·cos 30°)) = 9.1° further down."""
    found = ids(post(liked=[shelf[5].pk], disliked=[shelf[11].pk], limit=3))
    assert found == [shelf[3].pk, shelf[4].pk, shelf[2].pk]


def test_explain_gives_shares_that_add_up(shelf):
    for result in post(liked=[shelf[0].pk], explain=True).json()["results"]:
        assert sum(reason["share"] for reason in result["reasons"]) == pytest.approx(1, abs=1e-4)


def test_filters_as_those_of_similar_products(shelf, make_product):
    shelf[7].price = 5
    shelf[7].save()
    body = {"liked": [shelf[0].pk], "filters": {"max_price": 10, "brand": ["Northfield", "X"]}}
    assert ids(post(**body)) == [shelf[7].pk]


def test_keys_that_no_product_has_are_told_and_left_out(shelf):
    body = post(liked=[shelf[0].pk, 999_999], disliked=[10**30], limit=1).json()
    assert body["unknown"] == [999_999, 10**30]
    assert body["results"][0]["id"] == shelf[1].pk


def test_nothing_liked_that_exists_is_not_found(shelf):
    response = post(liked=[999_999])
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "liked"),
        ({"liked": []}, "liked"),
        ({"liked": "12"}, "liked"),
        ({"liked": [None]}, "liked"),
        ({"liked": [True]}, "liked"),
        ({"liked": ["nonsense"]}, "liked"),
        ({"liked": [1.5]}, "liked"),
        ({"liked": list(range(MAX_GIVEN + 1))}, "liked"),
        ({"liked": [1], "disliked": [1]}, "disliked"),
        ({"liked": [1], "limit": 0}, "limit"),
        ({"liked": [1], "limit": "many"}, "limit"),
        ({"liked": [1], "explain": "yes"}, "explain"),
        ({"liked": [1], "colour": "red"}, "colour"),
        ({"liked": [1], "filters": []}, "filters"),
        ({"liked": [1], "filters": {"smell": "rose"}}, "filters"),
        ({"liked": [1], "filters": {"brand": []}}, "filters"),
        ({"liked": [1], "filters": {"brand": {"a": 1}}}, "filters"),
        ({"liked": [1], "filters": {"brand": "a\0b"}}, "filters"),
        ({"liked": [1], "filters": {"a\0b": 1}}, "filters"),
        ({"liked": [1], "filters": {"max_price": "cheap"}}, "max_price"),
        ({"liked": [1], "filters": {"in_stock": 2}}, "in_stock"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(shelf, body, parameter):
    assert refused(post(**body), parameter)


def test_only_json_by_post(shelf):
    client = APIClient()
    assert client.get(ADDRESS).status_code == 405
    assert client.post(ADDRESS, "liked=1", content_type="text/plain").status_code == 415
    assert client.post(ADDRESS, "{", content_type="application/json").status_code == 400


def test_it_is_throttled_and_permitted_as_similar_products_are(shelf, settings):
    settings.SIMILARITY = with_settings(API={"THROTTLE": "1/min"})
    assert post(liked=[shelf[0].pk]).status_code == 200
    assert post(liked=[shelf[0].pk]).status_code == 429
    permission = "rest_framework.permissions.IsAuthenticated"
    settings.SIMILARITY = with_settings(API={"PERMISSION_CLASSES": [permission]})
    assert post(liked=[shelf[0].pk]).status_code == 403


def test_queries_do_not_grow_with_what_is_liked(shelf, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        post(liked=[product.pk for product in shelf[:6]], disliked=[shelf[7].pk], limit=3)
