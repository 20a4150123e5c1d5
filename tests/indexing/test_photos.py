"""A photo that cannot be had for the moment is tried again; one that never can is not."""

import io

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from shop.models import ProductImage
from similarity.catalog import remote
from similarity.catalog.paths import image_refs
from similarity.catalog.photos import PhotoUnavailable
from similarity.encoders import images
from similarity.encoders.base import Encoded, unit_rows
from similarity.indexing import outbox, reconcile, versions
from similarity.models import PendingProduct, ProductVectors
from tests.encoders_fake import HashEncoder, similarity_settings

pytestmark = pytest.mark.django_db


class PhotoEncoder(HashEncoder):
    """The mean colour of the photos that can be read."""

    name = "image"
    fingerprint_fields = ("images",)

    def encode(self, contents):
        vectors = np.zeros((len(contents), self.size), np.float32)
        for row, content in enumerate(contents):
            for photo in images.photos(content):
                vectors[row, :3] += np.asarray(photo.convert("RGB"), float).mean(axis=(0, 1)) + 1
        return Encoded(unit_rows(vectors), np.abs(vectors).max(axis=1, initial=0) > 0)


@pytest.fixture
def answers(settings, monkeypatch):
    """Address → the photo's bytes, or the error that fetching it ends in."""
    settings.SIMILARITY = similarity_settings(
        IMAGE_DOMAINS=["cdn.example.com"],
        WEIGHTS={"text": 0.5, "image": 0.3, "attributes": 0.2},
        DIMENSIONS={"text": 8, "image": 8, "attributes": 16},
        MAX_ATTEMPTS=3,
    )
    settings.SIMILARITY["ENCODERS"]["image"] = {
        "CLASS": f"{PhotoEncoder.__module__}.PhotoEncoder",
        "OPTIONS": {},
    }
    known: dict[str, bytes | OSError] = {}

    def fetch(url, limit):
        if isinstance(known[url], OSError):
            raise known[url]
        return known[url][: limit + 1]

    monkeypatch.setattr(remote, "fetch", fetch)
    return known


@pytest.fixture
def product(answers, make_product):
    """Its photo lies behind an address; others have learnt the fusion before."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(buffer, "PNG")
    answers["https://cdn.example.com/a.png"] = answers["https://cdn.example.com/b.png"] = (
        buffer.getvalue()
    )
    for at in range(3):
        other = make_product(name=f"Lamp {at}")
        ProductImage.objects.create(product=other, image="https://cdn.example.com/b.png")
    versions.ensure_live_version()
    outbox.drain()
    product = make_product()
    ProductImage.objects.create(product=product, image="https://cdn.example.com/a.png")
    return product


def drain():
    PendingProduct.objects.update(available_at=timezone.now())
    return outbox.drain()


def has_photo(product):
    row = ProductVectors.objects.get(product=product)
    return row.image is not None


def test_a_time_out_is_tried_again_later(product, answers):
    photo = answers["https://cdn.example.com/a.png"]
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    assert outbox.drain() == 1
    assert not has_photo(product), "until then it is similar by the rest"
    row = PendingProduct.objects.get()
    assert row.last_error == "it took too long"
    assert row.available_at > timezone.now()
    answers["https://cdn.example.com/a.png"] = photo
    assert drain() == 1
    assert has_photo(product)
    assert not PendingProduct.objects.exists()
    assert drain() == 0


def test_attempts_end_and_the_nightly_round_begins_anew(product, answers):
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    assert [drain() for _ in range(4)] == [1, 1, 1, 0]
    assert not PendingProduct.objects.exists(), "no product is given up for a photo"
    assert reconcile.reconcile().stale == 1
    assert PendingProduct.objects.get().product_key == str(product.pk)


def test_a_photo_that_is_none_is_not_tried_again(product, answers):
    answers["https://cdn.example.com/a.png"] = remote.FetchRefused("it answers 404")
    assert outbox.drain() == 1
    assert not has_photo(product)
    assert not PendingProduct.objects.exists()
    assert reconcile.reconcile().stale == 0


def test_one_of_several_photos_is_enough_to_try_again(product, answers):
    ProductImage.objects.create(product=product, image="https://cdn.example.com/b.png")
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    outbox.drain()
    assert has_photo(product), "by the other one"
    assert PendingProduct.objects.exists()


def test_a_new_version_is_filled_and_finds_it_outdated(product, answers):
    outbox.drain()
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    version = versions.build_version()
    rows = ProductVectors.objects.of_version(version)
    assert rows.get(product=product).image is None
    assert reconcile.reconcile().stale == 1


@pytest.mark.parametrize(
    ("error", "for_now"),
    [
        (TimeoutError("slow"), True),
        (ConnectionResetError("reset"), True),
        (RuntimeError("a storage package's own error"), True),
        (FileNotFoundError("no such file"), False),
        (PermissionError("not ours"), False),
    ],
)
def test_a_storage_that_fails_for_the_moment(monkeypatch, error, for_now):
    def fail(name, mode):
        raise error

    monkeypatch.setattr(default_storage, "open", fail)
    [ref] = image_refs(["products/a.png"], most=1)
    with pytest.raises(OSError, match=r"slow|reset|error|file|ours") as told:
        ref.read(10)
    assert isinstance(told.value, PhotoUnavailable) == for_now
    assert bool(ref.delayed) == for_now
