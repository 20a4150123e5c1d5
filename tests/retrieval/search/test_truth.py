"""What matches is counted, what is near stands apart, and three kinds of nothing are told apart."""

import numpy as np
import pytest
from django.db import OperationalError

from similarity.models import EncoderVersion
from similarity.search import Outcome, engine, lexical, ranking, search
from similarity.search.budget import QUERY_CANCELED, Budget
from tests.host.models import Product
from tests.retrieval.search.conftest import counts, names, related

EAST = np.array([1, 0], np.float32)
SORTS = ["relevance", "price", "-price", "newest"]


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    from similarity.search import query_vectors

    monkeypatch.setattr(
        query_vectors, "begin", lambda text, **options: query_vectors.PendingVector(None)
    )


@pytest.fixture
def shop(indexed, make_version, store):
    """Six dresses, a skirt and navy things, and how near each lies to EAST."""
    products = indexed(
        *(
            {"name": f"Linen dress {at}", "price": 40 + at, "category": "Dresses"}
            for at in range(6)
        ),
        {"name": "Wool skirt", "price": 10, "category": "Skirts"},
        *({"name": f"Navy sock {at}", "price": 5, "category": "Socks"} for at in range(12)),
        {"name": "Teapot", "price": 15, "category": "Kitchen"},
        *({"name": f"Clock {at}", "price": 60, "category": "Clocks"} for at in range(12)),
    )
    version = make_version({"text": 1.0}, {"text": 2}, blocks={})
    EncoderVersion.objects.filter(pk=version.pk).update(query_floors={"text": 0.6})
    cosines = {"Linen": 0.9, "Wool": 0.7, "Navy": 0.5, "Teapot": 0.1, "Clock": 0.0}
    for product in products:
        near = cosines[product.name.split()[0]]
        store(product, version, text=[near, np.sqrt(1 - near**2)])
    return products


@pytest.mark.parametrize("text", ["dress", "navy dress", "linen dress 3", "navy", "socks teapot"])
def test_neither_order_nor_vector_changes_what_matches(shop, text):
    pages = [search(text, 100, sort=sort, vector=EAST) for sort in SORTS]
    pages += [search(text, 100, sort=sort, hybrid=False) for sort in SORTS]
    [matching] = {frozenset(hit.key for hit in page.hits) for page in pages}
    assert {page.total for page in pages} == {len(matching)} != {0}
    assert {page.outcome for page in pages} == {Outcome.FOUND}


def test_what_is_near_stands_apart_and_is_not_counted(shop):
    page = search("dress", 100, vector=EAST, facets=["category", "price"])
    assert page.total == len(page.hits) == 6
    assert related(page) == ["Wool skirt"], "socks lie below the floor"
    assert counts(page.facets["category"]) == {"Dresses": 6}
    assert sum(bucket.count for bucket in page.prices) == 6
    assert [hit.tier for hit in page.related] == ["text"]


def test_what_is_near_stands_where_the_matches_end(shop):
    first = search("dress", 4, vector=EAST)
    assert (len(first.hits), first.related) == (4, [])
    last = search("dress", 4, vector=EAST, after=first.next)
    assert (len(last.hits), related(last), last.next) == (2, ["Wool skirt"], None)


def test_half_of_what_was_asked_for_matches_where_no_product_holds_all(shop):
    """A dress is half an answer to "navy dress": of the two words it is the rarer one."""
    page = search("navy dress", 100, facets=["category"])
    assert page.rescued == "some_words"
    assert {name.split()[0] for name in names(page)} == {"Linen"}
    assert counts(page.facets["category"]) == {"Dresses": 6}


def test_a_facet_of_half_matches_is_counted_beyond_its_own_filter(shop):
    """Socks are navy and clocks are clocks: each is half of "navy clock"."""
    everything = Product.objects.all()
    clocks = everything.filter(category__name="Clocks")
    page = search("navy clock", 100, within=clocks, facets={"category": everything})
    assert (page.total, page.rescued) == (12, "some_words")
    assert counts(page.facets["category"]) == {"Clocks": 12, "Socks": 12}


def test_a_word_that_no_product_has_weighs_no_more_than_a_known_one(shop):
    assert {name.split()[0] for name in names(search("zzzzqqqq dress ", 100))} == {"Linen"}
    page = search("zzzzqqqq vvvvkkkk dress ", 100, vector=EAST)
    assert page.total == 0, "a third of what was asked for"
    assert {name.split()[0] for name in related(page)} == {"Linen", "Wool"}


def test_the_more_words_a_product_holds_the_less_near_it_has_to_be(shop):
    """A third of the words lowers the floor of 0.6 to 0.2: socks (0.5) pass, a teapot (0.1) not."""
    for text, some in (("socks", {"Navy"}), ("teapot", set())):
        page = search(f"zzzzqqqq vvvvkkkk {text} ", 100, vector=EAST)
        assert page.total == 0
        assert {name.split()[0] for name in related(page)} == {"Linen", "Wool"} | some


def test_a_word_alone_relates_nothing_to_matches_of_a_far_category(indexed, make_version, store):
    """All lie below the floor of 0.6; "bag" makes up for it in the department alone."""
    outdoor, fashion, camp = 1, 2, 3
    categories = {"Mummy sleeping bag": outdoor, "Camp bag": camp, "Saddle bag": fashion}
    products = indexed(*({"name": name, "category": name} for name in categories))
    version = make_version({"text": 1.0}, {"text": 2}, blocks={})
    floor = {"departments": {str(outdoor): 9, str(camp): 9, str(fashion): fashion}}
    EncoderVersion.objects.filter(pk=version.pk).update(query_floors={"text": 0.6}, floor=floor)
    for product in products:
        stored = store(product, version, text=[0.5, np.sqrt(0.75)])
        stored.category = categories[product.name]
        stored.save(update_fields=["category"])
    page = search("sleeping bag", vector=EAST)
    assert (names(page), related(page)) == (["Mummy sleeping bag"], ["Camp bag"])
    page = search("sleeping pillow bag", vector=EAST)
    assert page.total == 1
    assert "Saddle bag" not in related(page)
    page = search("zzzzqqqq bag", vector=EAST)
    assert set(names(page)) == set(categories), "no product holds both: each is half an answer"


@pytest.mark.parametrize(("held", "least"), [(0, 0.6), (0.25, 0.3), (0.4, 0.12), (0.5, 0), (1, 0)])
def test_the_least_cosine_falls_evenly_to_half_of_the_words(held, least):
    assert lexical.least_cosine(0.6, held) == pytest.approx(least)


@pytest.mark.parametrize("text", ["%", "-", "!!!", "", "—", "😀"])
def test_what_has_no_words_has_no_meaning(shop, text):
    page = search(text, vector=EAST)
    assert (page.outcome, page.total, page.related) == (Outcome.NOTHING, 0, [])
    assert page.rescued == "popular"
    assert not page.hybrid


def test_gibberish_finds_nothing_with_a_vector_and_without(shop):
    far = np.array([-1, 0], np.float32)
    for page in (search("asdfqwerzxcv ", vector=far), search("asdfqwerzxcv ")):
        assert (page.outcome, page.total, page.rescued) == (Outcome.NOTHING, 0, "popular")
        assert page.hits, "best sellers"
        assert not page.facets


def test_without_a_word_in_common_what_is_near_is_related(shop):
    page = search("gown ", vector=EAST, facets=["category"])
    assert (page.hits, page.total, page.outcome) == ([], 0, Outcome.RELATED)
    assert set(related(page)) == {*(f"Linen dress {at}" for at in range(6)), "Wool skirt"}
    assert page.facets == {}


def test_before_a_floor_is_learned_there_is_a_modest_one(shop):
    EncoderVersion.objects.update(query_floors={})
    assert {name.split()[0] for name in related(search("dress", 100, vector=EAST))} == {
        "Wool",
        "Navy",
    }


@pytest.mark.parametrize("hybrid", [True, False])
def test_nothing_at_that_price_is_not_nothing(shop, hybrid):
    page = search("dress under 5 €", vector=EAST if hybrid else None, hybrid=hybrid)
    assert (page.outcome, page.hits, page.total, page.rescued) == (Outcome.PRICED_OUT, [], 0, "")
    assert len(related(page)) == 6
    assert (page.price.high, page.without_price) == (5, "dress")
    assert search(page.without_price).total == 6


def test_a_price_below_which_something_matches_is_told_too(shop):
    page = search("dress under 43 -linen")
    assert page.outcome != Outcome.FOUND
    page = search("dress under 43")
    assert (page.outcome, page.total, page.price.high) == (Outcome.FOUND, 4, 43)
    assert search("dress").price is None


def test_of_what_is_not_stocked_the_price_is_no_reason(shop):
    page = search("asdfqwerzxcv under 5")
    assert page.outcome == Outcome.NOTHING


def test_nothing_that_passes_the_filters_is_not_nothing(shop):
    everything = Product.objects.all()
    socks = everything.filter(category__name="Socks")
    page = search("dress", within=socks, unfiltered=everything)
    assert (page.outcome, page.hits, page.total) == (Outcome.FILTERED_OUT, [], 0)
    assert len(related(page)) == 6
    page = search("dress under 5 €", within=socks, unfiltered=everything)
    assert page.outcome == Outcome.FILTERED_OUT, "no sock is a dress at any price"
    page = search("asdfqwerzxcv ", within=socks, unfiltered=everything)
    assert page.outcome == Outcome.NOTHING


@pytest.mark.parametrize("text", ["dress", "dress under 5 €", "asdfqwerzxcv", "gown"])
def test_what_was_not_looked_at_is_not_missing(shop, text, monkeypatch):
    monkeypatch.setattr(engine.Budget, "configured", lambda: Budget(0))
    page = search(text, facets=["category"], vector=EAST)
    assert (page.outcome, page.total, page.rescued) == (Outcome.OUT_OF_TIME, 0, "")
    assert not page.total_is_exact
    assert page.hits == []


def test_a_vector_that_comes_too_late_leaves_the_count_exact(shop, monkeypatch):
    """The words were searched in time; the neighbours were not."""

    def cut_off(*arguments):
        error = OperationalError("canceling statement due to statement timeout")
        error.__cause__ = type("QueryCanceled", (Exception,), {"sqlstate": QUERY_CANCELED})()
        raise error

    monkeypatch.setattr(ranking, "with_meaning", cut_off)
    page = search("dress", vector=EAST)
    assert (page.total, page.total_is_exact, page.related) == (6, True, [])
    assert (page.outcome, page.hybrid) == (Outcome.FOUND, False)
