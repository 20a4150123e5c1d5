"""Of a product that is not published the API says as much as of one that is not there."""

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from similarity.catalog.adapter import get_adapter
from similarity.search.reranking.rerank import Reranked
from similarity.similar.shelf_cache import ShelfArguments
from tests.configure import with_settings
from tests.host.models import Product

pytestmark = pytest.mark.django_db

API = "/api/similarity/v1/"
NOBODY = 10**9


@pytest.fixture
def draft(shelf):
    """The one in the middle, which nobody may know of, with an attribute of its own."""
    Product.objects.filter(pk=shelf[1].pk).update(
        is_active=False, attributes={"colour": "mauve", "supplier": "Acme"}
    )
    return shelf[1]


def get(path, **query):
    return APIClient().get(API + path, query)


def post(path, **body):
    return APIClient().post(API + path, body, format="json")


@pytest.mark.parametrize("door", ["similar/?explain=true", "bought-together/?explain=true"])
def test_its_own_address_is_not_found(draft, door):
    answers = [get(f"products/{key}/{door}") for key in (draft.pk, NOBODY)]
    assert [answer.status_code for answer in answers] == [404, 404]
    hidden, missing = (
        answer.content.replace(b"%d" % key, b"KEY")
        for answer, key in zip(answers, (draft.pk, NOBODY), strict=True)
    )
    assert hidden == missing


def test_it_is_unknown_to_more_like_these(draft, shelf):
    assert post("more-like-these/", liked=[draft.pk]).status_code == 404
    answer = post("more-like-these/", liked=[shelf[0].pk], disliked=[draft.pk, NOBODY]).json()
    assert answer["unknown"] == [draft.pk, NOBODY]


def test_a_cart_with_it_is_a_cart_without(draft, shelf):
    with_it = post("cart/bought-together/", products=[shelf[0].pk, draft.pk], explain=True)
    without = post("cart/bought-together/", products=[shelf[0].pk, NOBODY], explain=True)
    assert with_it.json() == without.json()


def test_re_ranking_keeps_it_in_its_place(draft, shelf, monkeypatch):
    given = []

    def rerank(query, listed, user, **options):
        given.extend(listed)
        return Reranked(list(listed), reranked=False)

    monkeypatch.setattr("similarity.search.api.views.rerank", rerank)
    keys = [shelf[0].pk, draft.pk, NOBODY, 10**30]
    answer = post("rerank/", query="linen", results=keys).json()
    assert answer["results"] == keys
    assert [key for key, _score in given if isinstance(key, int)] == [shelf[0].pk]


def test_its_shelf_is_empty(draft, shelf):
    def shown(product):
        arguments = ShelfArguments(
            str(product.pk), 4, "More", 0.0, False, "similarity/similar_products.html"
        )
        answer = APIClient().get(
            f"{API}fragments/{arguments.signed()}/", headers={"x-similarity-fragment": "1"}
        )
        assert answer.status_code == 200
        return answer.content.strip()

    assert shown(shelf[0])
    assert shown(draft) == b""


def test_what_only_it_has_is_no_filter_and_no_facet(draft):
    for query in ({"supplier": "Acme"}, {"facets": "supplier"}, {"no_such": "x"}):
        assert get("search/", q="linen", **query).status_code == 400, query
    told = get("search/", q="linen", facets="colour").content.decode()
    assert "mauve" not in told


def test_a_key_of_the_products_json_is_the_shops_own_unless_it_is_listed(shelf, settings):
    Product.objects.update(attributes={"colour": "red", "supplier_margin": "41 percent"})
    queries = ({"facets": "supplier_margin"}, {"supplier_margin": "41 percent"})
    assert {get("search/", q="linen", **query).status_code for query in queries} == {400}
    catalog = {**settings.SIMILARITY["CATALOG"], "facets": ["supplier_margin"]}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    assert {get("search/", q="linen", **query).status_code for query in queries} == {200}


def test_what_is_sold_out_may_be_asked_about(shelf):
    Product.objects.filter(pk=shelf[1].pk).update(stock=0)
    assert get(f"products/{shelf[1].pk}/similar/").json()["results"]


@pytest.mark.parametrize(
    ("mapping", "asked"),
    [
        ({"eligible": {"is_active": True, "stock__gt": 0}}, {"shown", "sold out"}),
        ({"eligible": {"is_active": True, "stock__gt": 1}}, {"shown"}),
        ({"eligible": {"is_active": True}, "in_stock": {}}, {"shown", "sold out"}),
        ({"viewable": {}}, {"shown", "sold out", "draft"}),
        ({"viewable": "tests.api.test_hidden.of_the_staff"}, {"shown", "sold out"}),
    ],
)
def test_what_may_be_asked_about_is_mapped(make_product, settings, mapping, asked):
    make_product(name="shown", stock=9)
    make_product(name="sold out", stock=0)
    make_product(name="draft", stock=9, is_active=False)
    catalog = {**settings.SIMILARITY["CATALOG"], **mapping}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    assert set(get_adapter().viewable().values_list("name", flat=True)) == asked


def of_the_staff(products, request):
    staff = request is not None and request.user.is_staff
    return products if staff else products.filter(is_active=True)


def test_the_staff_may_ask_about_what_shoppers_may_not(draft, settings):
    catalog = {
        **settings.SIMILARITY["CATALOG"],
        "viewable": "tests.api.test_hidden.of_the_staff",
    }
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    client = APIClient()
    assert client.get(f"{API}products/{draft.pk}/similar/").status_code == 404
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert client.get(f"{API}products/{draft.pk}/similar/").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("rerank/", {"query": "linen", "results": [1]}),
        ("cart/bought-together/", {"products": [1]}),
        ("more-like-these/", {"liked": [1]}),
    ],
)
def test_what_only_reads_needs_no_token_of_who_is_signed_in(path, body, shelf):
    client = APIClient(enforce_csrf_checks=True)
    client.login(username=User.objects.create_user("shopper", password="a").username, password="a")
    assert client.post(API + path, body, format="json").status_code in (200, 404)


@pytest.mark.parametrize("path", ["", "nothing/here/", "search/words/", "health/", "products/1/"])
def test_a_path_that_is_none_is_answered_as_an_api_does(path, db):
    answer = APIClient().get(API + path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.urls("tests.api.shared_urls")
def test_a_prefix_that_the_host_shares_keeps_the_hosts_paths(db):
    """Below our own names an unknown path is ours, everywhere else it is the host's."""
    client = APIClient()
    assert client.get("/api/stock/").json() == {"own": True}
    assert client.get("/api/search/nothing/").json()["error"]["code"] == "not_found"
    assert b"<html" in client.get("/api/nothing/").content.lower()
    body = {"requests": [{"id": "a", "path": "suggest/?q=a"}]}
    [answer] = client.post("/api/batch/", body, format="json").json()["responses"]
    assert answer["status"] == 200


def test_no_error_is_kept_by_a_cache(shelf, settings):
    settings.SIMILARITY = with_settings(API={"THROTTLE": {"shelves": "1/min"}})
    answers = [get("products/0/similar/"), get("products/0/similar/"), get("search/", limit="x")]
    assert [answer.status_code for answer in answers] == [404, 429, 400]
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.mark.parametrize("path", ["health/live", "health/live/", "health/ready/"])
def test_health_answers_with_and_without_a_slash(path, db):
    assert APIClient().get(API + path).status_code in (200, 503)
