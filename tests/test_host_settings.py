"""Settings of the host that reach everywhere: times without zones, a read replica that lags."""

import traceback

import pytest
from django.db import connections

from tests.fixtures_indexing import wakeups  # noqa: F401 - a fixture
from tests.fixtures_walk import walk  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


def steps_of(walk):  # noqa: F811
    yield from walk.tasks()
    yield from walk.commands()
    yield from walk.admin_pages()
    yield from walk.saves()


def test_times_without_zones(request, settings, caplog, wakeups):  # noqa: F811
    settings.USE_TZ, settings.TIME_ZONE = False, "America/New_York"
    walk = request.getfixturevalue("walk")  # noqa: F811
    walk.fill()
    failed = {}
    for name, step in steps_of(walk):
        try:
            step()
        except Exception:  # noqa: BLE001 - each step is reported
            failed[name] = traceback.format_exc(limit=-3)
    assert not failed, "\n".join(f"{name}: {error}" for name, error in failed.items())
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


class LaggingReplica:
    """Reads go to a copy that has none of the rows that the test writes."""

    def db_for_read(self, model, **hints):
        return "replica" if model._meta.app_label in ("similarity", "shop") else "default"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, first, second, **hints):
        return True

    def allow_migrate(self, db, app_label, **hints):
        return db == "default"


@pytest.fixture
def replica(settings, monkeypatch):
    """Statements that the replica was asked, once ``replica.begin()`` was called."""
    own = {**connections.settings["default"], "NAME": connections["default"].settings_dict["NAME"]}
    monkeypatch.setitem(connections.settings, "replica", own)
    asked: list[str] = []

    def note(execute, sql, parameters, many, context):
        stack = [line for line in traceback.format_stack() if "/similarity/" in line]
        asked.append(f"{sql[:200]}\n{''.join(stack[-3:])}")
        return execute(sql, parameters, many, context)

    copy = connections["replica"]
    # Django lets a test use the databases only that settings had when it began.
    copy.ensure_connection = lambda: copy.connection or copy.connect()
    copy.execute_wrappers.append(note)
    yield asked
    copy.close()
    del connections["replica"]


def test_workers_commands_and_admin_read_where_they_write(
    walk,  # noqa: F811
    replica,
    settings,
    wakeups,  # noqa: F811
):
    """On a replica that lags a worker would miss what it was woken for."""
    walk.fill()
    settings.DATABASE_ROUTERS = [LaggingReplica()]
    wrong = {}
    for name, step in steps_of(walk):
        try:
            step()
        except Exception:  # noqa: BLE001 - each step is reported
            wrong[name] = traceback.format_exc(limit=-4)
        if replica:
            wrong[name] = wrong.get(name, "") + "".join(replica)
            replica.clear()
    assert not wrong, "\n".join(f"{name}: {found}" for name, found in wrong.items())
