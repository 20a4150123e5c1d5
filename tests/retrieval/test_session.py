"""Settings for one query: they hold for it, and for nothing after it."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from similarity.similar.planner_settings import fetch_under

SETTINGS = {"enable_sort": "off", "hnsw.ef_search": "321"}
SHOWN = "SELECT current_setting('enable_sort'), current_setting('hnsw.ef_search', true), %s"


def now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT '[1]'::vector")  # loads the extension, whose settings then exist
        cursor.execute(SHOWN, ["after"])
        return cursor.fetchone()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_is_one_message():
    before = now()
    with CaptureQueriesContext(connection) as queries:
        assert fetch_under("default", SETTINGS, SHOWN, ["x%"]) == [("off", "321", "x%")]
    assert len(queries) == 1
    assert now() == before
    assert connection.get_autocommit()


@pytest.mark.django_db(transaction=True)
def test_an_error_leaves_the_connection_as_it_was():
    before = now()
    with pytest.raises(DatabaseError, match="division by zero"):
        fetch_under("default", SETTINGS, "SELECT 1 / %s", [0])
    assert now() == before


@pytest.mark.django_db(transaction=True)
def test_inside_the_hosts_transaction_its_values_are_put_back():
    with transaction.atomic():
        before = now()
        assert fetch_under("default", SETTINGS, SHOWN, ["x"]) == [("off", "321", "x")]
        assert now() == before
        with pytest.raises(DatabaseError, match="division by zero"):
            fetch_under("default", SETTINGS, "SELECT 1 / %s", [0])
        assert now() == before, "the host's transaction goes on"


@pytest.mark.django_db(transaction=True)
def test_with_parameters_bound_by_the_server_it_takes_a_transaction(monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "server_side_binding", True)
    with CaptureQueriesContext(connection) as queries:
        assert fetch_under("default", SETTINGS, SHOWN, ["x"]) == [("off", "321", "x")]
    assert len(queries) > 1
