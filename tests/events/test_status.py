"""Operators see how events stand: by status, by Prometheus and by checks."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from similarity.api import gauges
from similarity.events import checks, partitions
from similarity.events.models import EventDay, Kind
from tests.configure import with_settings
from tests.events.shoppers import anonymous, happen

pytestmark = pytest.mark.django_db

CONSENT = "tests.events.consent.by_cookie"


def report(capsys):
    call_command("similarity", "status", "--json")
    return json.loads(capsys.readouterr().out)["events"]


def drop(*months):
    with connection.cursor() as cursor:
        for month in months:
            cursor.execute(f"DROP TABLE {partitions.name_of(month)}")


def test_status_tells_days_and_months(make_product, capsys):
    happen(anonymous(), make_product())
    yesterday = timezone.localdate() - timedelta(days=1)
    EventDay.objects.create(day=yesterday, kind=Kind.VIEW, events=5)
    EventDay.objects.create(day=yesterday, kind=Kind.CLICK, events=2)
    told = report(capsys)
    assert told["by_day"] == {yesterday.isoformat(): 7}
    assert told["profiles"] == 1
    assert told["newest_partition"] == f"{partitions.ahead(timezone.now()):%Y-%m}"
    assert told["hints"] == []
    call_command("similarity", "status")
    assert f"{yesterday:%m-%d}: 7" in capsys.readouterr().out


def test_a_month_without_partition_is_a_hint_with_its_remedy(capsys):
    last = partitions.ahead(timezone.now())
    drop(last)
    (hint,) = report(capsys)["hints"]
    assert hint.startswith(f"There is no partition for events of {last:%Y-%m}: start celery beat")
    assert "tidy-events" in hint


def test_events_beyond_the_retention_are_a_hint(capsys):
    old = timezone.now() - timedelta(days=500)
    partitions.create(old, old, "default")
    (hint,) = report(capsys)["hints"]
    assert f"Events of {old:%Y-%m} are beyond" in hint


def test_prometheus_reads_them():
    found = {gauge.name: gauge.values for gauge in gauges.read()}
    assert found["event_partitions_ahead"] == [({}, float(partitions.AHEAD))]
    assert found["profiles"] == [({}, 0.0)]
    assert "events" in found


class TestChecks:
    def ids(self, settings, **events):
        settings.SIMILARITY = with_settings(EVENTS=events)
        return [message.id for message in checks.check_events()]

    def test_the_defaults_pass(self, settings):
        assert self.ids(settings) == []
        assert self.ids(settings, CONSENT=CONSENT) == []

    @pytest.mark.parametrize("path", ["nowhere.at.all", "tests.events.consent.nothing", "os.sep"])
    def test_a_consent_function_that_cannot_be_called(self, settings, path):
        assert self.ids(settings, CONSENT=path) == ["similarity.E080"]

    def test_events_kept_for_years(self, settings):
        assert self.ids(settings, RETENTION_DAYS=761) == ["similarity.W081"]
        assert self.ids(settings, RETENTION_DAYS=760) == []

    def test_denied_categories_that_the_catalogue_cannot_tell(self, settings, monkeypatch):
        assert self.ids(settings, DENIED_CATEGORIES=["Pharmacy"]) == []
        attributes = {"brand": "brand__name"}
        catalog = {**settings.SIMILARITY["CATALOG"], "attributes": attributes}
        settings.SIMILARITY = with_settings(
            CATALOG=catalog, EVENTS={"DENIED_CATEGORIES": ["Pharmacy"]}
        )
        (error,) = checks.check_events()
        assert error.id == "similarity.E085"

    def test_accounts_are_needed(self, settings):
        settings.INSTALLED_APPS = [
            app for app in settings.INSTALLED_APPS if app != "django.contrib.auth"
        ]
        assert [message.id for message in checks.check_events()] == ["similarity.E082"]

    def test_the_cookie_over_http(self, settings):
        assert [message.id for message in checks.check_cookie()] == ["similarity.W083"]
        settings.SESSION_COOKIE_SECURE = True
        assert checks.check_cookie() == []

    def test_this_month_or_the_next_without_partition(self):
        assert checks.check_partitions(databases=["default"]) == []
        following = partitions.next_month(partitions.month_of(timezone.now()))
        drop(following)
        (warning,) = checks.check_partitions(databases=["default"])
        assert warning.id == "similarity.W084"
        assert f"{following:%Y-%m}" in warning.msg
        assert checks.check_partitions(databases=[]) == []
