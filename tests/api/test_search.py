import pytest
from django.urls import reverse

from similarity.search import documents, query_vectors, vocabulary
from tests.host.models import Product

pytestmark = pytest.mark.django_db

SEARCH, SUGGEST = "/api/similarity/v1/search/", "/api/similarity/v1/suggest/"


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch):
    pending = query_vectors.PendingVector(None)
    monkeypatch.setattr(query_vectors, "begin", lambda text, **options: pending)


@pytest.fixture
def lamps(make_product):
    products = [
        make_product(
            name=f"Lamp {at}",
            price=at + 1,
            brand="Alder" if at % 2 else "Northfield",
            attributes={"colour": "red" if at < 3 else "blue"},
        )
        for at in range(8)
    ]
    documents.index([str(product.pk) for product in products])
    vocabulary.refresh()
    return products


def test_addresses_have_names():
    assert reverse("similarity:search") == SEARCH
    assert reverse("similarity:suggest") == SUGGEST


def test_pages_by_signed_cursor_show_everything_once(client, lamps):
    address, seen = f"{SEARCH}?q=lamp&limit=3&sort=price", []
    while address:
        answer = client.get(address).json()
        seen += [hit["title"] for hit in answer["results"]]
        assert answer["total"] == 8
        address = answer["next"]
    assert seen == [f"Lamp {at}" for at in range(8)]


def test_a_facet_is_counted_under_all_filters_but_its_own(client, lamps):
    answer = client.get(f"{SEARCH}?q=lamp&colour=red&brand=Alder&facets=colour,brand,price").json()
    facets = {
        facet["name"]: {one["value"]: one["count"] for one in facet["values"]}
        for facet in answer["facets"]
    }
    assert answer["total"] == 1
    assert facets == {"colour": {"red": 1, "blue": 3}, "brand": {"Northfield": 2, "Alder": 1}}
    assert sum(bucket["count"] for bucket in answer["prices"]) == 1


def test_filters_hold_and_nothing_sold_out_is_found(client, lamps):
    Product.objects.filter(pk=lamps[0].pk).update(stock=0)
    answer = client.get(f"{SEARCH}?q=lamp&max_price=3").json()
    assert {hit["title"] for hit in answer["results"]} == {"Lamp 1", "Lamp 2"}


def test_a_misspelt_query_is_told(client, lamps):
    answer = client.get(f"{SEARCH}?q=lmap").json()
    assert (answer["did_you_mean"], answer["corrected"], answer["total"]) == ("lamp", True, 8)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("q=lamp&limit=0", "limit"),
        ("q=lamp&limit=9999999999999", "limit"),
        ("q=lamp&sort=rating", "sort"),
        ("q=lamp&facets=nothing", "facets"),
        ("q=lamp&nothing=1", "nothing"),
        ("q=lamp&cursor=forged", "cursor"),
        ("q=" + "x" * 400, "q"),
        ("q=lamp&min_price=cheap", "min_price"),
        ("q=lamp&brand=%00", "brand"),
    ],
)
def test_what_cannot_be_served_is_named(client, lamps, query, parameter):
    response = client.get(f"{SEARCH}?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["parameter"] == parameter


def test_a_cursor_of_another_query_is_refused(client, lamps):
    following = client.get(f"{SEARCH}?q=lamp&limit=3").json()["next"]
    cursor = following.rpartition("cursor=")[2]
    response = client.get(f"{SEARCH}?q=lamps&limit=3&cursor={cursor}")
    assert response.json()["error"]["parameter"] == "cursor"


@pytest.mark.parametrize(
    "text", ["%00", "%ed%a0%80", "%27%27%3b--", "%22", "-", "%F0%9F%92%A1", ""]
)
def test_any_text_is_answered(client, lamps, text):
    assert client.get(f"{SEARCH}?q={text}").status_code == 200
    assert client.get(f"{SUGGEST}?q={text}").status_code == 200


def test_only_reading_is_allowed(client):
    assert client.post(SEARCH).status_code == 405
    assert client.post(SUGGEST).status_code == 405


def test_suggestions_have_kinds(client, lamps):
    found = client.get(f"{SUGGEST}?q=la").json()["suggestions"]
    assert found[0] == {"kind": "query", "text": "lamp", "id": None, "value": "", "url": ""}
    product = next(one for one in found if one["kind"] == "product")
    assert product["url"].startswith("/p")


def test_suggestions_find_only_what_may_be_shown(client, lamps):
    Product.objects.update(is_active=False)
    assert client.get(f"{SUGGEST}?q=la").json() == {"suggestions": []}
