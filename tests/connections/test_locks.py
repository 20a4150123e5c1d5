"""Advisory locks between processes."""

import pytest
from django.db import DatabaseError, connection, transaction

from similarity.connections import locks
from similarity.connections.locks import advisory_lock, living_owners, owner

pytestmark = pytest.mark.django_db


def held():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks "
            "WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def test_a_lock_ends_with_its_block():
    before = held()
    with advisory_lock("test", "default"):
        assert held() == before + 1
    assert held() == before


def test_an_error_of_the_database_leaves_no_lock_behind():
    """A session that lives on, as web processes' do, would keep every other process out."""
    before = held()

    def fail():
        with advisory_lock("test", "default"), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")

    with pytest.raises(DatabaseError, match="nonsense"):
        transaction.atomic(fail)()
    assert held() == before


def test_an_owner_lives_as_long_as_its_session():
    """Leases are signed with it: one that outlived its process would hold them back."""
    with owner("default") as number:
        assert number in living_owners("default")
    assert number not in living_owners("default")


@pytest.mark.django_db(transaction=True)
def test_an_owner_whose_connection_is_cut_is_dead_at_once():
    other = connection.copy()
    try:
        with owner("default") as number:
            with other.cursor() as cursor:
                cut = [connection.connection.info.backend_pid]
                cursor.execute("SELECT pg_terminate_backend(%s, 20000)", cut)  # waits for its end
                assert cursor.fetchone() == (True,)
            connection.close()
            assert number not in living_owners("default")
    finally:
        other.close()


def test_behind_a_pooler_nobody_is_an_owner(monkeypatch):
    """Its sessions neither end with the process nor last as long as it does."""
    monkeypatch.setattr(locks, "_is_pooled", lambda alias: True)
    with owner("default") as number:
        assert number is None
