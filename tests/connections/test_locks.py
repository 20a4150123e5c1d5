"""Advisory locks between processes."""

import pytest
from django.db import DatabaseError, connection, transaction

from similarity.connections.locks import advisory_lock

pytestmark = pytest.mark.django_db


def held():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
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
