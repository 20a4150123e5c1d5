import io
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from similarity.connections import caching
from similarity.exceptions import ImageRejected
from similarity.models import EncoderVersion
from similarity.search import picture
from similarity.search.page import SearchPage
from similarity.search.picture import (
    PictureUnavailable,
    check_picture,
    encode_picture,
    fuse,
    load_picture_vector,
    search_by_picture,
    store_picture_vector,
)
from similarity.similar.hits import Hit
from tests.encoders import bombs
from tests.host.models import Product

DIMENSIONS = {"text": 2, "image": 2}
WEIGHTS = {"text": 0.5, "image": 0.5}
EAST = np.array([1, 0], np.float32)


def picture_bytes(kind="PNG", size=(40, 30), **options):
    buffer = io.BytesIO()
    Image.new("RGB", size, "navy").save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def version(make_version):
    return make_version(WEIGHTS, DIMENSIONS, blocks={})


@pytest.fixture
def at_angle(version, make_product, store):
    """Makes a product whose photo points ``degrees`` away from the picture EAST."""

    def make(degrees, **fields):
        product = make_product(**fields)
        row = [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]
        store(product, version, text=[0, 1], image=row)
        return product

    return make


@pytest.fixture
def told(monkeypatch, request):
    """What the words find, most fitting first; each call is noted as (text, keys, by meaning)."""
    calls, keys = [], []
    rescued = getattr(request, "param", "")

    def search(text, limit, *, within, hybrid):
        passing = set(within.values_list("pk", flat=True))
        calls.append((text, passing, hybrid))
        hits = [Hit(str(key), 0.5, "text") for key in keys if key in passing]
        return SearchPage(hits=hits, total=len(hits), rescued=rescued)

    monkeypatch.setattr(picture, "search", search)
    return calls, keys


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"])
def test_every_format_that_workers_read_is_let_through(kind):
    check_picture(picture_bytes(kind))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "none of the formats"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "none of the formats"),
        (b"%PDF-1.7", "none of the formats"),
        (picture_bytes("TIFF"), "none of the formats"),
        (b"\xff\xd8\xff" + b"\0" * 50, "begins like a .* has no size"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "begins like a .* has no size"),
        (b"BM" + b"\xff" * 60, "has no size"),
        (b"GIF89a\1", "begins like a GIF image"),
        (bombs.jpeg_of_scans(30, 64), "more than 24 scans"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_content(data, says):
    with pytest.raises(ImageRejected, match=says):
        check_picture(data)


def test_bounds_are_those_of_the_settings(settings, monkeypatch):
    data = picture_bytes(size=(40, 30))
    monkeypatch.setattr("similarity.catalog.picture_header.QUERY_MAX_PIXELS", 1199)
    with pytest.raises(ImageRejected, match="40 × 30 pixels, 1199 at most are decoded; send"):
        check_picture(data)
    monkeypatch.setattr("similarity.catalog.picture_header.QUERY_MAX_BYTES", len(data) - 1)
    with pytest.raises(ImageRejected, match=f"more than {len(data) - 1} bytes.*; send a smaller"):
        check_picture(data)


def test_a_bomb_is_refused_by_its_header(recwarn):
    """A PNG of 30,000 × 30,000 pixels in 60 kB, whose decoding would take gigabytes."""
    header = picture_bytes("PNG")
    wide = (30_000).to_bytes(4, "big")
    bomb = header[:16] + wide + wide + header[24:]
    with pytest.raises(ImageRejected):
        check_picture(bomb)


def test_a_web_machine_needs_no_pillow_and_runs_no_decoder(monkeypatch):
    sound = picture_bytes("JPEG")
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    check_picture(sound)


def test_a_picture_is_never_asked_about_before_it_is_checked(monkeypatch):
    monkeypatch.setattr(picture, "picture_vector", lambda *args, **kwargs: pytest.fail("asked"))
    with pytest.raises(ImageRejected):
        encode_picture(b"no picture")


def test_the_worker_has_the_time_of_the_setting(monkeypatch):
    times = []

    def answer(data, *, timeout_ms):
        times.append(timeout_ms)
        return EAST

    monkeypatch.setattr(picture, "picture_vector", answer)
    assert encode_picture(picture_bytes()) is EAST
    encode_picture(picture_bytes(), timeout_ms=50)
    assert times == [4000, 50]


def test_no_answer_is_told_apart_from_a_bad_picture(monkeypatch):
    monkeypatch.setattr(picture, "picture_vector", lambda data, *, timeout_ms: None)
    with pytest.raises(PictureUnavailable, match="try again soon"):
        encode_picture(picture_bytes())


def test_pictures_take_a_bounded_number_of_the_threads_and_no_more_wait(monkeypatch, settings):
    """Beyond it the answer comes at once: the other threads are for other pages."""
    monkeypatch.setattr("similarity.search.picture.MAX_WAITING", 2)
    waiting, answered = threading.Barrier(3, timeout=20), threading.Event()

    def answer(data, *, timeout_ms):
        waiting.wait()
        answered.wait(20)
        return EAST

    monkeypatch.setattr(picture, "picture_vector", answer)
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(encode_picture, picture_bytes()) for _ in range(2)]
        waiting.wait()
        with pytest.raises(PictureUnavailable):
            encode_picture(picture_bytes())
        answered.set()
        assert all(each.result(20) is EAST for each in both)
    monkeypatch.setattr(picture, "picture_vector", lambda data, *, timeout_ms: EAST)
    assert encode_picture(picture_bytes()) is EAST, "the places are free again"


def test_what_looks_most_alike_comes_first(at_angle, make_product):
    far, near = at_angle(60), at_angle(5)
    make_product(name="has no vector")
    hits = search_by_picture(EAST)
    assert [hit.product for hit in hits] == [near, far]
    assert [hit.tier for hit in hits] == ["image", "image"]
    assert hits[0].score == pytest.approx((1 + math.cos(math.radians(5))) / 2, abs=1e-3)


def test_filters_and_stock_are_live(at_angle):
    near, cheap = at_angle(5, price=90), at_angle(60, price=10)
    assert search_by_picture(EAST, within=Product.objects.filter(price__lt=50))[0].product == cheap
    Product.objects.filter(pk=near.pk).update(stock=0)
    assert [hit.product for hit in search_by_picture(EAST)] == [cheap]


def test_variants_count_once(at_angle):
    at_angle(5, group="shirt")
    at_angle(6, group="shirt")
    at_angle(70)
    assert len(search_by_picture(EAST)) == 2


def test_words_choose_among_what_looks_alike(at_angle, told, settings, monkeypatch):
    """ "This, but in navy": what the words fit best rises, and nothing that looks different."""
    calls, keys = told
    near, navy = at_angle(2), at_angle(8)
    beyond = at_angle(89, name="navy, and nothing like the picture")
    monkeypatch.setattr("similarity.conf.MAX_LIMIT", 2)
    keys += [beyond.pk, navy.pk]
    hits = search_by_picture(EAST, "navy", 2)
    assert [hit.product for hit in hits] == [navy, near]
    assert [hit.tier for hit in hits] == ["image+text", "image"]
    assert calls == [("navy", {near.pk, navy.pk}, False)]


def test_words_that_fit_nothing_change_nothing(at_angle, told):
    near, far = at_angle(5), at_angle(60)
    assert [hit.product for hit in search_by_picture(EAST, "zzzz")] == [near, far]
    assert [by_meaning for _text, _keys, by_meaning in told[0]] == [False, True]


@pytest.mark.parametrize("told", ["popular"], indirect=True)
def test_best_sellers_are_no_answer_to_the_words(at_angle, told):
    """A search without any match shows them; here they would turn the picture's own order."""
    near, far = at_angle(5), at_angle(60)
    told[1].append(far.pk)
    assert [hit.product for hit in search_by_picture(EAST, "zzzz")] == [near, far]


def test_before_the_first_version_there_is_nothing(db, told):
    assert search_by_picture(EAST, "navy") == []


def test_fusion_by_hand():
    """Ranks 1 and 2 in both orders: 61/61 and 61/62 for each, weighed by half."""
    alike = [Hit("a", 0.9, "image"), Hit("b", 0.8, "image"), Hit("c", 0.7, "image")]
    fused = fuse(alike, ["b"], text_share=0.5)
    assert [hit.key for hit in fused] == ["b", "a", "c"]
    assert fused[0].score == pytest.approx(0.5 * 61 / 62 + 0.5)
    assert fused[1].score == pytest.approx(0.5)
    assert [hit.key for hit in fuse(alike, ["c", "b", "a"], text_share=1.0)] == ["c", "b", "a"]
    assert [hit.key for hit in fuse(alike, ["c", "b", "a"], text_share=0.0)] == ["a", "b", "c"]
    assert all(0 <= hit.score <= 1 for hit in fuse(alike, ["a", "b", "c"]))


def test_as_many_queries_for_many_hits_as_for_few(at_angle):
    for degrees in range(6):
        at_angle(degrees)
    search_by_picture(EAST, limit=1)  # a process reads the version's row once
    with CaptureQueriesContext(
        connection,
    ) as few:
        search_by_picture(EAST, limit=2)
    with CaptureQueriesContext(connection) as many:
        search_by_picture(EAST, limit=6)
    assert len(few) == len(many)


def test_a_token_brings_the_vector_back_and_nothing_of_the_picture(version):
    token = store_picture_vector(EAST)
    assert load_picture_vector(token).tolist() == [1, 0]
    assert load_picture_vector(token + "x") is None
    assert load_picture_vector("ü") is None
    kept = caching.read(caching.key("picture-vector", token))
    assert set(kept) == {"version", "vector"}
    assert len(kept["vector"]) == 4


def test_a_token_of_another_version_is_worth_nothing(version):
    """Its vector lies in a space of its own; compared with others it would find anything."""
    token = store_picture_vector(EAST)
    EncoderVersion.objects.update(status="retired")
    assert load_picture_vector(token) is None


def test_without_a_cache_there_is_no_token(version, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    try:
        with pytest.raises(PictureUnavailable):
            store_picture_vector(EAST)
    finally:
        caching.resume()
