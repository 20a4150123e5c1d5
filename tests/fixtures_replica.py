"""A read replica that answers nobody: what must not be read there fails."""

import pytest
from django.db import connections


class ReplicaRouter:
    def db_for_read(self, model, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, first, second, **hints):
        return True


@pytest.fixture
def with_replica(settings, monkeypatch):
    """Call it once the test's rows are made: from then on routers send reads to the replica."""
    nobody_listens = {**connections.settings["default"], "HOST": "127.0.0.1", "PORT": "1"}
    monkeypatch.setitem(connections.settings, "replica", nobody_listens)

    def switch():
        settings.DATABASE_ROUTERS = [ReplicaRouter()]

    _made = connections["replica"]  # so that there is one to delete
    yield switch
    del connections["replica"]
