"""Who asks, and how often they may: exactly so often, whatever they send along."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.memcached import PyMemcacheCache
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from similarity import conf
from similarity.api import throttling
from similarity.api.throttling import ClientThrottle
from similarity.connections import caching, clients
from tests.configure import with_settings

SUGGEST = "/api/similarity/v1/suggest/?q=a"


class Strict(LocMemCache):
    """Refuses the keys that Memcached refuses."""

    validate_key = PyMemcacheCache.validate_key


@pytest.fixture(autouse=True)
def _no_own_counts(monkeypatch):
    throttling._own.clear()
    monkeypatch.setattr(clients, "_told_of_proxy", False)


@pytest.fixture
def limited(settings):
    settings.SIMILARITY = with_settings(API={"THROTTLE": "3/min"})


def ask(**sent):
    return APIClient().get(SUGGEST, **sent).status_code


def through(cache, monkeypatch):
    monkeypatch.setattr(throttling, "caches", {"default": cache})


def request_of(**meta):
    return Request(APIRequestFactory().get("/", **meta))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "told",
    ["203.0.113.{}", "1" * 300 + "{}", "1\x7f{}", "a b{}", "é{}", "::{}", "{}, 198.51.100.7"],
)
def test_what_a_client_says_makes_it_no_other_client(limited, told):
    asked = [ask(HTTP_X_FORWARDED_FOR=told.format(at)) for at in range(4)]
    assert asked == [200, 200, 200, 429]


@pytest.mark.django_db
def test_a_stranger_cannot_use_up_what_a_user_may_ask(limited):
    user = User.objects.create_user("shopper")
    for told in (
        str(user.pk),
        f"user:{user.pk}",
        f"user:django.contrib.auth.models.User:{user.pk}",
    ):
        [ask(REMOTE_ADDR=told) for _ in range(5)]
    client = APIClient()
    client.force_login(user)
    assert [client.get(SUGGEST).status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.django_db
def test_a_user_is_the_same_at_each_address(limited):
    client = APIClient()
    client.force_login(User.objects.create_user("shopper"))
    asked = [client.get(SUGGEST, REMOTE_ADDR=f"10.0.0.{at}").status_code for at in range(4)]
    assert asked == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (None, "203.0.113.9", "10.0.0.1"),
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.7, 203.0.113.9", "198.51.100.7"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8:1:2:3::9]:4711", "2001:db8:1:2::/64"),
        (1, None, "10.0.0.1"),
    ],
)
def test_the_address_is_what_the_shops_own_proxies_say(settings, proxies, forwarded, address):
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    meta = {"REMOTE_ADDR": "10.0.0.1"}
    meta |= {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert clients.address_of(request_of(**meta)) == address


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_customer_is_one_client(told, address):
    assert clients.address_of(request_of(REMOTE_ADDR=told)) == address


def test_a_proxy_that_is_not_set_is_told_of_once(caplog, settings):
    settings.REST_FRAMEWORK = {}
    for _ in range(2):
        clients.address_of(request_of(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.1"))
    [record] = caplog.records
    assert "NUM_PROXIES" in record.message


def test_an_open_address_with_the_header_is_no_proxy(caplog, settings):
    settings.REST_FRAMEWORK = {}
    clients.address_of(request_of(REMOTE_ADDR="8.8.8.8", HTTP_X_FORWARDED_FOR="192.0.2.1"))
    assert not caplog.records


@pytest.mark.parametrize("kind", ["redis", "locmem", "memcached keys"])
def test_exactly_so_many_pass_whatever_is_asked_at_once(kind, settings, monkeypatch):
    settings.SIMILARITY = with_settings(API={"THROTTLE": "120/min"})
    made = {"locmem": LocMemCache, "memcached keys": Strict}
    if kind in made:
        through(made[kind](f"throttle-{kind}", {}), monkeypatch)
    together = threading.Barrier(50)

    def allowed(at):
        if at < 50:
            together.wait()
        return ClientThrottle("search").allow_request(request_of(REMOTE_ADDR="192.0.2.1"), None)

    with ThreadPoolExecutor(50) as pool:
        passed = sum(pool.map(allowed, range(300)))
    assert passed == 120


def test_a_new_period_begins_with_what_is_left_of_the_last(settings, monkeypatch):
    settings.SIMILARITY = with_settings(API={"THROTTLE": "2/min"})
    cache = LocMemCache("throttle-periods", {})
    cache.clear()
    through(cache, monkeypatch)
    now = [1_000_000.0]
    for module in (throttling.time, __import__("time")):
        monkeypatch.setattr(module, "time", lambda: now[0])
    asked = []
    for second in (0, 10, 20, 59, 61, 91, 100, 121, 500, 501, 502):
        now[0] = 1_000_000.0 + second
        throttle = ClientThrottle("search")
        asked.append(throttle.allow_request(request_of(REMOTE_ADDR="192.0.2.1"), None))
        assert 0 < throttle.wait() <= 60
    assert asked == [True, True, False, False, False, True, False, True, True, True, False]


def test_no_burst_passes_where_two_periods_meet(settings, monkeypatch):
    settings.SIMILARITY = with_settings(API={"THROTTLE": "10/min"})
    cache = LocMemCache("throttle-borders", {})
    cache.clear()
    through(cache, monkeypatch)
    passed = []
    for second in (0, *range(50, 70)):
        monkeypatch.setattr(throttling.time, "time", lambda at=second: 1_000_000.0 + at)
        for _ in range(5):
            if ClientThrottle("search").allow_request(request_of(REMOTE_ADDR="192.0.2.1"), None):
                passed.append(second)
    assert len([at for at in passed if at < 60]) == 10
    assert len([at for at in passed if at >= 60]) <= 2


def test_who_asks_a_little_too_often_keeps_what_the_rate_allows(settings, monkeypatch):
    settings.SIMILARITY = with_settings(API={"THROTTLE": "10/min"})
    cache = LocMemCache("throttle-steady", {})
    cache.clear()
    through(cache, monkeypatch)
    passed = 0
    for second in range(0, 600, 5):  # twelve a minute
        monkeypatch.setattr(throttling.time, "time", lambda at=second: 1_000_000.0 + at)
        request = request_of(REMOTE_ADDR="192.0.2.1")
        passed += ClientThrottle("search").allow_request(request, None)
    assert 80 <= passed <= 110


@pytest.mark.parametrize("error", [ConnectionError, TimeoutError])
def test_without_the_cache_each_process_counts_for_itself(limited, monkeypatch, error):
    class Down(LocMemCache):
        def incr(self, *args, **kwargs):
            raise error("no cache")

        add = incr

    through(Down("down", {}), monkeypatch)
    asked = [
        ClientThrottle("search").allow_request(request_of(REMOTE_ADDR="192.0.2.1"), None)
        for _ in range(5)
    ]
    assert asked == [True, True, True, False, False]


def test_a_cache_that_keeps_nothing_lets_nobody_pass_for_ever(limited, monkeypatch):
    through(DummyCache("none", {}), monkeypatch)
    asked = [
        ClientThrottle("search").allow_request(request_of(REMOTE_ADDR="192.0.2.1"), None)
        for _ in range(5)
    ]
    assert asked == [True, True, True, False, False]


@pytest.mark.django_db
def test_typing_uses_up_no_search(limited, shelf):
    client = APIClient()
    assert [client.get(SUGGEST).status_code for _ in range(4)][-1] == 429
    for path in ("search/?q=a", f"products/{shelf[0].pk}/similar/", "metrics/"):
        assert client.get(f"/api/similarity/v1/{path}").status_code != 429


def test_each_scope_may_have_its_own_rate(settings):
    rates = {"suggest": "600/min", "metrics": None}
    settings.SIMILARITY = with_settings(API={"THROTTLE": rates})
    found = [throttling.rate_of(scope) for scope in (*conf.THROTTLE_SCOPES, "pictures")]
    assert found == [*["120/min"] * 2, "600/min", *["120/min"] * 2, None, "120/min", "20/min"]


def test_no_key_holds_what_a_client_sent(limited, monkeypatch):
    kept = []

    class Watched(LocMemCache):
        def add(self, key, *args, **kwargs):
            kept.append(key)
            return super().add(key, *args, **kwargs)

    through(Watched("watched", {}), monkeypatch)
    ClientThrottle("search").allow_request(request_of(REMOTE_ADDR="192.0.2.77"), None)
    assert kept
    assert not any("192.0.2.77" in key for key in kept)
    assert all(key.isascii() and len(key) < 200 for key in kept)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["/search/?q=a&picture=a%20b", "/search/?q=a&picture=%7f", f"{SUGGEST}&{'e' * 100}=1"]
    + [f"/api/similarity/v1/search/?q=a&{name}=1" for name in ("e" * 100, "a%20b", "%C3%A9" * 90)],
)
def test_no_text_of_a_client_pauses_the_cache(client, settings, path):
    settings.CACHES = {"default": {"BACKEND": "tests.api.test_throttling.Strict"}}
    caches["default"].clear()
    assert client.get(path).status_code in (200, 400)
    assert not caching._pause.lasts()
