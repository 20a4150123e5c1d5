"""Checks, status and figures say what a live model lacks, with the command that mends it."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from similarity.api import gauges
from similarity.models import EncoderVersion
from similarity.shoppers import checks, status
from similarity.shoppers.models import ShopperModel

pytestmark = pytest.mark.django_db


def ids(messages):
    return [message.id for message in messages]


def told():
    return {one.name: one.values for one in gauges.read()}


def test_a_sound_live_model_has_no_message(shop, live):
    assert checks.check_live_models(databases=["default"]) == []
    assert status.report()["hints"] == []


def test_status_tells_of_the_live_model_and_of_none(shop, candidate, capsys):
    call_command("similarity", "status")
    assert "Shoppers   no model is live" in capsys.readouterr().out


def test_status_tells_age_items_and_erased_shoppers(shop, live, capsys):
    ShopperModel.objects.update(erased=3, window={"events": 1200, "shoppers": 300})
    call_command("similarity", "status")
    out = capsys.readouterr().out
    assert f"sequence model {live.pk} live since" in out
    assert "1200 events of 300 shoppers; 12 products have vectors; 3 shoppers erased since" in out


def test_an_old_model_is_told(shop, live):
    ShopperModel.objects.update(promoted_at=timezone.now() - timedelta(days=30))
    [hint] = status.report()["hints"]
    assert "30 days old" in hint
    assert "train-sequence" in hint


def test_damaged_weights_are_told_with_the_remedy(shop, live):
    ShopperModel.objects.update(weights=b"cut short")
    [message] = checks.check_live_models(databases=["default"])
    assert (message.id, "damaged" in message.msg) == ("similarity.W092", True)
    assert "train-sequence" in message.hint


def test_content_of_a_former_encoder_version_is_told(shop, live):
    EncoderVersion.objects.update(status="retired")
    EncoderVersion.objects.create(
        status="live", encoders={}, fusion=b"", weights={}, dimensions={"fused": 4}
    )
    [message] = checks.check_live_models(databases=["default"])
    assert "new products have no vector" in message.msg


def test_models_are_only_checked_with_their_database(shop, live):
    ShopperModel.objects.update(weights=b"cut short")
    assert checks.check_live_models(databases=None) == []


def test_a_cache_of_whole_pages_is_told(settings):
    assert checks.check_pages() == []
    settings.MIDDLEWARE = [checks.PAGE_CACHE, *settings.MIDDLEWARE]
    assert ids(checks.check_pages()) == ["similarity.W090"]


def test_templates_without_the_request_are_told(settings):
    options = {**settings.TEMPLATES[0]["OPTIONS"], "context_processors": []}
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "OPTIONS": options}]
    assert ids(checks.check_pages()) == ["similarity.W091"]


def test_figures_for_prometheus(shop, live):
    ShopperModel.objects.update(erased=2)
    found = told()
    assert found["shopper_model_erased"] == [({"kind": "sequence"}, 2.0)]
    assert found["shopper_model_items"] == [({"kind": "sequence"}, 12.0)]
    [(labels, age)] = found["shopper_model_age_seconds"]
    assert (labels, age >= 0) == ({"kind": "sequence"}, True)
