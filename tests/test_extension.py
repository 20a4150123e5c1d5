"""The contract between the core and optional apps: an app of ten lines takes part in everything."""

import pytest
from django.core.management import call_command

from similarity import Extension, extension
from similarity.connections.metrics_export import Gauge
from similarity.outbox import draining
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]


class Seen(Extension):
    """An app that counts what it was called for."""

    def __init__(self):
        self.titles, self.calls = [], []

    def write(self, contents, read_at):
        self.titles += [content.title for content in contents]

    def outbox_is_empty(self):
        self.calls.append("empty")

    def version_is_built(self, version):
        self.calls.append("built")

    def version_goes_live(self, alias):
        self.calls.append("live")

    def status(self):
        return {"seen": len(self.titles)}

    def status_lines(self, report):
        return [f"Seen       {report['seen']}"]

    def gauges(self):
        yield Gauge("seen", "Products seen.", [({}, float(len(self.titles)))])


@pytest.fixture
def seen(monkeypatch):
    monkeypatch.setattr(extension, "_registered", dict(extension._registered))
    extension.register_extension(app := Seen())
    return app


def test_it_writes_with_the_vectors_and_hears_of_versions(seen, make_product):
    make_product(name="Red mug")
    draining.drain()
    assert seen.titles == ["Red mug"]
    assert seen.calls == ["live", "empty"]
    lifecycle.promote(lifecycle.build_version())
    assert seen.calls == ["live", "empty", "built", "live"]


def test_what_it_raises_keeps_the_product_in_the_outbox(seen, make_product, monkeypatch):
    make_product()
    lifecycle.ensure_live_version()

    def broken(contents, read_at):
        raise ValueError("no room left")

    monkeypatch.setattr(seen, "write", broken)
    draining.drain()
    assert draining.counts().waiting == 1


def test_status_and_figures_hold_what_it_says(seen, make_product, capsys):
    from similarity.api import gauges

    make_product()
    draining.drain()
    call_command("similarity", "status")
    assert "Seen       1" in capsys.readouterr().out
    assert [one.values for one in gauges.read() if one.name == "seen"] == [[({}, 1.0)]]


def test_registering_twice_is_registering_once(seen):
    before = len(extension.extensions())
    extension.register_extension(Seen())
    assert len(extension.extensions()) == before
