"""What the database may take over a page, and that nothing of it is left behind."""

import time
from contextlib import nullcontext

import pytest
from django.db import DatabaseError, DataError, OperationalError, connection, transaction

from similarity.search.budget import Budget
from similarity.search.models import SearchDocument, SearchValue
from similarity.similar.planner_settings import local_settings
from tests.configure import with_settings

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[True, False], ids=["in a transaction", "by itself"])
def database(transactional_db, request):
    """Queries in a transaction of the host's, and each by itself."""
    with transaction.atomic() if request.param else nullcontext():
        yield


def asked(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def timeout():
    return asked("SHOW statement_timeout")


def test_a_step_that_takes_too_long_is_ended_and_leaves_the_database_usable(database):
    short = Budget(50)
    started = time.monotonic()
    assert short.attempt("default", lambda: asked("SELECT pg_sleep(20)"), "nothing") == "nothing"
    assert time.monotonic() - started < 10
    assert short.late
    assert SearchDocument.objects.count() == 0


def test_the_settings_are_those_of_the_step_alone(database):
    """A host whose own queries ended after ours would lose its checkout to a search."""
    before = timeout()
    found = Budget(30_000).attempt("default", lambda: (timeout(), asked("SHOW jit")), None)
    assert found[0] not in ("0", before)
    assert found[1] == "off"
    assert timeout() == before


def test_each_query_has_what_is_left_of_the_time(database):
    def step():
        asked("SELECT pg_sleep(0.2)")
        return asked("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'")

    assert Budget(10_000).attempt("default", step, None) < 9_900


def test_a_step_may_use_transactions_of_its_own(database):
    """Plans by vector set more; a savepoint of theirs is not mistaken for the step's."""

    def step():
        with local_settings("default", {"enable_seqscan": "off"}):
            return asked("SHOW enable_seqscan"), timeout() != "0"

    assert Budget(30_000).attempt("default", step, None) == ("off", True)
    assert asked("SHOW enable_seqscan") == "on"


def test_an_error_within_a_savepoint_of_the_step_is_left_to_it(database):
    def step():
        try:
            with transaction.atomic():
                asked("SELECT 1 / 0")
        except DataError as error:
            return type(error).__name__, asked("SELECT 2")

    assert Budget(30_000).attempt("default", step, None) == ("DataError", 2)
    assert asked("SELECT 3") == 3


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        (lambda: list(SearchDocument.objects.filter(title="a\0b")), "NUL"),  # it is never sent
        (lambda: asked("SELEC 1"), "syntax error"),  # its message is not run at all
    ],
)
def test_a_first_query_that_cannot_run_fails_by_itself(database, fails, error):
    """A search within a queryset of the host's that is broken would abort its transaction."""
    with pytest.raises(DatabaseError, match=error):
        Budget(30_000).attempt("default", fails, None)
    assert asked("SELECT 4") == 4


def test_a_step_may_read_through_a_cursor_that_the_server_keeps(database):
    """DECLARE … CURSOR FOR takes one query; its time is not bounded."""
    SearchValue.objects.create(name="colour", value="navy", words="navy")
    step = lambda: [value.words for value in SearchValue.objects.iterator()]  # noqa: E731
    assert Budget(30_000).attempt("default", step, None) == ["navy"]
    assert timeout() == "0"


def test_of_a_connection_that_breaks_the_first_error_is_told(transactional_db):
    """That no savepoint is there to go back to would hide who ended the connection."""
    ended = lambda: asked("SELECT pg_terminate_backend(pg_backend_pid())")  # noqa: E731
    with pytest.raises(OperationalError, match="administrator"), transaction.atomic():
        Budget(30_000).attempt("default", ended, None)


def test_where_the_driver_binds_on_the_server_settings_are_messages_of_their_own(monkeypatch):
    """It takes one statement in a message."""
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "server_side_binding", True)
    before = timeout()
    assert Budget(30_000).attempt("default", timeout, None) not in ("0", before)
    assert timeout() == before


def test_after_the_time_no_step_is_begun():
    over = Budget(0)
    step = lambda: pytest.fail("it was begun")  # noqa: E731 - never called
    assert over.attempt("default", step, "nothing") == "nothing"
    assert over.late


def test_another_error_is_no_lack_of_time():
    def broken():
        raise OperationalError("the server went away")

    with pytest.raises(OperationalError):
        Budget(1000).attempt("default", broken, None)


def test_the_wait_for_a_worker_does_not_count():
    limited = Budget(1000)
    with limited.paused():
        time.sleep(1.1)
    assert limited.attempt("default", lambda: "begun", "over") == "begun"


def test_no_limit(settings):
    settings.SIMILARITY = with_settings(SEARCH={"TIME_LIMIT_MS": None})
    unlimited = Budget.configured()
    assert unlimited.attempt("default", timeout, None) == timeout()
