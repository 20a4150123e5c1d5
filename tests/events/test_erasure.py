"""Erasing leaves nothing, exporting leaves nothing out, and both concern one shopper alone."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from similarity import Extension, extension
from similarity.events import erasure, partitions
from similarity.events.models import Event, Kind, Profile
from similarity.events.new_event import NewEvent
from similarity.events.recording import write
from tests.databases import current_address
from tests.events import traces
from tests.events.shoppers import anonymous, happen

OLD = datetime(2021, 12, 15, tzinfo=UTC)


class Notes(Extension):
    """An app that keeps a note on each shopper in the cache."""

    def export_profile(self, profile_id, using):
        return {"note": cache.get(f"note:{profile_id}")}

    def erase_profile(self, profile_id, using):
        cache.delete(f"note:{profile_id}")


@pytest.fixture
def notes(monkeypatch):
    monkeypatch.setattr(extension, "_registered", dict(extension._registered))
    extension.register_extension(Notes())


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_in_any_table_cache_or_dump(make_product, notes):
    ann, ben = anonymous("a"), anonymous("b")
    marker = "widget-of-ann-4711"
    partitions.create(OLD, OLD, "default")
    try:
        shirt = make_product()
        happen(ann, shirt, token=marker)
        happen(ann, shirt, at=OLD, value="47110815.00", currency="EUR")
        happen(ben, shirt, token="of-ben")
        cache.set(f"note:{ann.pk}", marker, timeout=None)
        texts = [str(ann.pk), ann.pseudonym, marker, "47110815"]
        # The search finds each of them before: a test of the test.
        assert {found.partition(": ")[2] for found in traces.of_database(texts)} == set(texts)
        assert set(traces.of_dump(texts)) == set(texts)
        assert set(traces.of_cache(texts)) == {str(ann.pk), marker}

        assert erasure.erase(ann) == 2

        assert traces.of_database(texts) == []
        assert traces.of_dump(texts) == []
        assert traces.of_cache(texts) == []
        assert Event.objects.get().token == "of-ben"
        assert Profile.objects.get() == ben
    finally:
        partitions.drop(OLD + timedelta(days=50), "default")


@pytest.mark.django_db
def test_erasing_twice_is_erasing_once(make_product):
    ann = anonymous()
    happen(ann, make_product())
    assert erasure.erase(ann) == 1
    assert erasure.erase(ann) == 0


@pytest.mark.django_db
def test_a_faulty_app_leaves_all_rather_than_half(make_product, notes, monkeypatch):
    def broken(self, profile_id, using):
        raise OSError("the disk is full")

    monkeypatch.setattr(Notes, "erase_profile", broken)
    ann = anonymous()
    happen(ann, make_product())
    with pytest.raises(OSError, match="disk"):
        erasure.erase(ann)
    assert Event.objects.filter(profile=ann).count() == 1
    assert Profile.objects.filter(pk=ann.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("delete", ["instance", "queryset"])
def test_events_go_with_their_user(make_product, notes, delete):
    user = User.objects.create_user("ann")
    ann = Profile.objects.create(user=user)
    happen(ann, make_product())
    cache.set(f"note:{ann.pk}", "seen")
    user.delete() if delete == "instance" else User.objects.filter(pk=user.pk).delete()
    assert not Event.objects.exists()
    assert not Profile.objects.exists()
    assert cache.get(f"note:{ann.pk}") is None


@pytest.mark.django_db
def test_a_failure_never_stops_the_host_from_deleting_a_user(
    make_product, notes, monkeypatch, caplog
):
    def broken(self, profile_id, using):
        raise OSError("the disk is full")

    user = User.objects.create_user("ann")
    happen(Profile.objects.create(user=user), make_product())
    with monkeypatch.context() as patched:
        patched.setattr(Notes, "erase_profile", broken)
        user.delete()
    assert not User.objects.exists()
    assert "by night" in caplog.text
    assert Event.objects.count() == 1  # rolled back as a whole
    assert erasure.sweep("default") == 1
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_a_user_deleted_by_raw_sql_takes_the_profile_and_by_night_the_events(make_product):
    user = User.objects.create_user("ann")
    ben = anonymous("b")
    happen(Profile.objects.create(user=user), make_product())
    happen(ben, make_product())
    Event.objects.create(at=timezone.now(), kind=Kind.SEARCH, query="lamp")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM auth_user WHERE id = %s", [user.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert Profile.objects.get() == ben
    assert erasure.sweep("default") == 1
    assert {event.profile_id for event in Event.objects.all()} == {ben.pk, None}
    assert erasure.sweep("default") == 0


@pytest.mark.django_db
def test_export_holds_every_event_and_app_as_json(make_product, notes):
    shirt, hidden = make_product(name="Linen shirt"), make_product(is_active=False, name="Secret")
    ann, ben = anonymous("a"), anonymous("b")
    happen(ann, shirt, Kind.ADD_TO_CART, minutes=5, quantity=2, value="20.00", currency="EUR")
    happen(ann, hidden, Kind.NOT_INTERESTED)
    gone = make_product()
    happen(ann, gone, minutes=9)
    gone.delete()
    happen(ben, shirt, token="of-ben")
    cache.set(f"note:{ann.pk}", "likes linen")

    exported = json.loads(json.dumps(erasure.export(ann)))

    assert exported["note"] == "likes linen"
    assert exported["signed_in"] is False
    assert exported["consented_at"] == ann.consented_at.isoformat()
    assert exported["preferences"] == {"personal": True, "reasons": True}
    assert [(event["type"], event["title"]) for event in exported["events"]] == [
        ("not_interested", None),  # its title is no longer public
        ("add_to_cart", "Linen shirt"),
        ("view", None),
    ]
    bought = exported["events"][1]
    assert bought["product"] == str(shirt.pk)
    assert (bought["quantity"], bought["value"], bought["currency"]) == (2, "20.00", "EUR")
    assert str(ann.pk) not in json.dumps(exported)
    assert "of-ben" not in json.dumps(exported)


@pytest.mark.django_db
def test_events_of_one_product_are_erased_alone(make_product):
    shirt, lamp = make_product(), make_product()
    ann, ben = anonymous("a"), anonymous("b")
    for who, product in ((ann, shirt), (ann, shirt), (ann, lamp), (ben, shirt)):
        happen(who, product)
    assert erasure.erase_events(ann, shirt.pk) == 2
    left = set(Event.objects.values_list("profile_id", "product_id"))
    assert left == {(ann.pk, lamp.pk), (ben.pk, shirt.pk)}


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_written_at_the_same_moment_is_erased_too(make_product):
    """The writer has locked the profile and not committed; the erasure waits for it."""
    ann, shirt = anonymous(), make_product()
    with ThreadPoolExecutor(1) as threads, psycopg.connect(current_address()) as writer:
        writer.execute("SELECT FROM similarity_profile WHERE id = %s FOR KEY SHARE", [ann.pk])
        erased = threads.submit(in_own_connection, erasure.erase, ann)
        wait_for_lock()
        writer.execute(
            "INSERT INTO similarity_event (at, id, profile_id, kind, product_id, quantity, "
            "currency, query, token, by_server) VALUES (now(), 1, %s, 1, %s, 1, '', '', '', false)",
            [ann.pk, shirt.pk],
        )
        writer.commit()
        assert erased.result(timeout=10) == 1
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_that_comes_while_it_is_erased_is_not_kept(make_product):
    ann, shirt = anonymous(), make_product()
    event = NewEvent(Kind.VIEW, timezone.now(), shirt.pk)
    with ThreadPoolExecutor(1) as threads, psycopg.connect(current_address()) as eraser:
        eraser.execute("SELECT FROM similarity_profile WHERE id = %s FOR UPDATE", [ann.pk])
        eraser.execute("DELETE FROM similarity_profile WHERE id = %s", [ann.pk])
        written = threads.submit(in_own_connection, write, ann, [event], uuid.uuid4())
        wait_for_lock()
        eraser.commit()
        assert written.result(timeout=10).rows == 0
    assert not Event.objects.exists()


def in_own_connection(call, *args):
    try:
        return call(*args)
    finally:
        connection.close()


def wait_for_lock():
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("no session waits for a lock")
