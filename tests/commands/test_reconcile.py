"""manage.py similarity reconcile, run as a shop runs it."""

import json

import pytest
from django.core.management import CommandError, call_command

from similarity.connections import locks
from similarity.models import PendingProduct
from similarity.outbox import draining, reconcile
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders, wakeups  # noqa: F401
from tests.host.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders", "wakeups")]


@pytest.fixture
def changed(make_product):
    made = [make_product() for _ in range(3)]
    lifecycle.ensure_live_version()
    draining.drain()
    Product.objects.filter(pk=made[0].pk).update(name="Changed by SQL")
    return made


def test_a_round_is_told_in_words(changed, capsys):
    call_command("similarity", "reconcile")
    out, err = capsys.readouterr()
    assert "3 products compared: 1 stale, 0 missing, 0 orphaned; 1 enqueued" in out
    assert "100%" in err
    assert PendingProduct.objects.count() == 1


def test_and_as_json(changed, capsys):
    call_command("similarity", "reconcile", "--json", "--dry-run")
    told = json.loads(capsys.readouterr().out)
    assert (told["checked"], told["stale"], told["enqueued"]) == (3, 1, 0)
    assert told["finished"]
    assert not PendingProduct.objects.exists()


def test_a_budget_is_told_and_gone_on_with(changed, capsys, monkeypatch):
    monkeypatch.setattr(reconcile, "PAGE", 1)
    call_command("similarity", "reconcile", "--budget", "0", "--rate", "1000")
    assert "run it again to resume" in capsys.readouterr().out
    call_command("similarity", "reconcile", "--restart")
    assert "3 products compared" in capsys.readouterr().out


def test_a_rate_of_nothing_is_refused(changed):
    with pytest.raises(CommandError, match="--rate is 0"):
        call_command("similarity", "reconcile", "--rate", "0")


def test_two_at_once_are_refused_in_words(changed, monkeypatch):
    monkeypatch.setattr(locks, "_ask", lambda alias, function, name: name != reconcile.LOCK)
    for command in (["similarity", "reconcile"], ["similarity", "embed", "--changed-only"]):
        with pytest.raises(CommandError, match="Another process reconciles"):
            call_command(*command)


def test_ctrl_c_says_how_to_go_on(changed, monkeypatch, capsys):
    def interrupt(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr(reconcile, "reconcile", interrupt)
    with pytest.raises(SystemExit) as stopped:
        call_command("similarity", "reconcile")
    assert stopped.value.code == 130
    assert "resumes the round" in capsys.readouterr().err
