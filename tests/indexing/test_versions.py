"""First start, building, promotion and rolling back."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from shop.models import Product
from similarity.connections.locks import LockTaken, advisory_lock
from similarity.exceptions import EncoderError, VersionError
from similarity.indexing import (
    building,
    gate,
    indexes,
    outbox,
    pipeline,
    reconcile,
    retiring,
    versions,
)
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from tests.encoders_fake import HashEncoder, similarity_settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(make_product):
    return [
        make_product(name=f"Product {word}") for word in ["one", "two", "three", "four", "five"]
    ]


def test_the_first_start_learns_from_the_catalogue_and_goes_live(catalogue):
    live = versions.ensure_live_version()
    assert (live.status, live.fitted_on) == ("live", 5)
    assert live.dimensions == {"fused": 24, "text": 8, "attributes": 16}
    assert sum(live.weights.values()) == pytest.approx(1)
    assert live.blocks == {"attributes": {"brand": [0, 8], "other": [8, 16]}}
    assert set(indexes.states(live).values()) == {"valid"}
    assert ProductVectors.objects.count() == 5, "the sample is not encoded twice"
    assert versions.ensure_live_version().pk == live.pk


def test_an_empty_catalogue_starts_too():
    live = versions.ensure_live_version()
    assert (live.fitted_on, live.dimensions["fused"]) == (0, 24)


def test_a_build_embeds_all_and_is_ready_with_figures(catalogue):
    live = versions.ensure_live_version()
    phases = []
    version = versions.build_version(lambda *step: phases.append(step), sample=2)
    assert (version.status, version.fitted_on) == ("ready", 2)
    assert version.figures["products"] == 5
    assert ProductVectors.objects.of_version(version).count() == 5
    assert ("embed", 5, 5) in phases
    assert maintained_ids() == {live.pk, version.pk}


def maintained_ids():
    return set(EncoderVersion.objects.maintained().values_list("pk", flat=True))


def test_an_interrupted_build_goes_on_where_it_stopped(catalogue, settings):
    settings.SIMILARITY = similarity_settings(WORKERS={"BATCH_SIZE": 1})
    versions.ensure_live_version()

    def interrupt(phase, done, total):
        if phase == "embed" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        versions.build_version(interrupt, sample=1)
    begun = EncoderVersion.objects.get(status="building")
    assert ProductVectors.objects.of_version(begun).count() == 3
    HashEncoder.encoded.clear()
    assert versions.build_version(sample=1).pk == begun.pk
    assert len(set(HashEncoder.encoded)) == 2, "only what was left"


def test_a_version_promoted_while_it_is_built_stays_live(catalogue):
    versions.ensure_live_version()

    def promote(phase, done, total):
        if phase == "embed" and done == total:
            building_now = EncoderVersion.objects.filter(status="building").first()
            if building_now:
                versions.promote(building_now, force=True)

    version = versions.build_version(promote)
    assert version.status == "live"
    assert EncoderVersion.objects.live() == version


def test_a_build_begun_with_other_settings_is_dropped(catalogue, settings):
    stale = building.begin()
    settings.SIMILARITY = similarity_settings(weights={"text": 0.5, "attributes": 0.5})
    assert versions.build_version().pk != stale.pk
    assert not EncoderVersion.objects.filter(pk=stale.pk).exists()


def test_a_product_that_fails_in_a_build_is_left_to_the_outbox(catalogue, make_product):
    bad = make_product(name="poison")
    PendingProduct.objects.all().delete()
    version = versions.build_version()
    assert version.figures["failed"] == 1
    assert PendingProduct.objects.get().product_key == str(bad.pk)


def test_changes_during_a_build_reach_both_versions(catalogue):
    live = versions.ensure_live_version()
    begun = building.begin()
    Product.objects.filter(pk=catalogue[0].pk).update(name="Changed")
    PendingProduct.objects.all().delete()
    outbox.enqueue([catalogue[0]])
    outbox.drain()
    rows = ProductVectors.objects.filter(product=catalogue[0])
    assert set(rows.values_list("version_id", flat=True)) == {live.pk, begun.pk}
    assert rows.values("fingerprint").distinct().count() == 1


def test_promotion_switches_and_keeps_the_old_one(catalogue):
    first = versions.ensure_live_version()
    second = versions.build_version()
    assert versions.promote().pk == second.pk
    assert EncoderVersion.objects.live().pk == second.pk
    first.refresh_from_db()
    assert first.status == "retired"
    assert versions.rollback().pk == first.pk
    assert EncoderVersion.objects.filter(status="live").count() == 1


def test_a_version_with_few_vectors_is_refused(catalogue):
    versions.ensure_live_version()
    version = versions.build_version()
    ProductVectors.objects.of_version(version).filter(product=catalogue[0]).delete()
    told = r"4 of 5 \(80.0 %\) \(live 100.0 %\), wanted at least 95.0 %"
    with pytest.raises(VersionError, match=told):
        versions.promote(version)
    assert versions.promote(version, force=True).status == "live"
    assert str(catalogue[0].pk) in PendingProduct.objects.values_list("product_key", flat=True)


def test_a_version_without_its_index_is_refused_until_it_is_built(catalogue):
    versions.ensure_live_version()
    version = versions.build_version()
    indexes.drop_indexes(version)
    with pytest.raises(VersionError, match=r"(?s)fused missing, text missing.*builds them first"):
        versions.promote(version)
    versions.prepare(version)
    assert versions.promote(version).status == "live"


def test_a_version_whose_weights_are_gone_is_refused(catalogue, settings, monkeypatch):
    versions.ensure_live_version()
    version = versions.build_version()
    settings.SIMILARITY = similarity_settings(text={"salt": "x"})
    monkeypatch.setattr(HashEncoder, "weights", "+retrained")
    with pytest.raises(VersionError, match=r"text was hash-16-, now hash-16-\+retrained"):
        versions.promote(version)
    assert versions.promote(version, force=True).status == "live"


def test_rolling_back_catches_up_with_what_changed_since(catalogue):
    first = versions.ensure_live_version()
    versions.promote(versions.build_version())
    Product.objects.filter(pk=catalogue[1].pk).update(name="Changed since")
    pipeline.embed([str(catalogue[1].pk)])
    PendingProduct.objects.all().delete()
    assert versions.rollback().pk == first.pk
    assert PendingProduct.objects.get().product_key == str(catalogue[1].pk)


def test_rolling_back_again_goes_further_back_and_never_forward(catalogue):
    first = versions.ensure_live_version()
    second, third = versions.build_version(), None
    versions.promote(second)
    third = versions.build_version()
    versions.promote(third)
    assert [versions.rollback().pk, versions.rollback().pk] == [second.pk, first.pk]
    with pytest.raises(VersionError, match="nothing to roll back to"):
        versions.rollback()
    assert EncoderVersion.objects.live() == first


def test_promoting_by_number_what_was_rolled_back_from_is_a_step_like_any_other(catalogue):
    first = versions.ensure_live_version()
    second = versions.build_version()
    versions.promote(second)
    versions.rollback()
    versions.promote(second)
    assert versions.rollback().pk == first.pk
    versions.promote(second)
    versions.prepare(first)
    versions.promote(first)
    assert versions.rollback().pk == second.pk
    with pytest.raises(VersionError, match="nothing to roll back to"):
        versions.rollback()


def test_a_version_in_between_that_is_dropped_leaves_those_before_it(catalogue):
    first = versions.ensure_live_version()
    second = versions.build_version()
    versions.promote(second)
    versions.promote(versions.build_version())
    retiring.drop(second)
    assert versions.rollback().pk == first.pk


def test_rolling_back_looks_at_nothing_but_indexes(catalogue):
    """Somebody is in a hurry: the figures of what was live yesterday are not the question."""
    first = versions.ensure_live_version()
    versions.promote(versions.build_version())
    ProductVectors.objects.of_version(first).exclude(product=catalogue[0]).delete()
    indexes.drop_indexes(first)
    PendingProduct.objects.all().delete()
    with pytest.raises(VersionError, match=r"no valid index.*--force"):
        versions.rollback()
    assert versions.rollback(force=True).pk == first.pk
    assert PendingProduct.objects.count() == 4, "and the rest is embedded now"


def test_what_a_killed_promotion_left_is_caught_up_with_by_the_next_drain(catalogue, monkeypatch):
    first = versions.ensure_live_version()
    versions.promote(versions.build_version())
    Product.objects.filter(pk=catalogue[1].pk).update(name="Changed since")
    pipeline.embed([str(catalogue[1].pk)])
    PendingProduct.objects.all().delete()
    with monkeypatch.context() as killed:
        killed.setattr(versions, "catch_up", lambda version: 0)
        versions.rollback()
    assert not PendingProduct.objects.exists()
    outbox.enqueue([catalogue[0]])
    outbox.drain()
    row = ProductVectors.objects.of_version(first).get(product=catalogue[1])
    newest = ProductVectors.objects.filter(product=catalogue[1]).order_by("-encoded_at")[0]
    assert row.fingerprint == newest.fingerprint
    first.refresh_from_db()
    assert first.catches_up_with is None


def test_encoders_that_this_machine_lacks_are_no_reason_to_refuse(catalogue, monkeypatch):
    versions.ensure_live_version()
    version = versions.build_version()

    def lacking(self):
        raise EncoderError("torch is not installed")

    monkeypatch.setattr(HashEncoder, "signature", property(lacking))
    table = gate.table(versions.gate_of(version))
    assert "not known on this machine" in table
    assert versions.promote(version).status == "live"


def test_the_live_version_cannot_be_dropped(catalogue):
    with pytest.raises(VersionError, match="is live"):
        retiring.drop(versions.ensure_live_version())


def test_a_retired_version_keeps_its_vectors_and_loses_its_indexes(catalogue):
    live = versions.ensure_live_version()
    version = versions.build_version()
    retiring.retire(version)
    version.refresh_from_db()
    assert version.status == "retired"
    assert set(indexes.states(version).values()) == {"missing"}
    assert ProductVectors.objects.of_version(version).count() == 5
    assert maintained_ids() == {live.pk}
    versions.prepare(version)
    assert versions.promote(version).status == "live"


def test_the_version_kept_for_rolling_back_stays_ready_for_it(catalogue):
    first = versions.ensure_live_version()
    versions.promote(versions.build_version())
    retiring.retire(first)
    assert set(indexes.states(first).values()) == {"valid"}
    assert versions.rollback().pk == first.pk


def test_the_live_version_cannot_be_retired(catalogue):
    with pytest.raises(VersionError, match="is live"):
        retiring.retire(versions.ensure_live_version())


def test_a_version_that_never_was_live_is_dropped_before_the_one_to_roll_back_to(catalogue):
    """PostgreSQL sorts a missing time first; the daily clearing would drop the wrong one."""
    first = versions.ensure_live_version()
    versions.promote(versions.build_version())
    never = versions.build_version()
    retiring.retire(never)
    assert retiring.drop_retired(keep=1) == [never.pk]
    assert versions.rollback().pk == first.pk


def test_nothing_a_worker_needs_is_read_from_a_replica(catalogue, with_replica):
    """A replica lags: it may lack the outbox row, the promotion or the product itself."""
    with_replica()
    live = versions.ensure_live_version()
    outbox.enqueue([product.pk for product in catalogue], force=True)
    assert outbox.drain() == 5
    assert outbox.lag_s() == 0
    second = versions.build_version()
    assert versions.promote(second).pk == second.pk
    assert versions.rollback().pk == live.pk
    assert retiring.drop_retired(keep=0) == [second.pk]
    assert reconcile.reconcile().enqueued == 0


@pytest.mark.django_db(transaction=True)
def test_two_promotions_at_once_leave_one_live(catalogue):
    versions.ensure_live_version()
    ready = [versions.build_version(), versions.build_version()]
    start = threading.Barrier(2)

    def promote(version):
        try:
            start.wait()
            return versions.promote(version, force=True).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        promoted = list(pool.map(promote, ready))
    assert promoted == [version.pk for version in ready]
    assert EncoderVersion.objects.filter(status="live").count() == 1


def test_unknown_and_missing_versions_are_named(catalogue):
    with pytest.raises(VersionError, match="no version 999"):
        versions.promote(999)
    with pytest.raises(VersionError, match="similarity build'"):
        versions.promote()
    with pytest.raises(VersionError, match="nothing to roll back to"):
        versions.rollback()


@pytest.mark.django_db(transaction=True)
def test_only_one_process_builds(catalogue):
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [versions.LOCK])
        with pytest.raises(LockTaken, match="similarity build' is running"):
            versions.build_version()
        assert outbox.drain() == 0, "the worker leaves it to the one that is at it"
    finally:
        other.close()
    with advisory_lock(versions.LOCK, "default", wait_s=5):
        pass
