"""New and changed products get their item vector in the transaction that writes their content."""

import numpy as np
import pytest

from similarity.cells import upkeep
from similarity.models import PendingProduct, ProductVectors
from similarity.models.stored_vectors import read_vectors
from similarity.outbox import draining
from similarity.shoppers import item_upkeep, promotion
from similarity.shoppers.item_vectors import FROM_CONTENT, LEARNED
from similarity.shoppers.live_model import network_of
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.host_models import Product
from tests.shoppers.conftest import store
from tests.shoppers.models import follower, trained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]
EYE = np.eye(4, dtype=np.float32)


def items_of(version, *products):
    found = read_vectors(version, [one.pk for one in products], ("fused",), "default")
    return [found[one.pk].vectors["fused"] if one.pk in found else None for one in products]


def mark_of(version, product):
    return ProductVectors.objects.of_version(version).get(product=product).fingerprint


@pytest.fixture
def embedded(make_product):
    """Two products embedded by the pipeline, and a live model that learned the first."""
    first, second = make_product(name="Red mug"), make_product(name="Blue lamp")
    draining.drain()
    dimension = lifecycle.ensure_live_version().dimensions["fused"]
    projection = np.eye(4, dimension, dtype=np.float32)
    model = trained(*follower(content=projection))
    promotion.promote(model, [([f"product:{first.pk}"], 2 * EYE[:1])])
    return model, first, second


def test_a_new_product_has_its_vector_once_it_is_embedded(embedded, make_product):
    model, *_others = embedded
    new = make_product(name="Green chair")
    draining.drain()
    content = item_upkeep.read_page(
        network_of(model).content_version, "default", keys=[new.pk], size=1
    )
    expected = content.content[0, :4] / network_of(model).scale
    assert items_of(model.items, new)[0][:4] == pytest.approx(expected, abs=2e-3)
    assert mark_of(model.items, new) == FROM_CONTENT


def test_a_changed_product_follows_its_content_unless_the_model_learned_it(embedded):
    model, first, second = embedded
    before = items_of(model.items, first, second)
    for product in (first, second):
        Product.objects.filter(pk=product.pk).update(name="Something else entirely")
    PendingProduct.objects.enqueue([str(first.pk), str(second.pk)])
    draining.drain()
    after = items_of(model.items, first, second)
    assert np.array_equal(before[0], after[0])
    assert not np.array_equal(before[1], after[1])
    assert (mark_of(model.items, first), mark_of(model.items, second)) == (LEARNED, FROM_CONTENT)


def test_a_new_variant_gets_what_was_learned_of_its_group(shop, make_product):
    one = make_product(name="Shirt M", group="shirt")
    store(shop.version, one, EYE[0])
    model = trained(*follower(content=EYE))
    promotion.promote(model, [(["group:shirt"], 2 * EYE[1:2])])
    two = make_product(name="Shirt L", group="shirt")
    store(shop.version, two, EYE[0])
    item_upkeep.write_changed(shop.version.pk, [two.pk], "default")
    assert np.array_equal(*items_of(model.items, one, two))
    assert mark_of(model.items, two) == LEARNED


def test_vectors_of_another_encoder_version_are_no_content_of_the_model(shop, live, make_product):
    new = make_product(name="New")
    store(shop.version, new, EYE[0])
    item_upkeep.write_changed(shop.version.pk + 1, [new.pk], "default")
    assert items_of(live.items, new) == [None]
    item_upkeep.write_changed(shop.version.pk, [new.pk], "default")
    assert items_of(live.items, new)[0] is not None


def test_the_model_kept_for_a_rollback_is_kept_up_to_date_too(shop, live, make_product):
    promotion.promote(trained(*follower(content=EYE)), [])
    new = make_product(name="New")
    store(shop.version, new, EYE[0])
    item_upkeep.write_changed(shop.version.pk, [new.pk], "default")
    assert items_of(live.items, new)[0] is not None


def test_a_new_vector_is_placed_in_the_cells(shop, live, make_product, monkeypatch):
    upkeep.build(live.items, "default")
    new = make_product(name="New", category="Mugs")
    store(shop.version, new, EYE[0])
    item_upkeep.write_changed(shop.version.pk, [new.pk], "default")
    assert upkeep.report(live.items, "default").rows == 13
    upkeep.drop(live.items, "default")


def test_damaged_weights_do_not_stop_the_pipeline(embedded, make_product, caplog):
    model, *_others = embedded
    type(model).objects.update(weights=b"cut short")
    new = make_product(name="Green chair")
    assert draining.drain() == 1
    assert items_of(model.items, new) == [None]
    assert "are not updated" in caplog.text
