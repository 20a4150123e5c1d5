"""The catalogue of the query benchmark fits the shop's tables, and is there whole or not at all."""

from pathlib import Path

import pytest

from shop.models import Category, Product
from similarity.models import EncoderVersion, ProductVectors

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clustered(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import clustered

    return clustered


def test_every_product_has_its_vectors(clustered):
    version = clustered.build(50, 8, seed=1)
    assert Product.objects.count() == 50
    assert ProductVectors.objects.of_version(version).count() == 50
    assert version == EncoderVersion.objects.live()


def test_a_run_that_is_ended_leaves_nothing_for_the_next_to_trip_over(clustered, monkeypatch):
    def ended(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(clustered, "copy_vectors", ended)
        with pytest.raises(KeyboardInterrupt):
            clustered.build(50, 8, seed=1)
    assert not Product.objects.exists()
    assert not Category.objects.exists()
    assert clustered.build(50, 8, seed=1).pk
