"""A shopper's own data by the API: theirs alone, whole to export, gone when it is erased."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from similarity.api import throttling
from similarity.events.identity import COOKIE, pseudonym_of
from similarity.events.models import Event, EventBatch, Kind, Profile
from tests.events import traces
from tests.events.shoppers import happen

API = "/api/similarity/v1/"
HISTORY, EXPORT = f"{API}me/history/", f"{API}me/export/"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_requests_counted():
    """The limit of this process counts only those of each test."""
    throttling._own.clear()


def consenting(**headers):
    """A browser whose shopper consented, and the shopper's profile."""
    browser = APIClient(HTTP_USER_AGENT=BROWSER, **headers)
    browser.put(f"{API}me/preferences/", {"consent": True}, format="json")
    return browser, Profile.objects.get(pseudonym=pseudonym_of(browser.cookies[COOKIE].value))


def signed_in(name):
    browser = APIClient(HTTP_USER_AGENT=BROWSER)
    user = User.objects.create_user(name)
    browser.force_login(user)
    browser.put(f"{API}me/preferences/", {"consent": True}, format="json")
    return browser, Profile.objects.get(user=user)


def test_latest_first_as_cards_and_hidden_products_only_as_keys(make_product):
    browser, ann = consenting()
    shirt, lamp = make_product(name="Linen shirt"), make_product(name="Secret lamp")
    happen(ann, shirt, minutes=5)
    happen(ann, lamp, Kind.ADD_TO_CART, minutes=1, quantity=2)
    lamp.is_active = False
    lamp.save()
    answer = browser.get(HISTORY)
    assert answer["Cache-Control"] == "private, no-store"
    first, second = answer.json()["results"]
    assert first == {
        "at": first["at"],
        "type": "add_to_cart",
        "key": lamp.pk,
        "quantity": 2,
        "product": None,
        "no_longer_sold": True,
    }
    assert second["product"]["title"] == "Linen shirt"
    assert (second["key"], second["no_longer_sold"]) == (shirt.pk, False)
    assert b"Secret" not in answer.content
    assert str(ann.pk).encode() not in answer.content


def test_pages_hold_every_event_once_also_of_the_same_moment(make_product):
    browser, ann = consenting()
    product, at = make_product(), timezone.now() - timedelta(hours=1)
    for number in range(7):
        happen(ann, product, at=at if number < 5 else None, minutes=number, quantity=number + 1)
    address, seen, pages = f"{HISTORY}?limit=3", [], 0
    while address:
        answer = browser.get(address).json()
        seen += [entry["quantity"] for entry in answer["results"]]
        address, pages = answer["next"], pages + 1
        assert address is None or str(ann.pk) not in address
    assert sorted(seen) == [1, 2, 3, 4, 5, 6, 7]
    assert pages == 3


def test_a_page_costs_the_same_at_any_length(make_product, django_assert_num_queries):
    browser, ann = consenting()
    for number in range(30):
        happen(ann, make_product(), minutes=number)
    # Profile within a savepoint (3, in a transaction such as a test's), events, products, photos.
    with django_assert_num_queries(6):
        browser.get(f"{HISTORY}?limit=5")
    with django_assert_num_queries(6):
        browser.get(f"{HISTORY}?limit=25")


def test_export_is_a_file_with_everything(make_product):
    browser, ann = signed_in("ann")
    happen(ann, make_product(name="Linen shirt"), token="shelf")
    answer = browser.get(EXPORT)
    assert answer["Content-Disposition"] == 'attachment; filename="history.json"'
    assert answer["Cache-Control"] == "private, no-store"
    exported = answer.json()
    assert exported["signed_in"] is True
    assert exported["events"][0]["title"] == "Linen shirt"
    assert str(ann.pk) not in answer.content.decode()


def test_without_consent_there_is_nothing(make_product):
    browser = APIClient()
    assert browser.get(HISTORY).json() == {"results": [], "next": None}
    assert browser.get(EXPORT).json() == {}
    assert browser.delete(HISTORY).json() == {"events": 0}
    assert not cache._cache.get_client(None).keys("*")


def test_rights_stay_with_a_browser_that_refuses_to_be_followed(make_product):
    browser, ann = consenting()
    happen(ann, make_product())
    browser.credentials(HTTP_SEC_GPC="1")
    assert len(browser.get(HISTORY).json()["results"]) == 1
    assert len(browser.get(EXPORT).json()["events"]) == 1
    assert browser.delete(HISTORY).json() == {"events": 1}


def test_one_product_is_erased_and_the_rest_stays(make_product):
    browser, ann = consenting()
    shirt, gone = make_product(), make_product()
    happen(ann, shirt)
    happen(ann, gone)
    key = gone.pk
    gone.delete()
    assert browser.delete(f"{HISTORY}?product={key}").json() == {"events": 1}
    assert [entry["key"] for entry in browser.get(HISTORY).json()["results"]] == [shirt.pk]
    answer = browser.delete(f"{HISTORY}?product=shirt")
    assert answer.status_code == 400
    assert answer.json()["error"]["parameter"] == "product"
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_erasing_everything_leaves_nothing_anywhere(make_product, caplog):
    """After a visit by the API itself: in tables, cache, a dump, the log and the cookie."""
    caplog.set_level("DEBUG")
    browser, ann = consenting()
    token, marker = browser.cookies[COOKIE].value, "widget-4711-of-ann"
    shirt = make_product()
    events = [
        {"type": "view", "product": shirt.pk, "token": marker},
        {"type": "add_to_cart", "product": shirt.pk, "value": "47110815.00", "currency": "EUR"},
    ]
    assert browser.post(f"{API}events/", {"events": events}, format="json").json()["accepted"] == 2
    browser.get(HISTORY)
    browser.get(EXPORT)
    texts = [str(ann.pk), ann.pseudonym, token, marker, "47110815"]
    found = {hit.partition(": ")[2] for hit in traces.of_database(texts)}
    assert found == set(texts) - {token}  # the token is kept nowhere

    answer = browser.delete(HISTORY)

    assert answer.json() == {"events": 2}
    assert answer.cookies[COOKIE]["max-age"] == 0
    assert traces.of_database(texts) == []
    assert traces.of_dump(texts) == []
    assert traces.of_cache(texts) == []
    assert not any(text in caplog.text for text in texts)
    assert not Profile.objects.exists()
    # The key of the batch is a random number of the client's, and tells of nobody.
    assert EventBatch.objects.count() == 1
    # The old cookie is worth nothing.
    browser.cookies[COOKIE] = token
    assert browser.get(HISTORY).json()["results"] == []
    later = browser.post(f"{API}events/", {"events": events}, format="json").json()
    assert later["reason"] == "no_consent"


class TestAnotherPerson:
    """Nobody reads, exports or erases what is kept of somebody else."""

    @pytest.fixture
    def ann(self, make_product):
        _browser, profile = signed_in("ann")
        happen(profile, make_product(name="Of Ann"))
        return profile

    @pytest.fixture
    def ben(self, make_product):
        browser, profile = consenting()
        happen(profile, make_product(name="Of Ben"))
        return browser

    @pytest.mark.parametrize("name", ["profile", "profile_id", "id", "user", "shopper", "pk"])
    def test_by_an_id_in_the_address(self, ann, ben, name):
        for value in (ann.pk, ann.user_id):
            for answer in (
                ben.get(f"{HISTORY}?{name}={value}"),
                ben.get(f"{EXPORT}?{name}={value}"),
                ben.delete(f"{HISTORY}?{name}={value}"),
            ):
                assert answer.status_code == 400  # unknown parameters are refused
                assert b"Of Ann" not in answer.content
        assert ben.get(f"{HISTORY}{ann.pk}/").status_code == 404
        assert Event.objects.count() == 2

    def test_by_a_cookie_that_holds_an_id_or_a_pseudonym(self, ann, ben):
        other = consenting()[1]
        for forged in (str(ann.pk), str(other.pk), other.pseudonym, "", "x" * 5000, "%00"):
            browser = APIClient()
            browser.cookies[COOKIE] = forged
            assert browser.get(HISTORY).json()["results"] == []
            assert browser.get(EXPORT).json() == {}
            assert browser.delete(HISTORY).json() == {"events": 0}
        assert Event.objects.count() == 2

    def test_by_anothers_cursor(self, ann, ben, make_product):
        product = make_product(name="Of Ann too")
        happen(ann, product)
        browser = APIClient()
        browser.force_login(ann.user)
        address = browser.get(f"{HISTORY}?limit=1").json()["next"]
        assert b"Of Ann" not in ben.get(address).content
        assert ben.get(f"{HISTORY}?cursor=forged").status_code == 400

    def test_a_cookie_never_opens_an_account(self, ann, ben):
        """Ben signs in as nobody: the cookie's profile and Ann's account stay apart."""
        titles = [one["product"]["title"] for one in ben.get(HISTORY).json()["results"]]
        assert titles == ["Of Ben"]
        ben.delete(HISTORY)
        assert [event.profile_id for event in Event.objects.all()] == [ann.pk]

    def test_by_a_page_of_another_site(self, ben):
        foreign = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "https://evil.example"}
        assert ben.delete(HISTORY, **foreign).status_code == 403
        assert Event.objects.exists()

    def test_by_staff_of_the_shop(self, ann):
        browser = APIClient()
        browser.force_login(User.objects.create_superuser("boss"))
        assert browser.get(HISTORY).json()["results"] == []
        assert browser.get(EXPORT).json() == {}


def test_exports_are_few_a_minute(make_product):
    browser, _ann = consenting(REMOTE_ADDR="203.0.113.77")
    statuses = [browser.get(EXPORT).status_code for _each in range(11)]
    assert statuses == [200] * 10 + [429]


def test_the_document_describes_them():
    from drf_spectacular.generators import SchemaGenerator

    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    assert set(paths[HISTORY]) >= {"get", "delete"}
    assert "200" in paths[EXPORT]["get"]["responses"]
    assert json.dumps(paths[HISTORY]["delete"]["parameters"]).count('"product"') == 1
