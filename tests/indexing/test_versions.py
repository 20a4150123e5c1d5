"""First start, building, promotion and rolling back."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from similarity.connections.locks import LockTaken, advisory_lock
from similarity.exceptions import EncoderError, VersionError
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.outbox import draining, reconcile
from similarity.vectors import indexes, pipeline
from similarity.versions import build, gate, lifecycle
from tests.encoders_fake import HashEncoder, similarity_settings
from tests.host.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(make_product):
    return [
        make_product(name=f"Product {word}") for word in ["one", "two", "three", "four", "five"]
    ]


def test_the_first_start_learns_from_the_catalogue_and_goes_live(catalogue):
    live = lifecycle.ensure_live_version()
    assert (live.status, live.fitted_on) == ("live", 5)
    assert live.dimensions == {"fused": 24, "text": 8, "attributes": 16}
    assert sum(live.weights.values()) == pytest.approx(1)
    assert live.blocks == {"attributes": {"brand": [0, 8], "other": [8, 16]}}
    assert set(indexes.states(live).values()) == {"valid"}
    assert ProductVectors.objects.count() == 5, "the sample is not encoded twice"
    assert lifecycle.ensure_live_version().pk == live.pk


def test_an_empty_catalogue_starts_too():
    live = lifecycle.ensure_live_version()
    assert (live.fitted_on, live.dimensions["fused"]) == (0, 24)


def test_a_build_embeds_all_and_is_ready_with_figures(catalogue):
    live = lifecycle.ensure_live_version()
    phases = []
    version = lifecycle.build_version(lambda *step: phases.append(step), sample=2)
    assert (version.status, version.fitted_on) == ("ready", 2)
    assert version.figures["products"] == 5
    assert ProductVectors.objects.of_version(version).count() == 5
    assert ("embed", 5, 5) in phases
    assert maintained_ids() == {live.pk, version.pk}


def maintained_ids():
    return set(EncoderVersion.objects.maintained().values_list("pk", flat=True))


def test_an_interrupted_build_goes_on_where_it_stopped(catalogue, settings):
    settings.SIMILARITY = similarity_settings(WORKERS={"BATCH_SIZE": 1})
    lifecycle.ensure_live_version()

    def interrupt(phase, done, total):
        if phase == "embed" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lifecycle.build_version(interrupt, sample=1)
    begun = EncoderVersion.objects.get(status="building")
    assert ProductVectors.objects.of_version(begun).count() == 3
    HashEncoder.encoded.clear()
    assert lifecycle.build_version(sample=1).pk == begun.pk
    assert len(set(HashEncoder.encoded)) == 2, "only what was left"


def test_a_version_promoted_while_it_is_built_stays_live(catalogue):
    lifecycle.ensure_live_version()

    def promote(phase, done, total):
        if phase == "embed" and done == total:
            building_now = EncoderVersion.objects.filter(status="building").first()
            if building_now:
                lifecycle.promote(building_now, force=True)

    version = lifecycle.build_version(promote)
    assert version.status == "live"
    assert EncoderVersion.objects.live() == version


def test_a_build_begun_with_other_settings_is_dropped(catalogue, settings):
    stale = build.begin()
    settings.SIMILARITY = similarity_settings(weights={"text": 0.5, "attributes": 0.5})
    assert lifecycle.build_version().pk != stale.pk
    assert not EncoderVersion.objects.filter(pk=stale.pk).exists()


def test_a_product_that_fails_in_a_build_is_left_to_the_outbox(catalogue, make_product):
    bad = make_product(name="poison")
    PendingProduct.objects.all().delete()
    version = lifecycle.build_version()
    assert version.figures["failed"] == 1
    assert PendingProduct.objects.get().product_key == str(bad.pk)


def test_changes_during_a_build_reach_both_versions(catalogue):
    live = lifecycle.ensure_live_version()
    begun = build.begin()
    Product.objects.filter(pk=catalogue[0].pk).update(name="Changed")
    PendingProduct.objects.all().delete()
    draining.enqueue([catalogue[0]])
    draining.drain()
    rows = ProductVectors.objects.filter(product=catalogue[0])
    assert set(rows.values_list("version_id", flat=True)) == {live.pk, begun.pk}
    assert rows.values("fingerprint").distinct().count() == 1


def test_promotion_switches_and_keeps_the_old_one(catalogue):
    first = lifecycle.ensure_live_version()
    second = lifecycle.build_version()
    assert lifecycle.promote().pk == second.pk
    assert EncoderVersion.objects.live().pk == second.pk
    first.refresh_from_db()
    assert first.status == "retired"
    assert lifecycle.rollback().pk == first.pk
    assert EncoderVersion.objects.filter(status="live").count() == 1


def test_a_version_with_few_vectors_is_refused(catalogue):
    lifecycle.ensure_live_version()
    version = lifecycle.build_version()
    ProductVectors.objects.of_version(version).filter(product=catalogue[0]).delete()
    told = r"4 of 5 \(80.0 %\) \(live 100.0 %\), wanted at least 95.0 %"
    with pytest.raises(VersionError, match=told):
        lifecycle.promote(version)
    assert lifecycle.promote(version, force=True).status == "live"
    assert str(catalogue[0].pk) in PendingProduct.objects.values_list("product_key", flat=True)


def test_a_version_without_its_index_is_refused_until_it_is_built(catalogue):
    lifecycle.ensure_live_version()
    version = lifecycle.build_version()
    indexes.drop_indexes(version)
    with pytest.raises(VersionError, match=r"(?s)fused missing, text missing.*builds them first"):
        lifecycle.promote(version)
    lifecycle.prepare(version)
    assert lifecycle.promote(version).status == "live"


def test_a_version_whose_weights_are_gone_is_refused(catalogue, settings, monkeypatch):
    lifecycle.ensure_live_version()
    version = lifecycle.build_version()
    settings.SIMILARITY = similarity_settings(text={"salt": "x"})
    monkeypatch.setattr(HashEncoder, "weights", "+retrained")
    with pytest.raises(VersionError, match=r"text was hash-16-, now hash-16-\+retrained"):
        lifecycle.promote(version)
    assert lifecycle.promote(version, force=True).status == "live"


def test_rolling_back_catches_up_with_what_changed_since(catalogue):
    first = lifecycle.ensure_live_version()
    lifecycle.promote(lifecycle.build_version())
    Product.objects.filter(pk=catalogue[1].pk).update(name="Changed since")
    pipeline.embed([str(catalogue[1].pk)])
    PendingProduct.objects.all().delete()
    assert lifecycle.rollback().pk == first.pk
    assert PendingProduct.objects.get().product_key == str(catalogue[1].pk)


def test_rolling_back_again_goes_further_back_and_never_forward(catalogue):
    first = lifecycle.ensure_live_version()
    second, third = lifecycle.build_version(), None
    lifecycle.promote(second)
    third = lifecycle.build_version()
    lifecycle.promote(third)
    assert [lifecycle.rollback().pk, lifecycle.rollback().pk] == [second.pk, first.pk]
    with pytest.raises(VersionError, match="nothing to roll back to"):
        lifecycle.rollback()
    assert EncoderVersion.objects.live() == first


def test_promoting_by_number_what_was_rolled_back_from_is_a_step_like_any_other(catalogue):
    first = lifecycle.ensure_live_version()
    second = lifecycle.build_version()
    lifecycle.promote(second)
    lifecycle.rollback()
    lifecycle.promote(second)
    assert lifecycle.rollback().pk == first.pk
    lifecycle.promote(second)
    lifecycle.prepare(first)
    lifecycle.promote(first)
    assert lifecycle.rollback().pk == second.pk
    with pytest.raises(VersionError, match="nothing to roll back to"):
        lifecycle.rollback()


def test_a_version_in_between_that_is_dropped_leaves_those_before_it(catalogue):
    first = lifecycle.ensure_live_version()
    second = lifecycle.build_version()
    lifecycle.promote(second)
    lifecycle.promote(lifecycle.build_version())
    lifecycle.drop(second)
    assert lifecycle.rollback().pk == first.pk


def test_rolling_back_looks_at_nothing_but_indexes(catalogue):
    """Somebody is in a hurry: the figures of what was live yesterday are not the question."""
    first = lifecycle.ensure_live_version()
    lifecycle.promote(lifecycle.build_version())
    ProductVectors.objects.of_version(first).exclude(product=catalogue[0]).delete()
    indexes.drop_indexes(first)
    PendingProduct.objects.all().delete()
    with pytest.raises(VersionError, match=r"no valid index.*--force"):
        lifecycle.rollback()
    assert lifecycle.rollback(force=True).pk == first.pk
    assert PendingProduct.objects.count() == 4, "and the rest is embedded now"


def test_what_a_killed_promotion_left_is_caught_up_with_by_the_next_drain(catalogue, monkeypatch):
    first = lifecycle.ensure_live_version()
    lifecycle.promote(lifecycle.build_version())
    Product.objects.filter(pk=catalogue[1].pk).update(name="Changed since")
    pipeline.embed([str(catalogue[1].pk)])
    PendingProduct.objects.all().delete()
    with monkeypatch.context() as killed:
        killed.setattr(lifecycle, "catch_up", lambda version: 0)
        lifecycle.rollback()
    assert not PendingProduct.objects.exists()
    draining.enqueue([catalogue[0]])
    draining.drain()
    row = ProductVectors.objects.of_version(first).get(product=catalogue[1])
    newest = ProductVectors.objects.filter(product=catalogue[1]).order_by("-encoded_at")[0]
    assert row.fingerprint == newest.fingerprint
    first.refresh_from_db()
    assert first.catches_up_with is None


def test_encoders_that_this_machine_lacks_are_no_reason_to_refuse(catalogue, monkeypatch):
    lifecycle.ensure_live_version()
    version = lifecycle.build_version()

    def lacking(self):
        raise EncoderError("torch is not installed")

    monkeypatch.setattr(HashEncoder, "signature", property(lacking))
    table = gate.table(lifecycle.gate_of(version))
    assert "unknown on this machine" in table
    assert lifecycle.promote(version).status == "live"


def test_the_live_version_cannot_be_dropped(catalogue):
    with pytest.raises(VersionError, match="is live"):
        lifecycle.drop(lifecycle.ensure_live_version())


def test_a_retired_version_keeps_its_vectors_and_loses_its_indexes(catalogue):
    live = lifecycle.ensure_live_version()
    version = lifecycle.build_version()
    lifecycle.retire(version)
    version.refresh_from_db()
    assert version.status == "retired"
    assert set(indexes.states(version).values()) == {"missing"}
    assert ProductVectors.objects.of_version(version).count() == 5
    assert maintained_ids() == {live.pk}
    lifecycle.prepare(version)
    assert lifecycle.promote(version).status == "live"


def test_the_version_kept_for_rolling_back_stays_ready_for_it(catalogue):
    first = lifecycle.ensure_live_version()
    lifecycle.promote(lifecycle.build_version())
    lifecycle.retire(first)
    assert set(indexes.states(first).values()) == {"valid"}
    assert lifecycle.rollback().pk == first.pk


def test_the_live_version_cannot_be_retired(catalogue):
    with pytest.raises(VersionError, match="is live"):
        lifecycle.retire(lifecycle.ensure_live_version())


def test_a_version_that_never_was_live_is_dropped_before_the_one_to_roll_back_to(catalogue):
    """PostgreSQL sorts a missing time first; the daily clearing would drop the wrong one."""
    first = lifecycle.ensure_live_version()
    lifecycle.promote(lifecycle.build_version())
    never = lifecycle.build_version()
    lifecycle.retire(never)
    assert lifecycle.drop_retired(keep=1) == [never.pk]
    assert lifecycle.rollback().pk == first.pk


def test_nothing_a_worker_needs_is_read_from_a_replica(catalogue, with_replica):
    """A replica lags: it may lack the outbox row, the promotion or the product itself."""
    with_replica()
    live = lifecycle.ensure_live_version()
    draining.enqueue([product.pk for product in catalogue], force=True)
    assert draining.drain() == 5
    assert draining.lag_s() == 0
    second = lifecycle.build_version()
    assert lifecycle.promote(second).pk == second.pk
    assert lifecycle.rollback().pk == live.pk
    assert lifecycle.drop_retired(keep=0) == [second.pk]
    assert reconcile.reconcile().enqueued == 0


@pytest.mark.django_db(transaction=True)
def test_two_promotions_at_once_leave_one_live(catalogue):
    lifecycle.ensure_live_version()
    ready = [lifecycle.build_version(), lifecycle.build_version()]
    start = threading.Barrier(2)

    def promote(version):
        try:
            start.wait()
            return lifecycle.promote(version, force=True).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        promoted = list(pool.map(promote, ready))
    assert promoted == [version.pk for version in ready]
    assert EncoderVersion.objects.filter(status="live").count() == 1


def test_unknown_and_missing_versions_are_named(catalogue):
    with pytest.raises(VersionError, match="no version 999"):
        lifecycle.promote(999)
    with pytest.raises(VersionError, match="similarity build'"):
        lifecycle.promote()
    with pytest.raises(VersionError, match="nothing to roll back to"):
        lifecycle.rollback()


@pytest.mark.django_db(transaction=True)
def test_only_one_process_builds(catalogue):
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [lifecycle.LOCK])
        with pytest.raises(LockTaken, match="similarity build' is running"):
            lifecycle.build_version()
        assert draining.drain() == 0, "the worker leaves it to the one that is at it"
    finally:
        other.close()
    with advisory_lock(lifecycle.LOCK, "default", wait_s=5):
        pass
