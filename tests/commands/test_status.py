"""manage.py similarity status, run as a shop runs it."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone

from similarity.catalog.mapping import FieldMappingAdapter
from similarity.models import EncoderVersion, PendingProduct, ProductInputs, ReconcileRound
from similarity.operations import health, status
from similarity.orders.counting.full import count_all
from similarity.orders.models import CountRun, PendingOrder
from similarity.outbox import draining, reconcile
from similarity.vectors import heartbeats
from similarity.versions import build, lifecycle
from tests.configure import with_settings
from tests.encoders_fake import HashEncoder, similarity_settings
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.host.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]


def text(capsys, *arguments):
    call_command("similarity", "status", *arguments)
    return capsys.readouterr().out


def test_a_fresh_install_says_what_to_do(capsys):
    assert "no live version: start a worker and run 'manage.py similarity embed'" in text(capsys)


def test_figures_of_a_shop_at_work(make_product, capsys):
    make_product()
    make_product(stock=0)
    bad = make_product(name="poison")
    live = lifecycle.ensure_live_version()
    draining.drain()
    PendingProduct.objects.update(dead=True)
    report = json.loads(text(capsys, "--json"))
    assert report["products"] == 3
    assert report["coverage"] == {"eligible": 2, "with_vectors": 1}
    assert report["outbox"]["dead"] == 1
    assert report["dead"][0]["product"] == str(bad.pk)
    assert report["versions"][0]["id"] == report["live_version"] == live.pk
    assert report["versions"][0]["vectors"] == 2
    assert report["index_bytes"][f"similarity_v{live.pk}_fused"] > 0
    written = text(capsys)
    assert f"product {bad.pk}: ValueError: this title cannot be encoded" in written
    assert "1 products failed too often" in written
    assert "1 of 2 eligible products have no vectors" in written


def test_other_encoders_in_the_settings_are_pointed_out(make_product, capsys, settings):
    make_product()
    lifecycle.ensure_live_version()
    settings.SIMILARITY = similarity_settings(text={"salt": "other"})
    assert "encoders in the settings differ from live version" in text(capsys)


def test_encoders_that_are_gone_are_pointed_out(make_product, capsys, monkeypatch):
    make_product()
    lifecycle.ensure_live_version()
    monkeypatch.setattr(HashEncoder, "weights", "+retrained")
    written = text(capsys)
    assert "text was hash-16-, now hash-16-+retrained" in written
    assert "Restore their weights" in written


def test_other_weights_in_the_settings_are_pointed_out(make_product, capsys, settings):
    """They take part when a version is made, not before: whoever changes them must be told."""
    make_product()
    lifecycle.ensure_live_version()
    assert "differ from live version" not in text(capsys)
    weights = {"text": 0.9, "image": 0.02, "colour": 0.04, "attributes": 0.04}
    settings.SIMILARITY = similarity_settings(weights=weights)
    assert "weights in the settings differ from live version" in text(capsys)
    settings.SIMILARITY = similarity_settings(dimensions={"text": 4})
    assert "dimensions in the settings differ from live version" in text(capsys)


def test_a_version_that_is_ready_is_pointed_out(make_product, capsys):
    make_product()
    lifecycle.ensure_live_version()
    ready = lifecycle.build_version()
    assert f"'manage.py similarity promote {ready.pk}' makes it live" in text(capsys)


def test_a_fit_on_a_handful_of_products_is_pointed_out(make_product, capsys):
    lifecycle.ensure_live_version()
    for _ in range(11):
        make_product()
    assert "was fitted on 0 products and the catalogue has 11" in text(capsys)


def test_a_cache_that_is_down_is_reported_and_no_traceback(monkeypatch, capsys):
    """The command is what one runs when something is down."""

    def down():
        raise ConnectionError("refused")

    monkeypatch.setattr(heartbeats, "seen", down)
    assert "Outbox" in text(capsys)


def test_orders_that_were_never_counted_are_pointed_out(capsys):
    assert "No orders were counted: start a worker, or run" in text(capsys)


def test_figures_of_counted_orders(make_product, capsys, settings):
    order = Order.objects.create(number="A-1", placed_at=timezone.now())
    order.lines.create(product=make_product(), unit_price=1)
    count_all()
    report = json.loads(text(capsys, "--json"))["orders"]
    assert (report["orders"], report["items"], report["items_with_partners"]) == (1, 1, 0)
    assert report["hints"] == []
    PendingOrder.objects.update(dead=True, last_error="ValueError: no price")
    CountRun.objects.update(full_at=timezone.now() - timedelta(days=3))
    settings.SIMILARITY = with_settings(ORDERS={"MAX_BASKET": 7})
    written = text(capsys)
    assert "Orders     1 counted, 1 items" in written
    assert f"order {order.pk}: ValueError: no price" in written
    assert "MAX_BASKET changed since the last full count" in written
    assert "The last full count was at" in written
    assert "1 changes of orders are dead" in written


def test_a_shop_without_orders_has_no_such_lines(capsys, settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    assert "Orders" not in text(capsys)


def test_the_last_round_of_reconcile_is_told(make_product, capsys):
    call_command("similarity", "status")
    assert "no round yet" in capsys.readouterr().out
    make_product()
    reconcile.reconcile(budget_s=0)
    call_command("similarity", "status")
    assert "Reconcile  1 products compared until" in capsys.readouterr().out
    ReconcileRound.objects.create(checked=7)
    call_command("similarity", "status")
    assert "a round is running, 7 products compared" in capsys.readouterr().out


def test_the_verdict_comes_first_and_can_be_the_exit_code(make_product, capsys, monkeypatch):
    make_product()
    lifecycle.ensure_live_version()
    cache.clear()  # this process built, and may have said that it is alive
    with pytest.raises(CommandError, match="Not healthy: worker"):
        call_command("similarity", "status", "--check")
    assert capsys.readouterr().out.startswith("Not healthy: worker.\n")
    monkeypatch.setattr(heartbeats, "_noted", {})
    heartbeats.note()
    monkeypatch.setattr(health, "_broker", lambda: health.HealthCheck(True, "redis"))
    PendingProduct.objects.all().delete()
    assert text(capsys, "--check").startswith("Healthy.\n")
    assert json.loads(text(capsys, "--json"))["healthy"] is True


def test_a_database_that_is_down_is_told_and_no_traceback(monkeypatch, capsys):
    monkeypatch.setattr(
        health, "_database", lambda: health.HealthCheck(False, "the database does not answer")
    )
    written = text(capsys)
    assert written.startswith("Not healthy: database, pgvector, version")
    assert "Start PostgreSQL" in written
    assert json.loads(text(capsys, "--json"))["healthy"] is False


def test_how_far_a_build_is_and_where_it_stopped(make_product, capsys, monkeypatch):
    make_product()
    live = lifecycle.ensure_live_version()
    with monkeypatch.context() as begins:
        begins.setattr(build, "is_building", lambda: True)
        assert "its fusion is fitted on a sample" in text(capsys)
    begun = lifecycle.build.begin()
    at = timezone.now().isoformat()
    told = {"phase": "embed", "done": 34_000, "total": 100_000, "per_s": 91.7, "at": at}
    EncoderVersion.objects.filter(pk=begun.pk).update(progress={**told, "error": "no memory"})
    written = text(capsys)
    assert (
        "stopped at embedding 34,000 of 100,000 (no memory): 'manage.py similarity build'"
        in written
    )
    monkeypatch.setattr(build, "is_building", lambda: True)
    assert "embedding 34,000 of 100,000, 12 min left" in text(capsys)
    report = json.loads(text(capsys, "--json"))
    assert report["versions"][0]["building"]["left_s"] == pytest.approx(720, abs=30)
    assert report["rollback_to"] is None
    assert live.pk == report["live_version"]


def test_where_rolling_back_leads_is_told(make_product, capsys):
    make_product()
    first = lifecycle.ensure_live_version()
    lifecycle.promote(lifecycle.build_version())
    assert f"to version {first.pk}: manage.py similarity promote --rollback" in text(capsys)


class Unreadable(FieldMappingAdapter):
    """As one whose column was renamed."""

    def __init__(self):
        super().__init__(title="name")

    def content(self, keys):
        raise LookupError("no column 'titel'")


def test_an_adapter_that_reads_nothing_is_not_healthy(make_product, capsys, settings, caplog):
    lifecycle.ensure_live_version()
    for _ in range(status.MANY_FAILING + 1):
        make_product()
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": f"{__name__}.Unreadable"}
    draining.drain()
    assert len([one for one in caplog.records if one.exc_info]) == 1, "a traceback a minute"
    report = json.loads(text(capsys, "--json"))
    assert not report["health"]["products"]["ok"]
    assert "6 of 6 in the outbox failed, 6 of them with: LookupError" in text(capsys)


def test_one_bad_product_is_its_own_fault(make_product, capsys):
    lifecycle.ensure_live_version()
    make_product(name="poison")
    draining.drain()
    report = json.loads(text(capsys, "--json"))
    assert report["health"]["products"]["ok"]
    assert "this title cannot be encoded" in report["health"]["products"]["detail"]


def test_products_that_joins_repeat_are_counted_once(make_product, capsys, settings):
    for position in range(3):
        make_product().images.create(image="a.png", position=position)
    Product.objects.first().images.create(image="b.png", position=9)
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": f"{__name__}.Joining"}
    lifecycle.ensure_live_version()
    draining.drain()
    report = json.loads(text(capsys, "--json"))
    assert report["coverage"] == {"eligible": 3, "with_vectors": 3}


class Joining(FieldMappingAdapter):
    def __init__(self):
        super().__init__(title="name")

    def eligible(self, request=None):
        return self.model.objects.filter(images__position__gte=0)


def test_inputs_that_count_as_absent_are_counted(make_product, capsys):
    lifecycle.ensure_live_version()
    for at in range(3):
        ProductInputs.objects.create(
            product=make_product(),
            group=at,
            kinds=[1],
            names=[8, 14],
            absent=[8, 14][: (0, 1, 2)[at]],
            unread=at == 0,
            incomplete=True,
        )
    written = text(capsys)
    assert "2 with a photo that many unlike products share" in written
    assert "1 with a description that many unlike products share" in written
    assert "1 with a text that the model cannot read" in written
    assert "name a multilingual model" in written
