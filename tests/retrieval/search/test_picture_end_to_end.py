"""From a photo's bytes to products, through the worker's own code; only the queue is left out."""

import io

import pytest
from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from similarity.encoders.registry import get_encoder
from similarity.exceptions import ImageRejected
from similarity.search import queries
from similarity.search.picture import encode_picture, search_by_picture
from similarity.versions.lifecycle import build_version, promote
from tests.configure import with_settings
from tests.encoders_fake import fused
from tests.host.models import ProductImage

COLOURS = ["navy", "olive", "crimson", "gold", "teal", "plum"]


def drawn(colour, kind="PNG", mirrored=False, **options):
    picture = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(picture).ellipse([40, 40, 190, 160] if mirrored else [10, 40, 160, 160], colour)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def products(transactional_db, make_product, settings, tmp_path):
    """One product of each colour, embedded; the picture part sees colours and needs no weights."""
    settings.MEDIA_ROOT = tmp_path
    settings.SIMILARITY = with_settings(
        ENCODERS={
            **dict.fromkeys(["text", "colour", "attributes"]),
            "image": {"CLASS": "similarity.encoders.colour.ColourEncoder", **fused(1.0, 32)},
        },
        SEARCH={"ENCODE_IN_PROCESS": True},
    )
    products = []
    for colour in COLOURS:
        product = make_product(name=colour)
        photo = ProductImage(product=product)
        photo.image.save(f"{colour}.png", ContentFile(drawn(colour)))
        products.append(product)
    promote(build_version())
    return products


@pytest.mark.parametrize("colour", COLOURS[:3])
def test_another_photo_of_a_product_finds_it(products, colour):
    sent = drawn(colour, "JPEG", mirrored=True, quality=40)
    hits = search_by_picture(encode_picture(sent, timeout_ms=20_000), limit=3)
    assert hits[0].product.name == colour
    assert len(hits) == 3


def test_a_photo_that_is_cut_off_is_refused_with_the_workers_reason(products):
    """Its header is sound: only decoding, which the worker does, can tell."""
    damaged = drawn("navy", "JPEG")[:-400]
    with pytest.raises(ImageRejected, match="cannot be decoded"):
        encode_picture(damaged, timeout_ms=20_000)


def test_a_worker_has_loaded_the_network_before_the_first_picture(products, monkeypatch):
    """Loading takes seconds, and the first shopper would be told to come back later."""
    encoded = []
    encoder = get_encoder("image")
    monkeypatch.setattr(encoder, "encode", lambda contents: encoded.append(list(contents)))
    monkeypatch.setattr(queries, "compute", lambda question: None)
    queries.warm_up()
    assert encoded == [[]]
