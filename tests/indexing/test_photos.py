"""A photo that cannot be had for the moment is tried again; one that never can is not."""

import errno
import io
from types import SimpleNamespace

import numpy as np
import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils import timezone
from PIL import Image

from similarity.catalog import remote
from similarity.catalog.content import UNSETTLED
from similarity.catalog.paths import image_refs
from similarity.catalog.photos import PhotoAbsent, PhotoUnavailable
from similarity.encoders import images
from similarity.encoders.base import Encoded, unit_rows
from similarity.insights import duplicates
from similarity.models import PendingProduct, ProductVectors, retries
from similarity.outbox import draining, reconcile
from similarity.versions import lifecycle
from tests.encoders_fake import HashEncoder, fused, similarity_settings
from tests.host.models import ProductImage

pytestmark = pytest.mark.django_db


class ClientError(Exception):
    """As botocore raises it: a dict tells what the service answered."""

    def __init__(self, response):
        super().__init__(str(response))
        self.response = response


class HTTPError(OSError):
    """As requests raises it: the answer's object has the status."""

    def __init__(self, status):
        super().__init__(f"{status} from the storage")
        self.response = SimpleNamespace(status_code=status)


def caused_by(cause):
    error = RuntimeError("the storage's own error")
    error.__cause__ = cause
    return error


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
        IMAGES={"DOMAINS": ["cdn.example.com"]},
        weights={"text": 0.5, "attributes": 0.2},
    )
    settings.SIMILARITY["ENCODERS"]["image"] = {
        "CLASS": f"{PhotoEncoder.__module__}.PhotoEncoder",
        **fused(0.3, 8),
    }
    monkeypatch.setattr(retries, "MAX_ATTEMPTS", 3)
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
    lifecycle.ensure_live_version()
    draining.drain()
    product = make_product()
    ProductImage.objects.create(product=product, image="https://cdn.example.com/a.png")
    return product


def drain():
    PendingProduct.objects.update(available_at=timezone.now())
    return draining.drain()


def has_photo(product):
    row = ProductVectors.objects.get(product=product)
    return row.image is not None


def test_a_time_out_is_tried_again_later(product, answers):
    photo = answers["https://cdn.example.com/a.png"]
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    assert draining.drain() == 1
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
    assert draining.drain() == 1
    assert not has_photo(product)
    assert not PendingProduct.objects.exists()
    assert reconcile.reconcile().stale == 0


def test_one_of_several_photos_is_enough_to_try_again(product, answers):
    ProductImage.objects.create(product=product, image="https://cdn.example.com/b.png")
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    draining.drain()
    assert has_photo(product), "by the other one"
    assert PendingProduct.objects.exists()


def test_a_new_version_is_filled_and_finds_it_outdated(product, answers):
    draining.drain()
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    version = lifecycle.build_version()
    rows = ProductVectors.objects.of_version(version)
    assert rows.get(product=product).image is None
    assert reconcile.reconcile().stale == 1


@pytest.mark.parametrize(
    ("error", "for_now"),
    [
        (TimeoutError("slow"), True),
        (ConnectionResetError("reset"), True),
        (RuntimeError("a storage package's own error"), True),
        (OSError("input/output error"), True),
        (OSError(errno.EIO, "input/output error"), True),
        (PermissionError("the key has expired"), True),
        (
            ClientError(
                {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
            ),
            True,
        ),
        (
            ClientError({"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPStatusCode": 403}}),
            True,
        ),
        (HTTPError(502), True),
        (ValueError("the answer is no JSON"), True),
        (FileNotFoundError("no such file"), False),
        (FileNotFoundError(errno.ENOENT, "no such file"), False),
        (IsADirectoryError(errno.EISDIR, "a folder"), False),
        (OSError(errno.ENAMETOOLONG, "a long name"), False),
        (SuspiciousFileOperation("outside the folder"), False),
        (ClientError({"Error": {"Code": "NoSuchKey"}}), False),
        (
            ClientError({"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}),
            False,
        ),
        (HTTPError(410), False),
        (caused_by(HTTPError(404)), False),
        (caused_by(HTTPError(500)), True),
    ],
    ids=repr,
)
def test_a_storage_that_fails_for_the_moment(monkeypatch, error, for_now):
    def fail(name, mode):
        raise error

    monkeypatch.setattr(default_storage, "open", fail)
    [ref] = image_refs(["products/a.png"], most=1)
    with pytest.raises((PhotoUnavailable, PhotoAbsent)) as told:
        ref.read(10)
    assert isinstance(told.value, PhotoUnavailable) == for_now
    assert bool(ref.delayed) == for_now


def test_a_photo_that_is_delayed_leaves_the_vectors_it_had(product, answers):
    draining.drain()
    before = ProductVectors.objects.get(product=product)
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    product.name = "Another name"
    product.save()
    drain()
    row = ProductVectors.objects.get(product=product)
    assert row.image == before.image
    assert row.text != before.text, "what is known is written"
    assert row.fingerprint == UNSETTLED
    fused = np.array(row.fused, np.float32)
    assert abs(float(fused @ np.array(before.fused, np.float32))) < 0.999
    assert np.linalg.norm(fused) == pytest.approx(1, abs=2e-3)


def test_a_photo_that_is_gone_takes_its_vectors_along(product, answers):
    draining.drain()
    answers["https://cdn.example.com/a.png"] = remote.FetchDelayed("it took too long")
    draining.enqueue([product], force=True)
    drain()
    product.images.all().delete()
    drain()
    assert not has_photo(product)
    assert ProductVectors.objects.get(product=product).fingerprint != UNSETTLED


@pytest.fixture
def stored_photos(answers, product, photo, tmp_path, settings):
    """The products' photos lie in a folder, and are embedded."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    for row in ProductImage.objects.all():
        row.image.save("a.png", photo("navy"))
    drain()
    assert ProductVectors.objects.filter(image=None).count() == 0
    return tmp_path / "media"


def test_an_outage_of_the_storage_enqueues_nothing_and_loses_nothing(stored_photos, monkeypatch):
    def fail(self, name):
        raise ClientError({"Error": {"Code": "SlowDown"}})

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "size", fail)
        patch.setattr(FileSystemStorage, "_open", lambda self, name, mode: fail(self, name))
        assert reconcile.reconcile(restart=True).enqueued == 0
        draining.enqueue(list(ProductImage.objects.values_list("product", flat=True)), force=True)
        assert drain() == 4
        assert ProductVectors.objects.filter(image=None).count() == 0
        assert ProductVectors.objects.filter(fingerprint=UNSETTLED).count() == 4
        assert reconcile.reconcile(restart=True).enqueued == 0
        PendingProduct.objects.all().delete()
    assert reconcile.reconcile(restart=True).stale == 4, "now it is known what is outdated"
    drain()
    assert reconcile.reconcile(restart=True).stale == 0


def test_a_storage_folder_that_is_not_mounted_is_an_outage(stored_photos):
    stored_photos.rename(stored_photos.with_name("elsewhere"))
    assert reconcile.reconcile(restart=True).enqueued == 0
    draining.enqueue(list(ProductImage.objects.values_list("product", flat=True)), force=True)
    drain()
    assert ProductVectors.objects.filter(image=None).count() == 0


def test_a_listing_whose_photo_is_not_known_is_no_duplicate(product, answers):
    draining.drain()
    twin = type(product).objects.get(pk=product.pk)
    twin.pk, twin.sku, twin.slug = None, "TWIN", "twin"
    twin.save()
    answers["https://cdn.example.com/late.png"] = remote.FetchDelayed("it took too long")
    ProductImage.objects.create(product=twin, image="https://cdn.example.com/late.png")
    drain()
    wide = duplicates.DuplicateSearch(threshold=0.5)
    found = {(pair.first, pair.second) for pair in duplicates.find_duplicates(wide)}
    assert (str(product.pk), str(twin.pk)) not in found
    twin.images.all().delete()
    drain()
    found = {(pair.first, pair.second) for pair in duplicates.find_duplicates(wide)}
    assert (str(product.pk), str(twin.pk)) in found, "it is known to have no photo"
