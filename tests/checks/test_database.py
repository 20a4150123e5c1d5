"""What the database must have before ``migrate``, and what it may have lost since."""

import pytest
from django.core.management import call_command
from django.db import connection

from similarity.checks import database
from similarity.checks.database import check_database
from similarity.exceptions import ConfigurationError
from similarity.models import EncoderVersion, extensions
from similarity.models.extensions import ExtensionState, create_extensions, extension_states
from similarity.operations import status
from similarity.outbox import draining
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

READY = ExtensionState("vector", "0.8.6", "public", True, True)


def messages(monkeypatch, *states):
    monkeypatch.setattr(database, "extension_states", lambda alias: list(states))
    return check_database(databases=["default"])


@pytest.mark.parametrize("name", ["vector", "pg_trgm", "unaccent"])
def test_an_extension_that_the_server_lacks_is_named(monkeypatch, name):
    absent = ExtensionState(name, None, None, True, False)
    (error,) = messages(monkeypatch, absent)
    assert error.id == "similarity.E033"
    assert name in error.msg


def test_a_pgvector_too_old_is_named(monkeypatch):
    (error,) = messages(monkeypatch, READY._replace(version="0.7.4"))
    assert error.id == "similarity.E034"
    assert "0.7.4" in error.msg


def test_what_the_role_may_not_install_is_said_as_sql_before_migrate(monkeypatch):
    denied = [ExtensionState(name, "1.6", None, True, False) for name in ("pg_trgm", "unaccent")]
    (warning,) = messages(monkeypatch, READY, *denied)
    assert warning.id == "similarity.W070"
    assert "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE EXTENSION IF NOT EXISTS unaccent;" in (
        warning.hint
    )


def test_an_extension_out_of_sight_is_named_with_its_schema(monkeypatch):
    hidden = ExtensionState("unaccent", "1.1", "tools", False, True)
    (error,) = messages(monkeypatch, READY, hidden)
    assert error.id == "similarity.E071"
    assert "tools" in error.msg


def test_the_database_tells_its_extensions():
    states = {state.name: state for state in extension_states("default")}
    assert set(states) == set(extensions.extension_names())
    assert all(state.schema and state.visible and state.version for state in states.values())


@pytest.fixture
def others(monkeypatch):
    """Extensions that PostgreSQL brings and that the tests' database has not."""
    monkeypatch.setattr(extensions, "extension_names", lambda: ["vector", "citext", "seg"])


def test_all_that_is_missing_is_made_at_once(others):
    create_extensions("default")
    assert all(state.schema for state in extension_states("default"))


def test_a_role_without_the_right_is_told_what_an_administrator_runs(others):
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE similarity_nobody")
        cursor.execute("SET LOCAL ROLE similarity_nobody")
    states = {state.name: state.creatable for state in extension_states("default")}
    assert states == {"vector": False, "citext": False, "seg": False}
    with pytest.raises(ConfigurationError, match=r"IF NOT EXISTS citext; .*EXISTS seg;"):
        create_extensions("default")


def test_indexes_and_cells_that_a_restore_lacks_are_told(
    fake_encoders,  # noqa: F811
    make_product,
    settings,
    monkeypatch,
):
    monkeypatch.setattr("similarity.cells.upkeep.CELLS_FROM", 5)
    for at in range(12):
        make_product(name=f"red mug {at}")
    live = lifecycle.ensure_live_version()
    draining.drain()
    lifecycle.promote(lifecycle.build_version())
    live = EncoderVersion.objects.live()
    assert check_database(databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^similarity_cells_'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {name}")
    (warning,) = check_database(databases=["default"])
    assert warning.id == "similarity.W072"
    assert f"promote {live.pk}" in warning.hint
    assert any(f"promote {live.pk}" in hint for hint in status.report()["hints"])
    product = make_product(name="red mug 99")
    draining.drain()
    assert draining.counts().waiting == 0, f"{product} is embedded without cells"
    call_command("similarity", "promote", str(live.pk), verbosity=0)
    assert check_database(databases=["default"]) == []
