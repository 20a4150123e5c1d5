"""Words that find photos: a version whose image encoder knows words, from settings to hits.

The tiny network has learned three colours. Worker and encoder run in this process; nothing
else is left out.
"""

import numpy as np
import pytest
from django.core.cache import cache

from similarity.models import EncoderVersion, ProductVectors
from similarity.search import documents, hybrid, meaning, queries, query_vectors, search, vocabulary
from similarity.search.mailbox import Question
from similarity.search.models import HotQueryVector
from similarity.search.picture import search_by_picture
from similarity.versions.lifecycle import build_version, promote, rollback
from tests.encoders.models import COLOURS
from tests.encoders_fake import fused, similarity_settings
from tests.host.models import ProductImage

SLOW_MS = 20_000  # in this process, and the first query loads the network


def with_settings(clip, text=True, **options):
    """The fake text encoder, whose words know no colours of photos, beside the joint one."""
    encoders = {
        **dict.fromkeys(["text", "image", "colour", "attributes"]),
        "image": {
            "CLASS": "similarity.encoders.joint.JointEncoder",
            "OPTIONS": {"model": clip, **options},
            **fused(0.5, 12),
        },
    }
    if text:
        encoders["text"] = {"CLASS": "tests.encoders_fake.HashEncoder", **fused(0.5, 8)}
    return similarity_settings(
        ENCODERS=encoders,
        SEARCH={"ENCODE_IN_PROCESS": True, "QUERY_TIMEOUT_MS": SLOW_MS},
    )


@pytest.fixture
def products(transactional_db, make_product, settings, tmp_path, photo):
    """Photos of one colour each; no title, description or attribute names one. They read alike,
    so that nothing but photos tells them apart; one has none."""
    settings.MEDIA_ROOT = tmp_path
    made = {"none": make_product(name="Vase")}
    for colour, rgb in COLOURS.items():
        made[colour] = make_product(name="Vase")
        image = photo(rgb, name=f"{rgb[0]}.png")
        ProductImage.objects.create(product=made[colour], image=image)
    documents.index([str(product.pk) for product in made.values()])
    vocabulary.refresh()
    return made


@pytest.fixture
def joint(products, settings, clip_that_knows_colours):
    settings.SIMILARITY = with_settings(clip_that_knows_colours)
    version = promote(build_version())
    # Four products are too few to learn floors from.
    EncoderVersion.objects.update(query_floors={"text": -1.0, "image": -1.0})
    return version


@pytest.mark.parametrize("colour", COLOURS)
def test_a_product_is_found_by_what_only_its_photo_shows(joint, products, colour, monkeypatch):
    """Text brings one product, any; the photo brings the one that is meant."""
    monkeypatch.setattr(meaning, "NEIGHBOURS", 1)
    page = search(colour, facets=["brand"])
    tiers = {hit.product: hit.tier for hit in page.related}
    assert tiers.pop(products[colour], "image") == "image"
    assert set(tiers.values()) == {"text"}
    assert page.related[0].product == products[colour]
    assert (page.rescued, page.outcome) == ("text", "related")
    assert page.hybrid
    assert (page.facets, page.hits, page.total) == ({}, [], 0)


@pytest.mark.parametrize("colour", COLOURS)
def test_words_of_the_title_and_of_the_photo_come_together(joint, products, colour):
    """All are vases; the photo tells which one is meant, and keeps none out."""
    page = search(f"{colour} vase")
    assert page.hits[0].product == products[colour]
    assert len(page.hits) == len(products)


def test_a_photo_finds_nothing_that_the_filter_or_the_query_leaves_out(joint, products):
    within = type(products["red"]).objects.exclude(pk=products["red"].pk)
    assert products["red"] not in [hit.product for hit in search("red", within=within).related]
    assert search("red -vase").rescued == "popular"


def test_words_beside_a_picture_are_compared_with_photos_too(joint, products):
    """Nothing but photos tells colours here, so only they can bring forward what is asked for."""
    stored = ProductVectors.objects.get(product=products["red"], version=joint).image
    vector = np.asarray(stored, np.float32)
    assert search_by_picture(vector)[0].product == products["red"]
    hits = {hit.product: hit for hit in search_by_picture(vector, "green")}
    assert hits[products["green"]].score > hits[products["blue"]].score


def test_one_question_brings_both_vectors_and_the_cache_keeps_both(joint, monkeypatch):
    asked = []
    compute = queries.compute
    monkeypatch.setattr(queries, "compute", lambda q: asked.append(q.kind) or compute(q))
    first = query_vectors.begin("red vase", timeout_ms=SLOW_MS).wait_parts()
    second = query_vectors.begin("Red  vase", timeout_ms=SLOW_MS).wait_parts()
    assert asked == ["text"]
    assert {part: vector.shape for part, vector in first.items()} == {"text": (8,), "image": (12,)}
    for part, vector in first.items():
        np.testing.assert_array_equal(vector, second[part])
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_hot_query_has_both_vectors_ready(joint, django_assert_num_queries):
    queries.keep("red", 7)
    assert queries.prepare() == 1
    assert len(HotQueryVector.objects.get().vector) == 8 + 12
    cache.clear()
    with django_assert_num_queries(1):
        parts = query_vectors.begin("red").wait_parts()
    assert parts.keys() == {"text", "image"}


def test_a_worker_of_an_older_release_answers_with_the_text_alone(joint, monkeypatch):
    """While a release is deployed: its row is shorter, and is not taken for another vector."""
    compute = queries.compute

    def shortened(question: Question):
        answer = compute(question)
        return answer._replace(row=answer.row[:8])

    monkeypatch.setattr(queries, "compute", shortened)
    assert query_vectors.begin("red", timeout_ms=SLOW_MS).wait_parts().keys() == {"text"}


def test_without_a_text_encoder_photos_alone_have_a_meaning(
    products, settings, clip_that_knows_colours
):
    settings.SIMILARITY = with_settings(clip_that_knows_colours, text=False)
    promote(build_version(), force=True)  # the product without a photo has no vector
    assert search("green").related[0].product == products["green"]
    assert query_vectors.encode_query("green", timeout_ms=SLOW_MS) is None


def test_the_encoder_is_exchanged_by_a_new_version_of_another_length(
    products, settings, clip_that_knows_colours
):
    """From an encoder that knows no words to one that does, and back."""
    before = with_settings(clip_that_knows_colours)
    before["ENCODERS"]["image"] = {
        "CLASS": "similarity.encoders.colour.ColourEncoder",
        **fused(0.5, 6),
    }
    settings.SIMILARITY = before
    old = promote(build_version())
    assert "joint" not in old.encoders["image"]
    assert {hit.tier for hit in search("red").related} == {"text"}

    settings.SIMILARITY = with_settings(clip_that_knows_colours)
    new = promote(build_version())
    assert new.encoders["image"]["joint"] is True
    assert (old.dimensions["image"], new.dimensions["image"]) == (6, 12)
    assert search("red").related[0].product == products["red"]

    settings.SIMILARITY = before
    rollback()
    assert EncoderVersion.objects.live() == old
    assert {hit.tier for hit in search("red").related} == {"text"}


def test_meaning_of_both_is_bounded_and_modest():
    """A perfect photo counts less than a perfect text; what lacks one side has 0 there."""
    scores = hybrid.meant({"text": {"a": 0.5, "b": 0.1}, "image": {"b": 0.3, "c": 0.3}})
    assert scores["a"] == pytest.approx(1 - hybrid.PICTURES)
    assert scores["c"] == pytest.approx(hybrid.PICTURES)
    assert scores["b"] == pytest.approx(0.2 * (1 - hybrid.PICTURES) + hybrid.PICTURES)
    assert hybrid.meant({"text": {"a": -0.2}}) == {"a": -0.2}
    assert hybrid.meant({"text": {"a": -0.2}, "image": {"a": -0.1}}) == {"a": 0.0}
