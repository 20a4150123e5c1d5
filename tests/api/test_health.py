import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.test import Client

from similarity.api import health as api_health
from similarity.operations import health
from similarity.operations.health import HealthCheck
from tests.configure import with_settings

pytestmark = pytest.mark.django_db

LIVE, READY = "/api/similarity/v1/health/live", "/api/similarity/v1/health/ready"


@pytest.fixture(autouse=True)
def _checked_anew(monkeypatch):
    monkeypatch.setattr(api_health, "KEPT_S", 0.0)


def test_live_asks_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get(LIVE)
    assert (response.status_code, response.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(("ok", "status"), [(True, 200), (False, 503)])
def test_ready_is_503_when_one_check_fails(client, monkeypatch, ok, status):
    found = {"database": HealthCheck(True, "fine"), "worker": HealthCheck(ok, "10.0.0.7 silent")}
    monkeypatch.setattr(health, "checks", lambda: found)
    response = client.get(READY)
    assert response.status_code == status
    assert response.json()["checks"] == [
        {"name": "database", "ok": True},
        {"name": "worker", "ok": ok},
    ]
    assert response["Cache-Control"] == "no-store"


def test_a_flood_asks_the_servers_once(monkeypatch):
    """No throttle holds for probes, and each look costs a dozen statements and a connection."""
    runs = []

    def checks():
        runs.append(1)
        time.sleep(0.1)
        return {"database": HealthCheck(True, "fine")}

    monkeypatch.setattr(api_health, "KEPT_S", 60.0)
    monkeypatch.setattr(api_health, "_checked_at", -100.0)
    monkeypatch.setattr(health, "checks", checks)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: Client().get(READY).status_code, range(40)))
    assert statuses == [200] * 40
    assert len(runs) == 1


def test_what_changed_shows_after_a_moment(client, monkeypatch):
    monkeypatch.setattr(api_health, "KEPT_S", 0.05)
    for ok, status in ((True, 200), (False, 503)):
        monkeypatch.setattr(health, "checks", lambda ok=ok: {"broker": HealthCheck(ok, "")})
        time.sleep(0.06)
        assert client.get(READY).status_code == status


def test_detail_is_for_staff_only(client, monkeypatch):
    monkeypatch.setattr(health, "checks", lambda: {"worker": HealthCheck(False, "10.0.0.7 silent")})
    assert b"10.0.0.7" not in client.get(READY).content
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert client.get(READY).json()["checks"][0]["detail"] == "10.0.0.7 silent"


@pytest.mark.parametrize("authorization", ["", "Basic bm9ib2R5Om5vdGhpbmc="])
def test_a_login_that_fails_does_not_hide_the_answer(client, monkeypatch, authorization):
    """Sessions may lie in the cache that is down, and a probe may send an outdated password."""
    monkeypatch.setattr(health, "checks", lambda: {"cache": HealthCheck(False, "10.0.0.7 silent")})

    def down(*args, **kwargs):
        raise ConnectionError("no session")

    monkeypatch.setattr("django.contrib.auth.get_user", down)
    client.cookies["sessionid"] = "a" * 32
    response = client.get(READY, headers={"authorization": authorization})
    assert response.status_code == 503
    assert response.json()["checks"] == [{"name": "cache", "ok": False}]


def test_the_real_checks_answer_without_a_version(client):
    response = client.get(READY)
    checks = {check["name"]: check["ok"] for check in response.json()["checks"]}
    assert response.status_code == 503
    assert checks["database"]
    assert checks["pgvector"]
    assert not checks["version"]


def test_health_is_not_throttled(settings, monkeypatch):
    settings.SIMILARITY = with_settings(API={"THROTTLE": "1/min"})
    monkeypatch.setattr(health, "checks", dict)
    assert {Client().get(READY).status_code for _ in range(3)} == {200}
