"""Search among so many products that not all that match can be looked at.

The thresholds are lowered, so that some dozens of products are many.
"""

import time
from contextlib import ExitStack

import pytest
from django.db import connection

from similarity.search import (
    champion_lists,
    documents,
    lexical,
    ranking,
    result_set,
    sampling,
    search,
    sorting,
    suggest,
    terms,
    vocabulary,
)
from similarity.search.models import SearchLexeme
from similarity.search.models import documents as tables
from similarity.search.terms import Alternative
from tests.configure import with_settings
from tests.host.models import Product
from tests.retrieval.search.conftest import counts

MANY = 75


@pytest.fixture
def low(monkeypatch):
    """More than 20 documents are many; a champion list holds 30."""
    for module in (tables, champion_lists, lexical, terms):
        for name, value in (("COMMON", 20), ("CHAMPIONS", 30), ("SCORED", 20)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(
        champion_lists, "_LIST", champion_lists._LIST.replace("LIMIT 1500", "LIMIT 30")
    )
    monkeypatch.setattr(lexical, "ENOUGH", 5)
    monkeypatch.setattr(ranking, "MAX_DEPTH", 25)
    monkeypatch.setattr(lexical, "LATEST", 5)
    monkeypatch.setattr(sampling, "SHARES", (16,))  # of 75 documents one in 256 tells nothing


@pytest.fixture
def lamps(indexed):
    """Lamps of two colours that differ in how much else is said of them, and a kettle."""
    rows = [
        {
            "name": f"Lamp {'navy' if at % 3 else 'olive'}",
            "description": "very useful " * (at % 40),
            "group": f"lamp {at}",  # by which the share is drawn: the same in every run
            "attributes": {"colour": "navy" if at % 3 else "olive"},
            "price": 10 + at % 7,
        }
        for at in range(MANY)
    ]
    return indexed(*rows, {"name": "Kettle", "attributes": {"colour": "navy"}})


def scores(page):
    return [round(hit.score, 5) for hit in page.hits]


def test_one_common_word_is_ranked_as_if_all_were_looked_at(lamps, low, monkeypatch):
    """The list is in the order of the score, and the score is the product's own."""
    champion_lists.refresh()
    monkeypatch.setattr(lexical, "LATEST", 0)
    asked, listed = [], lexical._champions
    monkeypatch.setattr(lexical, "_champions", lambda *a: asked.append(True) or listed(*a))
    quick = search("lamp", limit=20, hybrid=False)
    monkeypatch.setattr(lexical, "SCORED", 10_000)
    monkeypatch.setattr(lexical, "COMMON", 10_000)
    full = search("lamp", limit=20, hybrid=False)
    assert scores(quick) == scores(full)
    assert asked == [True]
    assert [hit.key for hit in quick.hits] == [hit.key for hit in full.hits]
    assert full.total == quick.total == 25  # the depth of paging


def test_no_more_documents_are_scored_than_the_lists_hold(lamps, low, monkeypatch):
    champion_lists.refresh()
    looked_at = []
    run = lexical._best

    def noted(*args, **options):
        found = run(*args, **options)
        looked_at.append(len(found[0]))
        return found

    monkeypatch.setattr(lexical, "_best", noted)
    assert search("navy lamp", hybrid=False).hits
    assert looked_at
    assert max(looked_at) <= 2 * 30 + lexical.LATEST


def test_all_words_are_held_by_what_the_lists_bring(lamps, low):
    champion_lists.refresh()
    page = search("navy lamp", limit=30, hybrid=False)
    assert {hit.product.attributes["colour"] for hit in page.hits} == {"navy"}
    assert {hit.tier for hit in page.hits} == {"words"}


def test_what_is_rare_is_found_beside_what_is_common(lamps, low):
    """The kettle is in no list, and the one product that the query is about."""
    champion_lists.refresh()
    page = search("navy lamp kettle", limit=5, hybrid=False)
    assert "Kettle" in [hit.product.name for hit in page.hits]


def test_a_product_made_after_the_lists_is_found(lamps, low, indexed, monkeypatch):
    champion_lists.refresh()
    monkeypatch.setattr(vocabulary, "refresh", lambda: True)
    [new] = indexed({"name": "Lamp"})
    assert new in [hit.product for hit in search("lamp", limit=40, hybrid=False).hits]


def test_a_product_that_no_longer_holds_the_word_is_not_found(lamps, low):
    champion_lists.refresh()
    best = search("lamp", limit=1, hybrid=False).hits[0].product
    Product.objects.filter(pk=best.pk).update(name="Vase", description="")
    documents.index([str(best.pk)])
    assert best not in [hit.product for hit in search("lamp", limit=30, hybrid=False).hits]


def test_where_the_filter_leaves_few_of_the_best_all_are_looked_at(lamps, low):
    """Else a shopper who narrows a common word down would miss most of what there is."""
    champion_lists.refresh()
    listed = SearchLexeme.objects.get(lexeme="lamp").best
    within = Product.objects.exclude(pk__in=listed[:28]).filter(name__startswith="Lamp")
    page = search("lamp", limit=100, hybrid=False, within=within)
    assert len(page.hits) == 25 > 2 + lexical.LATEST


def test_only_common_lexemes_have_a_list_and_lose_it_again(lamps, low, monkeypatch):
    assert champion_lists.refresh() > 0
    lists = dict(SearchLexeme.objects.filter(best__isnull=False).values_list("lexeme", "best"))
    assert {"lamp", "navi", "oliv"} <= lists.keys()
    assert "kettl" not in lists
    assert "" not in lists
    assert max(map(len, lists.values())) == 30
    monkeypatch.setattr(champion_lists, "COMMON", 10_000)
    assert champion_lists.refresh() == 0
    assert not SearchLexeme.objects.filter(best__isnull=False).exists()


def test_before_the_lists_are_made_a_share_of_all_documents_is_ranked(lamps, low, monkeypatch):
    """Not the last that were written, who are the best of nothing."""
    SearchLexeme.objects.update(best=None)
    monkeypatch.setattr(lexical, "ENOUGH", 1)
    monkeypatch.setattr(ranking, "ENOUGH", 1)
    sources = []
    run = lexical._best
    monkeypatch.setattr(lexical, "_best", lambda *a, **o: sources.append(a[2].sql) or run(*a, **o))
    page = search("navy lamp", hybrid=False)
    assert page.hits
    assert not page.total_is_exact
    assert len(sources) == 1
    assert "md5" in sources[0]


def test_an_outgrown_count_leaves_the_lists_to_the_nightly_one(lamps, low, monkeypatch):
    """It is made by a worker that has products to embed."""
    monkeypatch.setattr(champion_lists, "refresh", lambda: pytest.fail("lists were made"))
    SearchLexeme.objects.filter(lexeme="").update(documents=1)
    assert vocabulary.refresh_if_outgrown()


@pytest.mark.parametrize("lexeme", ["o'clock", "a\\b", "'", "x"])
def test_any_lexeme_can_be_asked_for(db, lexeme):
    """A quote that is not doubled would end the list for all of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::tsquery::text", [champion_lists.quoted(lexeme)])
        [text] = cursor.fetchone()
    assert Alternative("", text, 1).lexeme == lexeme


class TestFacets:
    def test_counts_of_many_are_estimates_of_two_digits_and_say_so(self, indexed, monkeypatch):
        """Drawn by a hash of the group, which is the same in every run."""
        monkeypatch.setattr(result_set, "COUNTED", 50)
        indexed(
            *(
                {
                    "name": "Lamp",
                    "group": f"lamp {at}",
                    "attributes": {"colour": "navy" if at % 3 else "olive"},
                }
                for at in range(160)
            )
        )
        page = search("lamp", facets=["colour", "price"], hybrid=False)
        assert not page.facets_are_exact
        values = counts(page.facets["colour"])
        assert values["navy"] == pytest.approx(107, rel=0.5)
        assert values["navy"] > values["olive"]
        assert all(len(str(count).rstrip("0")) <= 2 for count in values.values())
        assert sum(bucket.count for bucket in page.prices) == pytest.approx(160, rel=0.5)

    def test_counts_of_few_are_exact(self, lamps):
        page = search("lamp", facets=["colour"], hybrid=False)
        assert page.facets_are_exact
        assert counts(page.facets["colour"]) == {"navy": 50, "olive": 25}

    def test_querysets_that_are_equal_are_read_once(self, lamps, django_assert_max_num_queries):
        every = Product.objects.filter(is_active=True)
        asked = {"colour": every, "brand": every.all(), "category": every.all()}
        with django_assert_max_num_queries(10):  # each step sets a savepoint and goes back
            page = search("lamp", facets=asked, hybrid=False)
        assert list(page.facets) == ["colour", "brand", "category"]

    def test_values_of_a_list_and_of_yes_and_no_count_as_filters_take_them(self, indexed):
        indexed(
            {"name": "Lamp", "attributes": {"fits": ["E14", "E27"], "dimmable": True}},
            {"name": "Lamp", "attributes": {"fits": ["E27"], "dimmable": False}},
            {"name": "Lamp", "attributes": {"fits": {"odd": 1}}},
        )
        page = search("lamp", facets=["fits", "dimmable"], hybrid=False)
        assert counts(page.facets["fits"]) == {"E27": 2, "E14": 1}
        assert counts(page.facets["dimmable"]) == {"yes": 1, "no": 1}


class TestTime:
    """No search takes longer than SEARCH_BUDGET_MS; what is missing then is said."""

    @pytest.fixture
    def slow(self):
        """Makes PostgreSQL sleep before queries that hold ``part``, in the same message."""

        def make(part, seconds=20):
            def sleeping(execute, sql, *about):
                return execute(f"SELECT pg_sleep({seconds}); {sql}" if part in sql else sql, *about)

            stack.enter_context(connection.execute_wrapper(sleeping))

        with ExitStack() as stack:
            yield make

    def test_words_that_take_too_long_are_cut_off(self, lamps, slow, settings):
        settings.SIMILARITY = with_settings(SEARCH={"TIME_LIMIT_MS": 200})
        slow("similarity_searchdocument")
        started = time.monotonic()
        page = search("lamp", hybrid=False)
        assert time.monotonic() - started < 10
        assert not page.total_is_exact
        assert (page.outcome, page.total, page.rescued) == ("out_of_time", 0, "")

    def test_facets_that_take_too_long_are_left_out_and_hits_stay(self, lamps, slow, settings):
        settings.SIMILARITY = with_settings(SEARCH={"TIME_LIMIT_MS": 2000})
        slow("TRUE AND EXISTS")
        started = time.monotonic()
        page = search("lamp", facets=["colour", "price"], hybrid=False)
        assert time.monotonic() - started < 10
        assert len(page.hits) == 24
        assert page.facets == {}
        assert page.prices == ()
        assert not page.facets_are_exact


def test_sorting_a_common_word_ends_at_the_depth_of_paging(lamps, low, monkeypatch):
    monkeypatch.setattr(sorting, "MAX_DEPTH", 10)
    page = search("lamp", sort="price", limit=10, hybrid=False)
    assert [hit.product.price for hit in page.hits] == [10] * 10
    assert page.total == 10


def test_sorting_reads_on_where_variants_fill_the_first_page(indexed, monkeypatch):
    """Variants of one lamp stand before the others by price."""
    monkeypatch.setattr(sorting, "MAX_DEPTH", 4)
    indexed(
        *({"name": "Lamp", "price": 1, "group": "one"} for _ in range(12)),
        *({"name": "Lamp", "price": 5 + at} for at in range(3)),
    )
    page = search("lamp", sort="price", hybrid=False)
    assert [hit.product.price for hit in page.hits] == [1, 5, 6, 7]


def test_suggestions_of_a_common_word_still_need_a_product_that_passes(lamps):
    assert "lamp" in [one.text for one in suggest("lam")]
    none = Product.objects.filter(name="Kettle")
    assert "lamp" not in [one.text for one in suggest("lam", within=none)]


def test_suggestions_that_take_too_long_are_those_found_so_far(lamps, settings, monkeypatch):
    """Queries are first; what comes after them is left out, and no page waits for it."""
    settings.SIMILARITY = with_settings(SEARCH={"TIME_LIMIT_MS": 2000})

    def slow(words, within, adapter):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")

    monkeypatch.setitem(suggest.__globals__, "_values", slow)
    started = time.monotonic()
    found = suggest("lam")
    assert time.monotonic() - started < 10
    assert [(one.kind, one.text) for one in found] == [("query", "lamp")]
