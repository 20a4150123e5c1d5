"""Items' vectors are stored, the model goes live, and the one before can come back."""

import numpy as np
import pytest

from similarity.exceptions import ArtefactError, TrainingError
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.stored_vectors import read_vectors
from similarity.shoppers import live_model, promotion
from similarity.shoppers.item_vectors import FROM_CONTENT, LEARNED, query_form
from similarity.shoppers.models import ShopperModel
from similarity.similar.shelves import similar_to_vector
from tests.shoppers.models import follower, trained

pytestmark = pytest.mark.django_db
EYE = np.eye(4, dtype=np.float32)


def batches(shop, vectors):
    return [([shop.name(one) for one in shop.products], vectors)]


def marks(version):
    rows = ProductVectors.objects.of_version(version)
    return dict(rows.values_list("product", "fingerprint"))


def test_every_product_has_a_unit_row_of_one_more_number(shop, live):
    rows = read_vectors(live.items, [one.pk for one in shop.products], ("fused",), "default")
    assert len(rows) == 12
    stored = np.stack([row.vectors["fused"] for row in rows.values()])
    assert stored.shape == (12, 5)
    assert np.allclose(np.linalg.norm(stored, axis=1), 1, atol=2e-3)
    assert live.items.status == "items"


def test_what_was_learned_is_told_from_what_content_gives(shop, live):
    learned = {one.pk for one in shop.of("Mugs")}
    assert {key for key, mark in marks(live.items).items() if mark == LEARNED} == learned
    assert set(marks(live.items).values()) == {LEARNED, FROM_CONTENT}


def test_the_order_is_that_of_inner_products_not_of_cosines(shop):
    """A long vector beats a short one of a better direction, as the model scores them."""
    vectors = np.tile(np.float32([0, 0, 0, 0.1]), (12, 1))
    vectors[0] = [1.0, 0, 0, 0]
    vectors[1] = [3.0, 2.0, 0, 0]
    vectors[2] = [0.5, 0, 0, 0]
    model = promotion.promote(trained(*follower()), batches(shop, vectors))
    query = query_form(np.float32([1, 0, 0, 0]))
    hits = similar_to_vector(query, 3, version=model.items)
    assert [hit.key for hit in hits] == [str(shop.products[at].pk) for at in (1, 0, 2)]
    found = live_model.read_live_model("default").read_items([shop.products[1].pk], "default")
    assert found[shop.products[1].pk] == pytest.approx(vectors[1], rel=2e-3)


def test_variants_share_the_vector_of_their_group(shop, make_product):
    from tests.shoppers.conftest import store

    one, two = (make_product(name=f"Shirt {size}", category="Mugs", group="shirt") for size in "ML")
    for product in (one, two):
        store(shop.version, product, EYE[0])
    model = promotion.promote(trained(*follower()), [(["group:shirt"], 2 * EYE[1:2])])
    rows = read_vectors(model.items, [one.pk, two.pk], ("fused",), "default")
    assert all(np.allclose(row.vectors["fused"][:4], EYE[1]) for row in rows.values())


def test_the_former_model_is_kept_for_a_rollback_and_the_one_before_is_dropped(shop, live):
    second = promotion.promote(trained(*follower(content=EYE)), [])
    third = promotion.promote(trained(*follower(content=EYE)), [])
    states = dict(ShopperModel.objects.values_list("pk", "status"))
    assert states == {live.pk: "retired", second.pk: "retired", third.pk: "live"}
    live.refresh_from_db()
    assert (live.items, live.weights) == (None, None)
    assert EncoderVersion.every.item_sets().count() == 2
    assert promotion.roll_back("sequence").pk == second.pk
    with pytest.raises(TrainingError, match="no former sequence model"):
        promotion.roll_back("sequence")
    assert promotion.make_live(third).status == "live"
    assert live_model.read_live_model("default").network.pk == third.pk


def test_a_failure_on_the_way_leaves_the_live_model_as_it_was(shop, live, monkeypatch):
    def killed(*arguments):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(promotion, "fill_missing", killed)
    with pytest.raises(RuntimeError):
        promotion.promote(trained(*follower(content=EYE)), [])
    assert ShopperModel.objects.live("sequence") == live
    assert EncoderVersion.every.item_sets().count() == 1


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones((12, 3), np.float32), "shape"),
        (np.full((12, 4), np.nan, np.float32), "finite"),
        (np.zeros((12, 4), np.float32), "no item vector longer than 0"),
    ],
)
def test_vectors_that_cannot_be_right_are_refused(shop, vectors, message):
    with pytest.raises(TrainingError, match=message):
        promotion.promote(trained(*follower()), batches(shop, vectors))


def test_a_model_of_other_content_is_refused(shop, candidate):
    candidate.config = {"content_version": shop.version.pk + 100}
    with pytest.raises(TrainingError, match="train it again"):
        promotion.promote(candidate, [])


def test_damaged_weights_are_refused(shop, candidate):
    candidate.weights_sha256 = "0" * 64
    with pytest.raises(ArtefactError, match="hash"):
        promotion.promote(candidate, [])


def test_without_a_live_encoder_version_the_remedy_is_named(shop, candidate):
    EncoderVersion.objects.update(status="retired")
    with pytest.raises(TrainingError, match="similarity embed"):
        promotion.promote(candidate, [])


def test_erased_shoppers_are_counted_on_models_that_may_know_them(shop, live):
    refused = trained(*follower(), status="refused")
    promotion.note_erasure("default")
    live.refresh_from_db()
    refused.refresh_from_db()
    assert (live.erased, refused.erased) == (1, 0)
