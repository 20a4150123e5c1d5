"""The batch from keys to stored vectors."""

import pytest

from similarity.catalog import paths
from similarity.exceptions import EncoderError, VersionError
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.outbox import draining
from similarity.vectors import fusions, pipeline
from similarity.versions import lifecycle
from tests.encoders_fake import HashEncoder, similarity_settings
from tests.host.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(db):
    return lifecycle.ensure_live_version()


def stored(product):
    return ProductVectors.objects.get(product=product)


def embed(*products, **options):
    return pipeline.embed([str(product.pk) for product in products], **options)


def test_stores_unit_vectors_of_each_part_and_of_all(live, make_product):
    product = make_product(name="Red wool scarf")
    assert embed(product).encoded == 1
    row = stored(product)
    assert len(row.fused) == live.dimensions["fused"] == 24
    assert sum(x * x for x in row.fused) == pytest.approx(1, abs=0.01)
    assert sum(x * x for x in row.text) == pytest.approx(1, abs=0.01)
    assert len(row.attributes) == 16
    assert row.image is None, "a part that is not configured is null, not zero"
    assert row.version_id == live.pk


def test_an_unchanged_fingerprint_runs_no_model(live, make_product):
    product = make_product()
    embed(product)
    HashEncoder.calls = 0
    product.price, product.stock = 5, 0
    product.save()
    report = embed(product)
    assert (report.unchanged, report.encoded) == (1, 0)
    assert HashEncoder.calls == 0


def test_an_unchanged_product_looks_up_no_field_twice(live, make_product, photo, monkeypatch):
    product = make_product()
    product.images.create(image=photo())
    embed(product)
    looked_up, made = paths._field.cache_info().misses, []
    make = paths.Path.__init__
    monkeypatch.setattr(paths.Path, "__init__", lambda path, name: made.append(make(path, name)))
    assert embed(product).unchanged == 1
    assert (paths._field.cache_info().misses, made) == (looked_up, [])


def test_force_runs_the_model_all_the_same(live, make_product):
    product = make_product()
    embed(product)
    assert embed(product, force=True).encoded == 1


def test_a_changed_title_changes_the_vector(live, make_product):
    product = make_product(name="Red scarf")
    embed(product)
    before = stored(product).text
    Product.objects.filter(pk=product.pk).update(name="Steel pan")
    assert embed(product).encoded == 1
    assert stored(product).text != before


def test_a_batch_calls_each_encoder_once(live, make_product):
    products = [make_product() for _ in range(5)]
    HashEncoder.calls = 0
    embed(*products)
    assert HashEncoder.calls == 2, "one call for text, one for attributes"


def test_one_bad_product_does_not_fail_the_others(live, make_product):
    good = make_product(name="Good")
    bad, worse = make_product(name="poison"), make_product(name="nan")
    report = embed(good, bad, worse)
    assert (report.encoded, report.failed) == (1, 2)
    assert "this title cannot be encoded" in report.errors[str(bad.pk)]
    assert "not finite" in report.errors[str(worse.pk)]
    assert stored(good)


def test_a_key_that_is_no_key_fails_alone(live, make_product):
    product = make_product()
    report = pipeline.embed([str(product.pk), "no number"])
    assert (report.encoded, report.failed) == (1, 1)


def test_a_product_that_is_gone_is_success(live):
    report = pipeline.embed(["987654321"])
    assert (report.gone, report.failed) == (1, 0)


def test_an_encoder_that_fails_for_all_is_named_and_nothing_is_lost(live, make_product, settings):
    products = [make_product() for _ in range(3)]
    settings.SIMILARITY = similarity_settings(text={"broken": True})
    PendingProduct.objects.all().delete()
    PendingProduct.objects.enqueue([product.pk for product in products])
    with pytest.raises(EncoderError, match="weights are missing"):
        pipeline.embed([], claims=PendingProduct.objects.claim(10))
    rows = PendingProduct.objects.all()
    assert {row.attempts for row in rows} == {0}, "the products are not to blame"
    assert all("weights are missing" in row.last_error and row.lease_until is None for row in rows)


def test_a_product_with_nothing_to_encode_has_no_row(live, make_product):
    product = make_product(name="Scarf")
    embed(product)
    Product.objects.filter(pk=product.pk).update(name="", brand=None)
    product.category.path = ""
    type(product.category).objects.filter(pk=product.category_id).update(path="")
    embed(product)
    assert not ProductVectors.objects.filter(product=product).exists()


def test_groups_and_keys_cannot_be_mistaken(live, make_product):
    single = make_product()
    named_like_it = make_product(group=str(single.pk))
    also = make_product(group=str(single.pk))
    embed(single, named_like_it, also)
    groups = [stored(product).group for product in (single, named_like_it, also)]
    assert groups[0] != groups[1] == groups[2]


def test_a_version_with_the_same_encoders_shares_the_encoding(live, make_product):
    product = make_product()
    other = lifecycle.build.begin()
    HashEncoder.calls = 0
    Product.objects.filter(pk=product.pk).update(name="New")
    embed(product)
    assert HashEncoder.calls == 2
    assert set(ProductVectors.objects.values_list("version_id", flat=True)) == {live.pk, other.pk}


def test_other_encoders_in_the_settings_leave_the_live_version_its_own(
    live, make_product, settings
):
    product = make_product()
    before = embed_and_read(product)
    settings.SIMILARITY = similarity_settings(text={"salt": "other"})
    assert embed_and_read(product) == before


def embed_and_read(product):
    pipeline.embed([str(product.pk)], force=True)
    return list(ProductVectors.objects.get(product=product).fused)


def test_other_weights_are_not_mixed_into_the_live_version(live, make_product, monkeypatch):
    product = make_product()
    PendingProduct.objects.all().delete()
    draining.enqueue([product])
    monkeypatch.setattr(HashEncoder, "weights", "+retrained")
    with pytest.raises(VersionError, match=r"hash-16-, now hash-16-\+retrained.*similarity build"):
        draining.drain()
    row = PendingProduct.objects.get()
    assert (row.attempts, row.dead) == (0, False)
    assert not ProductVectors.objects.exists()


def test_a_damaged_fusion_is_refused(live, make_product):
    EncoderVersion.objects.filter(pk=live.pk).update(fusion=b"x", fusion_sha256="0" * 64)
    with pytest.raises(VersionError, match="hash"):
        embed(make_product())


def test_later_vectors_are_not_overwritten_without_a_claim(live, make_product):
    """A slow build must not put old content over what a worker wrote meanwhile."""
    product = make_product(name="Old title")
    embed(product)

    def edit_and_embed():
        HashEncoder.before = None
        Product.objects.filter(pk=product.pk).update(name="New title")
        PendingProduct.objects.enqueue([product.pk])
        draining.drain()

    Product.objects.filter(pk=product.pk).update(name="Middle title")
    HashEncoder.before = edit_and_embed
    embed(product)
    row = stored(product)
    HashEncoder.encoded.clear()
    assert embed(product).unchanged == 1
    assert stored(product).text == row.text


def test_writes_of_a_batch_take_few_queries(live, make_product, django_assert_max_num_queries):
    products = [make_product() for _ in range(20)]
    fusions.fusion_of(live)
    # A dozen of them are what products share, looked up before and settled after.
    with django_assert_max_num_queries(32):
        embed(*products)
