"""A model with another dimension goes through its whole life beside the one it replaces."""

import numpy as np
import pytest

from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.outbox import draining
from similarity.search import queries
from similarity.search.meaning import meaning_of
from similarity.similar.shelves import similar_to
from similarity.similar.within import Within
from similarity.versions import gate, lifecycle
from tests.encoders_fake import similarity_settings
from tests.host.models import Product

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = {"text": {"size": 40, "salt": "other"}, "dimensions": {"text": 30, "attributes": 16}}


@pytest.fixture
def catalogue(make_product):
    words = ["oak", "steel", "linen", "wool", "glass"]
    return [make_product(name=f"{first} {second}") for first in words for second in words]


def saved(product, name):
    product.name = name
    product.save()
    draining.drain()
    assert not PendingProduct.objects.exists()


def vector(version, product):
    return np.array(ProductVectors.objects.of_version(version).get(product=product).text)


def found_by(words, version):
    rows, _present = queries.text_vectors([words], version)
    meaning = meaning_of({"text": rows[0]}, Within(Product.objects.all()))
    assert meaning.version == version
    cosines = meaning.stored(list(Product.objects.values_list("pk", flat=True))).cosines["text"]
    return max(cosines, key=cosines.get)


def test_another_model_from_its_building_to_its_end(catalogue, settings):
    first = lifecycle.ensure_live_version()
    draining.drain()
    settings.SIMILARITY = similarity_settings(**OTHER)

    # Built in steps, while shoppers are answered by the old model and a product changes.
    building = lifecycle.build_version(budget_s=0)
    assert building.status == "building"
    was = {version: vector(version, catalogue[3]) for version in (first, building)}
    saved(catalogue[3], "wool scarf")
    for version, before in was.items():
        assert not np.array_equal(vector(version, catalogue[3]), before), version
    assert (len(was[first]), len(was[building])) == (8, 30)
    while building.status == "building":
        building = lifecycle.build_version(budget_s=0)
    second = building
    saved(catalogue[4], "silk scarf")

    # The gate has figures of both; nobody has noticed anything so far.
    table = {line.name: line for line in lifecycle.gate_of(second)}
    assert table["neighbours of the same category"].state == gate.GOOD
    assert float(table["neighbours in both versions"].new.removesuffix(" %")) > 0
    assert EncoderVersion.objects.live() == first
    assert found_by("silk scarf", first) == catalogue[4].pk

    # Live: its own space for products and for words.
    lifecycle.promote(second)
    assert found_by("silk scarf", second) == catalogue[4].pk
    assert len(similar_to(catalogue[0], 8)) == 8
    saved(catalogue[5], "felt hat")

    # Back, though the settings name the other model: what changed meanwhile is embedded by
    # the old one's own encoder, and words are too.
    assert lifecycle.rollback() == first
    draining.drain()
    saved(catalogue[6], "paper lantern")
    assert found_by("felt hat", first) == catalogue[5].pk
    assert found_by("paper lantern", first) == catalogue[6].pk

    # Forward once more, then the old one's end.
    lifecycle.promote(second)
    draining.drain()
    assert found_by("paper lantern", second) == catalogue[6].pk
    lifecycle.retire(first)
    lifecycle.drop(first)
    assert not ProductVectors.objects.exclude(version=second).exists()
    assert len(similar_to(catalogue[0], 8)) == 8
