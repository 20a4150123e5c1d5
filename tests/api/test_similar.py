import uuid
from decimal import Decimal
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from similarity.api.paging import page_address
from similarity.catalog.adapter import get_adapter
from similarity.models import EncoderVersion
from similarity.similar.shelves import similar_page
from tests.api.conftest import HIT
from tests.configure import with_settings
from tests.host.models import Product

pytestmark = pytest.mark.django_db


def get(product, **parameters):
    pk = getattr(product, "pk", product)
    return APIClient().get(f"/api/similarity/v1/products/{pk}/similar/", parameters)


def ids(response):
    assert response.status_code == 200, response.content
    return [result["id"] for result in response.json()["results"]]


def test_nearest_first_with_the_documented_keys(shelf, version):
    body = get(shelf[0], limit=3).json()
    assert set(body) == {"version", "tier", "results", "next"}
    assert (body["version"], body["tier"]) == (version.pk, "fused")
    assert [result["id"] for result in body["results"]] == [p.pk for p in shelf[1:4]]
    first = body["results"][0]
    assert set(first) == HIT
    assert first["title"] == shelf[1].name
    assert first["url"] == shelf[1].get_absolute_url()
    assert 0.99 < first["score"] <= 1


def test_a_product_out_of_stock_has_neighbours_but_is_none(shelf):
    shelf[0].stock = shelf[1].stock = 0
    shelf[0].save()
    shelf[1].save()
    assert ids(get(shelf[0], limit=2)) == [shelf[2].pk, shelf[3].pk]


def test_explain_tells_which_plan_answered_and_why(shelf):
    plans = get(shelf[0], explain="true").json()["plans"]
    assert [plan["column"] for plan in plans] == ["fused"]
    assert plans[0]["plan"] == "exact"
    assert "because" not in plans[0], "it counts rows, which is for the staff"
    client = APIClient()
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    path = f"/api/similarity/v1/products/{shelf[0].pk}/similar/?explain=true"
    assert client.get(path).json()["plans"][0]["because"]
    assert "plans" not in get(shelf[0]).json()


def test_explain_gives_shares_that_add_up(shelf):
    reasons = get(shelf[0], explain="true").json()["results"][0]["reasons"]
    assert reasons
    assert sum(reason["share"] for reason in reasons) == pytest.approx(1, abs=1e-4)
    assert all(reason["text"] for reason in reasons)


def test_pages_follow_without_gap_or_repetition(shelf):
    seen, response = [], get(shelf[0], limit=4)
    while True:
        seen += ids(response)
        following = response.json()["next"]
        if not following:
            break
        response = APIClient().get(following)
    assert seen == [product.pk for product in shelf[1:]]


@pytest.mark.parametrize("change", ["tampered", "other product", "other filter", "other version"])
def test_cursor_that_does_not_belong_is_refused(shelf, change):
    following = get(shelf[0], limit=4).json()["next"]
    if change == "tampered":
        following = following[:-1] + ("a" if following[-1] != "a" else "b")
    elif change == "other product":
        following = following.replace(f"/{shelf[0].pk}/", f"/{shelf[1].pk}/")
    elif change == "other filter":
        following += "&brand=Northfield"
    else:
        EncoderVersion.objects.update(status="retired")
    response = APIClient().get(following)
    assert response.status_code == 400
    assert response.json()["error"]["parameter"] == "cursor"


@pytest.mark.parametrize("key", ["ü?x=1&y#z", "100% cotton", "a/b", "a%2Fb", "a b;c+d"])
def test_address_of_the_next_page_leads_back_to_the_same_key(key):
    """A key of text may hold what has a meaning in an address."""
    path = reverse("similarity:similar", args=[key])
    asked = APIRequestFactory().get(path, {"brand": "A & B"})
    address = urlsplit(page_address(APIView().initialize_request(asked), "c:1"))
    assert resolve(unquote(address.path)).kwargs == {"key": key}
    assert parse_qs(address.query) == {"brand": ["A & B"], "cursor": ["c:1"]}
    assert address.fragment == ""


@pytest.mark.parametrize("pk", ["999999", "9" * 40, "nonsense", uuid.uuid4(), "a%00b", "-1"])
def test_key_that_is_none_gives_404_and_no_500(version, pk):
    response = get(pk)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "many"),
        ("limit", "٣"),
        ("weights", "text"),
        ("weights", "text:-1"),
        ("weights", "text:nan"),
        ("weights", "text:0"),
        ("weights", "nonsense:1"),
        ("diversity", "2"),
        ("diversity", "x"),
        ("metric", "hamming"),
        ("mode", "smell"),
        ("explain", "perhaps"),
        ("min_price", "NaN"),
        ("max_price", "1e99"),
        ("max_price", "-3"),
        ("in_stock", "2"),
        ("brand", "a\0b"),
        ("brand", "x" * 300),
        ("cursor", ""),
        ("limt", "3"),
    ],
)
def test_bad_value_is_refused_by_name(shelf, name, value):
    response = get(shelf[0], **{name: value})
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert error["code"] == "bad_parameter"
    assert error["parameter"] == name
    assert name in error["message"]
    assert not set("{[") & set(error["message"])


def test_weights_with_one_part_alone_are_refused_by_name(shelf):
    error = get(shelf[0], weights="text:1", mode="text").json()["error"]
    assert error["parameter"] == "weights"


def test_price_too_large_is_told_the_bound(shelf):
    error = get(shelf[0], min_price="9" * 20).json()["error"]
    assert "below 1000000000000" in error["message"]


def test_form_that_no_renderer_gives_is_refused_in_the_same_shape(shelf):
    by_name = get(shelf[0], format="xml")
    assert (by_name.status_code, by_name.json()["error"]["code"]) == (404, "not_found")
    path = f"/api/similarity/v1/products/{shelf[0].pk}/similar/"
    by_header = APIClient().get(path, headers={"accept": "application/xml"})
    assert (by_header.status_code, by_header.json()["error"]["code"]) == (406, "not_acceptable")


def test_unknown_parameter_is_told_the_known_ones(shelf):
    message = get(shelf[0], colr="navy").json()["error"]["message"]
    assert all(name in message for name in ("limit", "weights", "brand", "category", "max_price"))


def test_filters_narrow_and_repeated_values_are_alternatives(at_angle):
    source = at_angle(0)
    linen = at_angle(5, brand="Linen Co", attributes={"colour": "navy", "size": 42})
    wool = at_angle(10, brand="Wool Co", attributes={"colour": ["red", "navy"]})
    silk = at_angle(15, brand="Silk Co", price=90, attributes={"fits": True})
    assert ids(get(source, brand="Silk Co")) == [silk.pk]
    assert ids(get(source, brand=["Linen Co", "Silk Co"])) == [linen.pk, silk.pk]
    assert ids(get(source, colour="navy")) == [linen.pk, wool.pk]
    assert ids(get(source, size="42")) == [linen.pk]
    assert ids(get(source, fits="yes")) == [silk.pk]
    assert ids(get(source, min_price="50")) == [silk.pk]
    assert ids(get(source, max_price="50", in_stock="true")) == [linen.pk, wool.pk]
    assert ids(get(source, brand="Nobody")) == []


def test_category_holds_for_the_levels_below_it(at_angle):
    from tests.host.models import Category

    clothing = Category.objects.create(name="Clothing", slug="clothing")
    dresses = Category.objects.create(name="Dresses", slug="dresses", parent=clothing)
    near_name = Category.objects.create(name="Clothing care", slug="care")
    source = at_angle(0, category=clothing)
    below = at_angle(5, category=dresses)
    at_angle(10, category=near_name)
    assert ids(get(source, category="Clothing")) == [below.pk]
    assert ids(get(source, category="Clothing > Dresses")) == [below.pk]


@pytest.mark.parametrize("name", ["category", "brand"])
def test_attribute_that_is_a_relation_itself_is_no_filter(shelf, settings, name):
    catalog = {**settings.SIMILARITY["CATALOG"], "attributes": {name: name}}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    answer = get(shelf[0], **{name: "Clothing"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["parameter"] == name
    assert f"There is no parameter '{name}'" in error["message"]


def test_configured_filter_by_a_relation_compares_its_key(shelf, settings):
    settings.SIMILARITY = with_settings(API={"FILTERS": {"category": "category"}})
    answer = get(shelf[0], category=shelf[0].category_id)
    assert len(answer.json()["results"]) == 8
    assert get(shelf[0], category="Clothing").status_code == 400


def test_api_filters_setting_replaces_the_derived_ones(shelf, settings):
    settings.SIMILARITY = with_settings(API={"FILTERS": {"maker": "brand__slug"}})
    assert len(ids(get(shelf[0], maker="northfield"))) == 8
    assert get(shelf[0], brand="Northfield").status_code == 400


def test_unchanged_answer_is_304_and_changed_stock_is_not(shelf):
    first = get(shelf[0])
    assert first["ETag"].startswith('W/"')
    assert "no-cache" in first["Cache-Control"]
    path = f"/api/similarity/v1/products/{shelf[0].pk}/similar/"
    again = APIClient().get(path, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    shelf[1].stock = 0
    shelf[1].save()
    assert APIClient().get(path, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


def test_throttle_is_per_client_and_says_when_to_come_back(shelf, settings):
    settings.SIMILARITY = with_settings(API={"THROTTLE": "2/min"})
    assert [get(shelf[0]).status_code for _ in range(3)] == [200, 200, 429]
    response = get(shelf[0])
    assert int(response["Retry-After"]) > 0
    assert response.json()["error"]["code"] == "throttled"
    path = f"/api/similarity/v1/products/{shelf[0].pk}/similar/"
    assert APIClient().get(path, REMOTE_ADDR="10.0.0.9").status_code == 200


def test_no_throttle_where_it_is_none(shelf, settings):
    settings.SIMILARITY = with_settings(API={"THROTTLE": None})
    assert get(shelf[0]).status_code == 200


def test_cache_that_is_down_does_not_take_the_api_down(shelf, monkeypatch):
    def down(*args, **kwargs):
        raise ConnectionError("no cache")

    for method in ("get", "get_or_set", "set"):
        monkeypatch.setattr(type(caches["default"]), method, down)
    assert get(shelf[0]).status_code == 200
    Product.objects.filter(pk=shelf[3].pk).update(attributes={"colour": "navy"})
    assert ids(get(shelf[0], colour="navy")) == [shelf[3].pk]


@pytest.mark.parametrize(
    "price", ["1e-16384", "1e-999999", "0e-99999", "-0e-99999", "0." + "0" * 16384 + "1", "1e-31"]
)
@pytest.mark.parametrize("name", ["min_price", "max_price"])
def test_a_price_too_small_for_the_database_is_400(shelf, name, price):
    response = get(shelf[0], **{name: price})
    assert response.status_code == 400
    assert response.json()["error"]["parameter"] == name
    assert len(response.content) < 500


@pytest.mark.parametrize("price", ["0", "0.00", "19.900000000000002", "1e-12", "5e2"])
def test_a_price_as_programs_write_it_is_served(shelf, price):
    assert get(shelf[0], min_price=price).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_value_that_the_database_refuses_is_400(shelf, monkeypatch, caplog):
    """Whatever bound a parameter lacks, it is the asker's mistake and no failure of ours."""
    monkeypatch.setattr("similarity.similar.filters.price", lambda name, text: Decimal("1e-16384"))
    response = get(shelf[0], min_price="1")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_parameter"
    assert "overflow" in caplog.text
    assert get(shelf[0]).status_code == 200, "the connection is usable"


def test_database_that_is_down_is_503(shelf, monkeypatch):
    def down(*args, **kwargs):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("similarity.api.views.similar_page", down)
    response = get(shelf[0])
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
    assert response["Retry-After"]


def test_permission_classes_come_from_the_settings(shelf, settings):
    classes = ["rest_framework.permissions.IsAuthenticated"]
    settings.SIMILARITY = with_settings(API={"PERMISSION_CLASSES": classes})
    response = get(shelf[0])
    assert response.status_code == 403
    assert set(response.json()["error"]) == {"code", "message", "parameter"}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_read_only(shelf, method):
    path = f"/api/similarity/v1/products/{shelf[0].pk}/similar/"
    assert getattr(APIClient(), method)(path).status_code == 405


def test_before_there_is_a_version_the_shelf_is_filled_by_other_tiers(make_product):
    first, second = make_product(), make_product()
    body = get(first).json()
    assert body["version"] is None
    assert [result["id"] for result in body["results"]] == [second.pk]


def test_as_many_queries_for_many_hits_as_for_few(shelf, django_assert_max_num_queries):
    get(shelf[0], limit=1)
    with django_assert_max_num_queries(25) as few:
        get(shelf[0], limit=2)
    with django_assert_max_num_queries(len(few)):
        get(shelf[0], limit=10)


def test_http_adds_two_queries_to_the_shelf_itself(client, shelf):
    """Whether the product exists, and what of the shelf is in stock: the shelf knows neither."""
    adapter = get_adapter()
    address = f"/api/similarity/v1/products/{shelf[0].pk}/similar/"
    client.get(address)
    with CaptureQueriesContext(connection) as bare:
        similar_page(shelf[0].pk, within=adapter.for_display(adapter.eligible()))
    with CaptureQueriesContext(connection) as whole:
        client.get(address)
    assert len(whole) <= len(bare) + 2, [query["sql"][:90] for query in whole]
