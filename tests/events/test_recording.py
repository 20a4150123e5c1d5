"""Events that the shop's own server records: by consent, quick, and never in the page's way."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.template import Context, Template
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from similarity.events import recording
from similarity.events.identity import COOKIE, pseudonym_of
from similarity.events.models import Event, EventBatch, Kind, Profile
from similarity.events.recording import NewEvent, record, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def shopper():
    return Profile.objects.create(pseudonym=pseudonym_of("a token"))


@pytest.fixture
def request_of(shopper):
    """A request of the shopper, as a view gets it."""

    def make(**headers):
        request = RequestFactory().get("/", **headers)
        request.COOKIES[COOKIE] = "a token"
        return request

    return make


def test_the_shop_records_what_it_saw(request_of, shopper, make_product):
    mug = make_product()
    with CaptureQueriesContext(connection) as queries:
        assert record(request_of(), "purchase", mug, quantity=2, value="9.50", currency="EUR")
    written = [one for one in queries if "INTO similarity_event" in one["sql"]]
    assert len(written) == 1
    event = Event.objects.get()
    assert (event.kind, event.product_id, event.quantity) == (Kind.PURCHASE, mug.pk, 2)
    assert event.by_server
    assert event.profile == shopper


def test_without_consent_nothing_is_read_of_products_and_nothing_kept(make_product):
    mug = make_product()
    with CaptureQueriesContext(connection) as queries:
        assert not record(RequestFactory().get("/"), "view", mug)
    assert len(queries) == 0
    assert not EventBatch.objects.exists()


@pytest.mark.parametrize("kind", ["vieww", "", None, 3])
def test_a_wrong_kind_is_logged_with_the_right_ones(request_of, make_product, kind, caplog):
    assert not record(request_of(), kind, make_product())
    assert "not_interested" in caplog.text


def test_an_error_leaves_the_page_s_transaction_usable(request_of, make_product, monkeypatch):
    mug = make_product()
    monkeypatch.setattr(recording, "_WRITE", "SELECT 1 FROM no_such_table -- {key_type}")
    with transaction.atomic():
        assert not record(request_of(), "view", mug)
        assert Profile.objects.count() == 1


def test_a_slow_database_costs_a_page_little(request_of, make_product, monkeypatch, caplog):
    mug = make_product()
    monkeypatch.setattr(recording, "_WRITE", "SELECT pg_sleep(20), 1, 1 -- {key_type}")
    started = timezone.now()
    assert not record(request_of(), "view", mug)
    assert timezone.now() - started < timedelta(seconds=5)
    assert "not kept" in caplog.text


def test_a_month_without_a_partition_gets_one(shopper, make_product):
    """Beat was down for months, or a phone was offline."""
    at = datetime(2019, 2, 3, tzinfo=UTC)
    event = NewEvent(Kind.VIEW, at, make_product().pk)
    assert write(shopper, [event], uuid.uuid4()).rows == 1
    assert Event.objects.get().at == at


def test_an_erased_shopper_gets_no_new_events(shopper, make_product):
    stale = Profile.objects.get()
    shopper.delete()
    event = NewEvent(Kind.VIEW, timezone.now(), make_product().pk)
    written = write(stale, [event], uuid.uuid4())
    assert (written.rows, written.known) == (0, False)
    assert not EventBatch.objects.exists()


def test_a_batch_is_one_statement(shopper, make_product):
    keys = [make_product().pk for _ in range(20)]
    events = [NewEvent(Kind.VIEW, timezone.now(), key) for key in keys]
    with CaptureQueriesContext(connection) as queries:
        write(shopper, events, uuid.uuid4())
    told = ("SAVEPOINT", "RELEASE", "SELECT current_setting", "SELECT set_config")
    assert len([one for one in queries if not one["sql"].startswith(told)]) == 1
    assert Event.objects.count() == 20


def test_the_database_s_errors_reach_the_writer(shopper, make_product, monkeypatch):
    monkeypatch.setattr(recording, "_WRITE", "SELECT pg_sleep(20), 1, 1 -- {key_type}")
    event = NewEvent(Kind.VIEW, timezone.now(), make_product().pk)
    with pytest.raises(OperationalError):
        write(shopper, [event], uuid.uuid4(), most_ms=50)


def test_tags(request_of, make_product):
    mug = make_product()
    page = Template(
        "{% load similarity_events %}{% event_script %}{% track_view mug %}{% record_view mug %}"
    )
    html = page.render(Context({"request": request_of(), "mug": mug}))
    assert 'data-url="/api/similarity/v1/events/" data-consent="yes"' in html
    assert f'data-similarity-view="{mug.pk}"' in html
    assert Event.objects.get().by_server


def test_without_consent_the_page_has_no_script(make_product):
    page = Template("{% load similarity_events %}{% event_script %}{% record_view mug %}")
    request = RequestFactory().get("/")
    assert page.render(Context({"request": request, "mug": make_product()})) == ""
    assert page.render(Context({"mug": make_product()})) == ""


def test_the_script_is_small():
    import gzip
    from pathlib import Path

    import similarity.events

    script = Path(similarity.events.__file__).parent / "static/similarity/events.js"
    assert len(gzip.compress(script.read_bytes())) <= 1_024


def test_the_document_s_table_of_names_is_the_code_s():
    from pathlib import Path

    from similarity.events.names import NAMES

    def cell(names):
        return ", ".join(f"`{name}`" for name in names)

    document = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    for kind, names in NAMES.items():
        cells = [f"`{kind.name.lower()}`", cell(names.ga4), cell(names.segment)]
        assert "| " + " | ".join(cells).replace("|  |", "| |") in document
