"""GET recommendations/ and personal=1: only for the shopper who asks, and never stored."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from rest_framework.test import APIClient

from similarity.events.identity import COOKIE
from similarity.events.models import Event, Profile
from tests.host_models import Product

API = "/api/similarity/v1/"
SHELF = f"{API}recommendations/"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_exploration(change_settings):
    change_settings(SHOPPERS={"EXPLORATION": 0})


@pytest.fixture
def client():
    return APIClient(HTTP_USER_AGENT=BROWSER)


@pytest.fixture
def known(client):
    """A client whose shopper consented."""
    client.put(f"{API}me/preferences/", {"consent": True}, format="json")
    return client


def cached():
    return set(cache._cache.get_client(None, write=True).keys("*"))


def views(client, *products):
    events = [{"type": "view", "product": one.pk} for one in products]
    client.post(f"{API}events/", {"events": events}, format="json")


def names(answer):
    return [hit["title"].split()[0] for hit in answer.json()["results"]]


def test_the_first_click_makes_the_second_answer_personal(shop, live, known):
    assert known.get(SHELF, {"limit": 3}).json()["tier"] == "popular"
    views(known, shop.of("Lamps")[0])
    answer = known.get(SHELF, {"limit": 3})
    assert (answer.json()["tier"], names(answer)) == ("personal", ["Lamps"] * 3)
    assert answer["Cache-Control"] == "private, no-store"
    assert "ETag" not in answer


def test_without_consent_nothing_is_kept_or_used(shop, live, client):
    answer = client.get(SHELF, {"shelf": "recently_viewed"})
    assert answer.json()["results"] == []
    assert not client.cookies
    assert not Profile.objects.exists()
    assert not Event.objects.exists()
    assert cached() == set()
    client.get(SHELF)
    of_one = cached()
    APIClient(HTTP_USER_AGENT="Another", REMOTE_ADDR="203.0.113.9").get(SHELF)
    assert cached() == of_one, "best sellers, the same for everybody"


@pytest.mark.parametrize("header", ["HTTP_SEC_GPC", "HTTP_DNT"])
def test_a_browser_that_refuses_gets_the_unknown_shoppers_shelf(shop, live, known, header):
    views(known, shop.of("Lamps")[0])
    answer = known.get(SHELF, {"limit": 3}, **{header: "1"})
    assert answer.json()["tier"] == "popular"
    assert known.get(SHELF, {"shelf": "recently_viewed"}, **{header: "1"}).json()["results"] == []


def test_another_shopper_or_a_made_up_cookie_gets_nothing_of_it(shop, live, known):
    views(known, shop.of("Lamps")[0])
    other = APIClient(HTTP_USER_AGENT=BROWSER)
    for token in ("", "0" * 32, "x' OR 1=1 --", str(Profile.objects.get().pk)):
        other.cookies[COOKIE] = token
        assert other.get(SHELF, {"shelf": "recently_viewed"}).json()["results"] == []


def test_a_turned_down_product_is_gone_from_the_next_answer(shop, live, known):
    views(known, shop.of("Lamps")[0])
    first = known.get(SHELF, {"limit": 3}).json()["results"][0]["id"]
    events = [{"type": "not_interested", "product": first}]
    known.post(f"{API}events/", {"events": events}, format="json")
    again = known.get(SHELF, {"limit": 12}).json()["results"]
    assert first not in [hit["id"] for hit in again]


def test_filters_narrow_and_the_pages_product_is_left_out(shop, live, known):
    views(known, shop.of("Lamps")[0])
    assert set(names(known.get(SHELF, {"category": "Mugs"}))) == {"Mugs"}
    lamp = shop.of("Lamps")[1]
    found = known.get(SHELF, {"product": lamp.pk, "limit": 12}).json()["results"]
    assert lamp.pk not in [hit["id"] for hit in found]


def test_reasons_and_the_product_looked_at_are_told(shop, live, known):
    lamp = shop.of("Lamps")[0]
    views(known, lamp)
    hit = known.get(SHELF, {"explain": "1"}).json()["results"][0]
    assert [reason["text"] for reason in hit["reasons"]] == [f"Because you looked at {lamp.name}"]
    because = known.get(SHELF, {"shelf": "because_you_viewed"}).json()
    assert because["because"]["id"] == lamp.pk
    Product.objects.filter(pk=lamp.pk).update(is_active=False)
    assert known.get(SHELF, {"shelf": "because_you_viewed"}).json()["because"] is None


def test_a_signed_in_shopper_may_buy_again(shop, orders_of, client):
    ada = User.objects.create_user("ada")
    orders_of(ada, shop.of("Mugs")[0])
    assert client.get(SHELF, {"shelf": "buy_again"}).json()["results"] == []
    client.force_authenticate(ada)
    assert names(client.get(SHELF, {"shelf": "buy_again"})) == ["Mugs"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"shelf": "nonsense"}, "shelf"),
        ({"limit": 0}, "limit"),
        ({"product": "x"}, "product"),
        ({"diversity": 7}, "diversity"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_mistakes_are_named(shop, client, query, parameter):
    answer = client.get(SHELF, query)
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, parameter)


def test_a_batch_may_ask_for_it(shop, live, known):
    views(known, shop.of("Lamps")[0])
    parts = {"requests": [{"id": "mine", "path": "recommendations/?limit=2"}]}
    [part] = known.post(f"{API}batch/", parts, format="json").json()["responses"]
    assert (part["status"], part["body"]["tier"]) == (200, "personal")


# personal=1


def test_similar_products_move_towards_the_shopper_and_are_not_stored(shop, live, known):
    """Mugs and chairs are equally near to this lamp; this shopper looks at chairs."""
    lamp = shop.of("Lamps")[0]
    address = f"{API}products/{lamp.pk}/similar/"
    shared = known.get(address, {"limit": 11})
    assert "ETag" in shared
    views(known, shop.of("Chairs")[0])
    own = known.get(address, {"limit": 11, "personal": "1"})
    assert own["Cache-Control"] == "private, no-store"
    assert "ETag" not in own
    assert sorted(names(own)) == sorted(names(shared)), "the same products"

    def places(answer):
        return sum(at for at, name in enumerate(names(answer)) if name == "Chairs")

    assert places(own) < places(shared)
    assert names(own)[0] == names(shared)[0], "what is far more similar stays in front"
    assert names(known.get(address, {"limit": 11})) == names(shared)


def test_without_consent_the_order_stays_and_the_answer_is_not_stored(shop, live, client):
    address = f"{API}products/{shop.products[0].pk}/similar/"
    own = client.get(address, {"personal": "1"})
    assert own.json()["results"] == client.get(address).json()["results"]
    assert own["Cache-Control"] == "private, no-store"


def test_search_takes_the_shopper_into_account_when_asked(shop, live, known):
    from similarity.search import documents

    documents.index_all()
    views(known, shop.of("Chairs")[3])
    query = {"q": "plain product", "limit": 12}
    shared, own = (known.get(f"{API}search/", {**query, "personal": one}) for one in ("0", "1"))
    assert own["Cache-Control"] == "private, no-store"
    assert sorted(names(own)) == sorted(names(shared))
    assert names(own).index("Chairs") < names(shared).index("Chairs")
    by_price = {**query, "sort": "price", "personal": "1"}
    assert names(known.get(f"{API}search/", by_price)) == names(
        known.get(f"{API}search/", {**query, "sort": "price"})
    )
