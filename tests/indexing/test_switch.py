"""Versions are switched under load: no request fails, none is answered by two versions at once."""

import time

import pytest

from benchmarks import switch_load as load
from similarity.models import EncoderVersion
from similarity.similar.shelves import similar_to
from similarity.versions import lifecycle
from tests.encoders_fake import similarity_settings
from tests.host.models import Product
from tests.web_process import web

SWITCHES = 12

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def products(make_product):
    words = ["oak", "steel", "linen", "wool", "glass", "felt"]
    return [
        make_product(name=f"{first} {second} {number}")
        for number, (first, second) in enumerate((a, b) for a in words for b in words)
    ]


def answers():
    """Product → its hits, of the version that is live."""
    keys = Product.objects.values_list("pk", flat=True)
    return {key: [int(hit.key) for hit in similar_to(key, load.LIMIT)] for key in keys}


def more_answers(shoppers):
    """Wait until the shoppers have had some more: on a busy machine in more than a quarter second.

    Each of the four has asked anew since, so that the version of now answers too.
    """
    before, began = len(shoppers.answers), time.monotonic()
    while len(shoppers.answers) < before + 8 or time.monotonic() - began < 0.25:
        assert time.monotonic() - began < 60, shoppers.errors[:3]
        time.sleep(0.02)


def test_no_request_fails_while_versions_are_switched(products, settings, tmp_path):
    first = lifecycle.ensure_live_version()
    expected = {first.pk: answers()}
    settings.SIMILARITY = similarity_settings(
        text={"size": 40, "salt": "other"}, dimensions={"text": 30, "attributes": 16}
    )
    second = lifecycle.build_version()
    assert second.dimensions["fused"] != first.dimensions["fused"]
    lifecycle.promote(second)
    expected[second.pk] = answers()
    assert expected[first.pk] != expected[second.pk]
    lifecycle.rollback()
    pages = {product.pk: product.get_absolute_url() for product in products}
    taken_s = []
    with web(tmp_path) as port, load.Shoppers(port, pages) as shoppers:
        for turn in range(SWITCHES):
            more_answers(shoppers)
            began = time.monotonic()
            if turn % 2:
                lifecycle.rollback()
            else:
                lifecycle.promote(second)
            taken_s.append(time.monotonic() - began)
        more_answers(shoppers)
    assert load.faults(shoppers, expected) == []
    told = {one.version for one in shoppers.answers if one.kind == "api"}
    assert told == {first.pk, second.pk}, "both answered, or nothing was shown"
    assert sum(one.kind == "page" for one in shoppers.answers) > 20
    typical_s = sorted(taken_s)[SWITCHES // 2]
    assert typical_s < 1, "a switch is one row, and rolling back takes no second"
    assert EncoderVersion.objects.live() == first
