"""manage.py similarity embed, run as a shop runs it."""

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from similarity.models import PendingProduct, ProductVectors
from similarity.outbox import draining
from similarity.subcommands import embed
from similarity.vectors import heartbeats
from similarity.versions import lifecycle
from tests.encoders_fake import HashEncoder
from tests.fixtures_indexing import fake_encoders, wakeups  # noqa: F401
from tests.host.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders", "wakeups")]


@pytest.fixture
def products(make_product):
    made = [make_product() for _ in range(3)]
    PendingProduct.objects.all().delete()
    return made


def pending():
    return set(PendingProduct.objects.values_list("product_key", flat=True))


def test_the_whole_catalogue_is_marked(products, capsys):
    call_command("similarity", "embed")
    assert pending() == {str(product.pk) for product in products}
    assert "3 products marked" in capsys.readouterr().out


def test_given_keys_are_marked_and_forced(products):
    call_command("similarity", "embed", str(products[0].pk), "--force")
    assert pending() == {str(products[0].pk)}
    assert PendingProduct.objects.get().force


def test_only_what_changed_unseen_is_marked(products):
    call_command("similarity", "embed", "--now")
    Product.objects.filter(pk=products[1].pk).update(name="Changed by SQL")
    HashEncoder.calls = 0
    call_command("similarity", "embed", "--changed-only")
    assert pending() == {str(products[1].pk)}
    assert HashEncoder.calls == 0


def test_now_needs_no_worker(products, capsys):
    call_command("similarity", "embed", "--now")
    assert ProductVectors.objects.count() == 3
    assert "All embedded" in capsys.readouterr().out


def test_a_product_that_fails_ends_the_command_with_its_error(products, make_product):
    bad = make_product(name="poison")
    with pytest.raises(CommandError, match=rf"1 product.*product {bad.pk}.*cannot be encoded"):
        call_command("similarity", "embed", "--now")
    assert ProductVectors.objects.count() == 3


def test_a_key_of_the_wrong_kind_is_named(products):
    with pytest.raises(CommandError, match=r"No primary key of a product.*must be an integer"):
        call_command("similarity", "embed", "shoe", "--now")


def test_ctrl_c_says_how_to_go_on(products, monkeypatch, capsys):
    def interrupt(**kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(draining, "drain", interrupt)
    with pytest.raises(SystemExit) as stopped:
        call_command("similarity", "embed", "--now")
    assert stopped.value.code == 130
    assert "embed --wait" in capsys.readouterr().err
    assert len(pending()) == 3


def test_waiting_without_a_worker_ends_in_time(products, monkeypatch, capsys):
    monkeypatch.setattr(embed, "SILENCE_S", 0.1)
    with pytest.raises(CommandError, match=r"3 products are not embedded after 0\.6 s"):
        call_command("similarity", "embed", "--wait", "--timeout", "0.6")
    assert "No worker was seen" in capsys.readouterr().err


@pytest.mark.django_db(transaction=True)
def test_waiting_follows_a_worker_to_the_end(products, capsys):
    lifecycle.ensure_live_version()

    def work():
        try:
            draining.drain()
        finally:
            connection.close()

    worker = threading.Timer(0.3, work)
    worker.start()
    call_command("similarity", "embed", "--wait", "--force", "--timeout", "120")
    worker.join()
    assert ProductVectors.objects.count() == 3
    assert "All embedded" in capsys.readouterr().out


def test_waiting_shows_that_a_worker_is_learning_first(products, monkeypatch, capsys):
    learning = {"seen_at": 0.0, "device": "", "doing": "learn", "done": 1, "total": 3}
    monkeypatch.setattr(embed.heartbeats, "seen", lambda: {"host": learning})
    with pytest.raises(CommandError, match="not embedded"):
        call_command("similarity", "embed", "--wait", "--timeout", "0.1")
    assert "learn:  33%" in capsys.readouterr().err


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        call_command("similarity", "embed", "--help")
    assert "manage.py similarity embed --changed-only" in capsys.readouterr().out


def test_waiting_goes_on_without_the_cache(products, monkeypatch):
    """The cache only tells which workers are alive; the outbox tells what is done."""

    def down():
        raise ConnectionError("refused")

    monkeypatch.setattr(heartbeats, "seen", down)
    with pytest.raises(CommandError, match="3 products are not embedded"):
        call_command("similarity", "embed", "--wait", "--timeout", "0.1")


def test_a_key_no_product_has_is_named(products):
    with pytest.raises(CommandError, match=r"There is no product 987654; no product was marked"):
        call_command("similarity", "embed", str(products[0].pk), "987654", "--now")
    assert pending() == set()


def test_one_product_is_one_product(products, capsys):
    call_command("similarity", "embed", str(products[0].pk))
    assert "1 product marked." in capsys.readouterr().out


def test_a_timeout_belongs_to_wait(products):
    with pytest.raises(CommandError, match="--timeout needs --wait"):
        call_command("similarity", "embed", "--timeout", "3")
