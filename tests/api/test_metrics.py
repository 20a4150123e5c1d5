"""``/metrics`` says how indexing stands, to staff and to Prometheus, and to nobody else."""

import shutil
import subprocess

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from similarity.api import gauges
from similarity.connections import caching, metrics, metrics_export
from similarity.models import PendingProduct, ProductVectors
from similarity.operations import backlog
from similarity.outbox import draining
from tests.configure import with_settings

pytestmark = pytest.mark.django_db

URL = "/api/similarity/v1/metrics/"
TOKEN = "a-token-for-prometheus"


@pytest.fixture
def scrape(settings):
    """The samples as (name, labels) → value."""
    settings.SIMILARITY = with_settings(MONITORING={"TOKEN": TOKEN})
    caching.attempt(lambda: caching.caches["default"].delete(gauges.COVERAGE_KEY))

    def read():
        response = Client().get(URL, headers={"authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200, response.content
        return samples(response.content.decode())

    return read


def samples(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_nobody_reads_them_by_default(client, settings):
    """They tell how large the catalogue is and how busy the shop."""
    assert client.get(URL).status_code == 401
    for sent in ("Bearer ", "Bearer None", "Bearer wrong", "Basic bm9ib2R5Om5vdGhpbmc="):
        assert client.get(URL, headers={"authorization": sent}).status_code == 401
    client.force_login(User.objects.create_user("shopper"))
    assert client.get(URL).status_code == 401


def test_staff_read_them(client):
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    response = client.get(URL)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response["Cache-Control"] == "no-store"


def test_a_wrong_token_is_refused_and_tries_are_limited(client, settings):
    settings.SIMILARITY = with_settings(MONITORING={"TOKEN": TOKEN}, API={"THROTTLE": "3/min"})
    headers = {"authorization": "Bearer an-almost-right-token"}
    found = [client.get(URL, headers=headers, REMOTE_ADDR="10.7.7.7").status_code for _ in range(4)]
    assert found == [401, 401, 401, 429]


def test_the_token_needs_no_session(scrape, monkeypatch):
    """Prometheus goes on watching while the store of sessions is down."""

    def down(*args, **kwargs):
        raise ConnectionError("no session")

    monkeypatch.setattr("django.contrib.auth.get_user", down)
    assert scrape()["similarity_database_up", ()] == 1


def test_the_outbox_by_state_and_age(scrape, make_product):
    PendingProduct.objects.all().delete()
    keys = [make_product().pk for _ in range(4)]
    PendingProduct.objects.all().delete()
    draining.enqueue(keys)
    rows = PendingProduct.objects.order_by("pk")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {PendingProduct._meta.db_table} SET "
            "available_at = now() - interval '90 s', created_at = now() - interval '200 s'"
        )
        for row, change in zip(
            rows[:3],
            ("dead = true", "lease_until = now() + interval '60 s'",
             "available_at = now() + interval '60 s'"),
            strict=True,
        ):  # fmt: skip
            cursor.execute(
                f"UPDATE {PendingProduct._meta.db_table} SET {change} WHERE id = %s", [row.pk]
            )
    found = scrape()
    states = ("due", "leased", "backing_off", "dead")
    counted = {state: found["similarity_outbox_products", (("state", state),)] for state in states}
    assert counted == {"due": 1, "leased": 1, "backing_off": 1, "dead": 1}
    assert found["similarity_outbox_lag_seconds", ()] == pytest.approx(90, abs=20)
    assert found["similarity_outbox_oldest_seconds", ()] == pytest.approx(200, abs=20)


def test_versions_coverage_and_indexes(scrape, version, shelf):
    found = scrape()
    assert found["similarity_live_version", ()] == version.pk
    labels = (("status", "live"), ("version", str(version.pk)))
    stored = ProductVectors.objects.of_version(version).count()
    assert found["similarity_vectors", labels] == stored > 0
    assert 0 < found["similarity_coverage_ratio", ()] <= 1
    valid = {key: value for key, value in found.items() if key[0] == "similarity_index_valid"}
    assert {dict(labels)["version"] for _name, labels in valid} == {str(version.pk)}


def test_large_counts_are_estimated_and_not_counted(monkeypatch, make_product):
    monkeypatch.setattr(backlog, "EXACT", 3)
    monkeypatch.setattr(backlog, "planned", lambda rows: 1_000_000)
    PendingProduct.objects.enqueue(range(10))
    waiting = backlog.outbox()
    assert waiting.states == {"due": 1_000_000, "leased": 0, "backing_off": 0, "dead": 0}
    assert backlog.about(PendingProduct.objects.waiting()) == 1_000_000


def test_the_planner_knows_how_many_rows(db):
    PendingProduct.objects.enqueue(range(500))
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {PendingProduct._meta.db_table}")
    assert 400 <= backlog.planned(PendingProduct.objects.waiting()) <= 600


def test_a_scrape_asks_few_queries(scrape, django_assert_max_num_queries):
    scrape()
    with django_assert_max_num_queries(50):
        scrape()


def test_without_a_database_the_rest_is_told(scrape, monkeypatch):
    metrics.count("cache_total", cache="told", result="hit")

    def down():
        raise OperationalError("the server closed the connection")
        yield

    monkeypatch.setattr(gauges, "_outbox", down)
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    found = scrape()
    assert found["similarity_database_up", ()] == 0
    assert found["similarity_cache_total", (("cache", "told"), ("result", "hit"))] >= 1


def test_one_group_that_fails_leaves_the_others(scrape, monkeypatch):
    def slow():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 10")
            cursor.execute("SELECT pg_sleep(1)")
        yield

    monkeypatch.setattr(gauges, "_outbox", slow)
    found = scrape()
    assert found["similarity_database_up", ()] == 1
    assert ("similarity_live_version", ()) in found


def test_without_the_client_it_says_what_to_install(scrape, monkeypatch):
    monkeypatch.setattr(metrics, "prometheus_client", None)
    response = Client().get(URL, headers={"authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 501
    assert b"django-similarity[metrics]" in response.content


def test_promtool_finds_no_fault(version, shelf):
    """Prometheus' own linter, where it is installed."""
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not installed; it is in Debian's package prometheus")
    for name, metric in metrics.METRICS.items():
        labels = dict.fromkeys(metric.labels, "x")
        (metrics.observe if metric.buckets else metrics.count)(name, 1, **labels)
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=metrics_export.text(gauges.read()),
        capture_output=True,
    )
    assert (checked.returncode, checked.stderr.decode()) == (0, "")
