import threading
import time

import numpy as np
import pytest

from similarity.catalog.content import ImageRef, ProductContent
from similarity.encoders import ahead, images
from similarity.encoders.ahead import photos_ahead
from similarity.encoders.colour import ColourEncoder
from similarity.encoders.image import VisionEncoder
from similarity.encoders.images import PixelBudget
from tests.encoders import models
from tests.encoders.photos import content, picture, saved

RED, BLUE = (saved(picture(colour)) for colour in ("red", "blue"))


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    return str(models.save_vit(tmp_path_factory.mktemp("vit")))


def product(key, *reads):
    return ProductContent(
        key=key, title="x", images=[ImageRef(f"{key}-{at}", read) for at, read in enumerate(reads)]
    )


def test_each_product_gets_its_readable_photos_in_order():
    rows = [content("1", RED, BLUE), content("2"), content("3", b"broken", BLUE), content("4", RED)]
    found = list(photos_ahead(rows, lambda image: image.getpixel((22, 15))))
    colours = [[pixel for _, pixel in photos] for photos in found]
    red, blue = colours[0]
    assert colours == [[red, blue], [], [blue], [red]]
    assert red[0] > 200 > blue[0]


def test_photos_are_read_while_the_network_is_busy():
    """On a storage that takes its time the network would wait for each photo."""
    read = threading.Event()

    def later(limit):
        read.set()
        return BLUE

    photos = photos_ahead([product("1", lambda limit: RED), product("2", later)], lambda image: 0)
    next(photos)
    assert read.wait(10)  # nobody has asked for the second one yet
    photos.close()


def test_slow_storage_is_asked_for_several_at_once():
    together = threading.Barrier(ahead.THREADS, timeout=10)

    def slow(limit):
        together.wait()  # nobody comes through alone
        return RED

    rows = [product(str(n), slow) for n in range(ahead.THREADS)]
    assert [len(photos) for photos in photos_ahead(rows, lambda image: 0)] == [1] * ahead.THREADS


def test_no_more_is_decoded_ahead_than_said(monkeypatch):
    monkeypatch.setattr(ahead, "AHEAD", 5)
    reads = []
    rows = [product(str(n), lambda limit: reads.append(1) or RED) for n in range(30)]
    photos = photos_ahead(rows, lambda image: 0)
    for used in range(1, 4):
        next(photos)
        time.sleep(0.05)
        assert len(reads) <= used + 5
    photos.close()
    assert len(reads) < 15  # what was not begun is not done for nobody


def test_error_of_an_encoder_is_raised_where_it_is_waited_for():
    def broken(image):
        raise TypeError("the encoder's own mistake")

    with pytest.raises(TypeError, match="own mistake"):
        list(photos_ahead([content("1", RED), content("2", BLUE)], broken))


def test_error_of_an_adapter_delays_its_photo_alone():
    def broken(limit):
        raise TypeError("the adapter's own mistake")

    bad = product("2", broken)
    assert list(photos_ahead([content("1", RED), bad], lambda image: 0))[1] == []
    assert "own mistake" in bad.delayed


def test_threads_are_gone_afterwards():
    """A worker that runs for weeks must not gather them."""
    list(photos_ahead([content("1", RED, BLUE)], lambda image: 0))
    assert not [t for t in threading.enumerate() if t.name.startswith("similarity-photos")]


@pytest.mark.django_db
def test_connection_of_a_storage_in_the_database_is_closed():
    from django.db import connection

    used = []

    def read(limit):
        connection.ensure_connection()
        used.append(connection.connection)
        return RED

    list(photos_ahead([product("1", read, read)], lambda image: 0))
    assert len(used) == 2
    assert all(each.closed for each in used)
    assert connection.connection is None or not connection.connection.closed


def test_pixels_under_way_are_bounded():
    """Four photos of the largest size at once would be four times the memory."""
    budget, inside, most = PixelBudget(), [], []

    def decode(pixels):
        with budget.taken(pixels, 100):
            inside.append(pixels)
            most.append(sum(inside))
            time.sleep(0.002)
            inside.remove(pixels)

    threads = [threading.Thread(target=decode, args=(size,)) for size in [60, 30, 10, 100] * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert max(most) <= 100
    assert len(most) == 24


def test_picture_over_the_budget_goes_alone():
    """The limit may be lowered while a worker runs; nothing waits for ever."""
    with PixelBudget().taken(500, 100):
        pass


def test_photo_that_fails_gives_its_pixels_back():
    for _ in range(3):
        with pytest.raises(images.ImageRejected):
            images.decode(saved(picture(size=(300, 300)), "JPEG")[:-400])
    assert images._under_way._taken == 0


def counted(encoder, monkeypatch):
    sizes, forward = [], encoder.tower.forward
    monkeypatch.setattr(
        encoder.tower, "forward", lambda pixels: sizes.append(len(pixels)) or forward(pixels)
    )
    return sizes


def test_equal_bytes_are_encoded_once_in_and_across_batches(vit, monkeypatch):
    encoder = VisionEncoder(vit)
    sizes = counted(encoder, monkeypatch)
    rows = [content("1", RED, BLUE), content("2", BLUE), content("3", RED, RED), content("4", RED)]
    vectors = encoder.encode(rows).vectors
    assert sizes == [2]
    apart = [VisionEncoder(vit).encode([row]).vectors[0] for row in rows]
    np.testing.assert_allclose(vectors, apart, atol=1e-5)
    again = encoder.encode([content("9", BLUE), content("8", saved(picture("green")))]).vectors
    assert sizes == [2, 1]
    np.testing.assert_allclose(again[0], vectors[1], atol=1e-6)


def test_same_name_with_other_bytes_is_encoded_anew(vit):
    """It goes by the bytes, not by the file's name."""
    encoder = VisionEncoder(vit)
    old = encoder.encode([content("1", RED)]).vectors[0]
    new = encoder.encode([content("1", BLUE)]).vectors[0]
    assert not np.allclose(old, new, atol=1e-3)


def test_colours_of_equal_bytes_are_counted_once(monkeypatch):
    from similarity.encoders import colour

    calls, shares = [], colour.colour_shares
    monkeypatch.setattr(colour, "colour_shares", lambda *a: calls.append(1) or shares(*a))
    encoder = ColourEncoder()
    vectors = encoder.encode([content("1", RED, BLUE), content("2", RED), content("3", BLUE)])
    assert len(calls) == 2
    assert vectors.vectors[0] @ vectors.vectors[1] < 0.999


def test_network_runs_while_photos_are_decoded(vit, monkeypatch, settings):
    """The whole point: the first batch is encoded before the last photo is read."""
    monkeypatch.setattr("similarity.encoders.image.BATCH", 2)
    monkeypatch.setattr(ahead, "AHEAD", 2)
    order = []
    encoder = VisionEncoder(vit)
    forward = encoder.tower.forward
    monkeypatch.setattr(
        encoder.tower, "forward", lambda pixels: order.append("network") or forward(pixels)
    )
    datas = [saved(picture("red", size=(60 + n, 40))) for n in range(12)]
    rows = [
        product(str(n), lambda limit, data=data: order.append("read") or data)
        for n, data in enumerate(datas)
    ]
    encoder.encode(rows)
    assert order.index("network") < len(order) - 1 - order[::-1].index("read")
