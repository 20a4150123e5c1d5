import numpy as np
import pytest
from django.core.cache import cache
from django.db import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from similarity.catalog import wording
from similarity.catalog.adapter import get_adapter
from similarity.exceptions import QueryError
from similarity.search import Outcome, documents, lexical, ranking, search
from similarity.search.models import Synonym
from tests.host.models import Product
from tests.retrieval.search.conftest import counts, names, related

EAST = np.array([1, 0], np.float32)


@pytest.fixture
def vectors_of_all(wardrobe, make_version, store):
    version = make_version({"text": 1.0}, {"text": 2}, blocks={})
    for product in wardrobe:
        store(product, version, text=[1, 0])


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch):
    """No worker runs here, and none is asked."""
    from similarity.search import query_vectors

    monkeypatch.setattr(
        query_vectors, "begin", lambda text, **options: query_vectors.PendingVector(None)
    )


def test_products_with_every_word_come_first_and_the_title_counts_most(wardrobe):
    page = search("navy shirt")
    assert names(page)[0] == "Navy linen shirt"
    assert {hit.tier for hit in page.hits[:3]} == {"words"}
    assert "Olive jacket" in names(page), "its description has both words"
    assert page.rescued == ""


def test_words_match_by_stem_accents_and_compounds(wardrobe):
    assert names(search("dresses")) == ["Red linen dress"]
    assert names(search("creme")) == names(search("CRÈME")) == ["Wool jumper"]
    assert names(search("tshirt")) == ["Navy cotton T-shirt"]
    assert names(search("100ml")) == names(search("100 ml")) == ["Wool jumper"]


def test_a_compound_is_more_than_its_last_word(wardrobe):
    assert names(search("t-shirt"))[0] == "Navy cotton T-shirt"


def test_phrases_hold_and_unwanted_words_do_not(wardrobe):
    assert names(search('"navy linen"')) == ["Navy linen shirt"]
    assert names(search("linen -navy")) == ["Red linen dress"]
    assert names(search("-navy")) == names(search("")), "nothing is wanted"


@pytest.mark.parametrize(
    ("typed", "meant"), [("nvay linen shrit", "navy linen shirt"), ("linnen Dress", "linen Dress")]
)
def test_misspelt_words_are_put_right_and_told(wardrobe, typed, meant):
    page = search(f"{typed} ")
    assert (page.did_you_mean, page.corrected) == (meant, True)
    assert names(page)[0] in ("Navy linen shirt", "Red linen dress")


def test_words_in_quotes_are_meant_as_they_are(wardrobe):
    page = search('"shrit"')
    assert (page.did_you_mean, page.total, page.rescued) == ("", 0, "popular")


def test_the_word_being_typed_is_completed_and_not_corrected(wardrobe):
    page = search("navy shi")
    assert (names(page)[0], page.did_you_mean) == ("Navy linen shirt", "")


def test_synonyms_hold_both_ways_or_one_way(wardrobe):
    Synonym.objects.create(terms="pullover, jumper")
    Synonym.objects.create(terms="jacket", only_from="winter coat")
    cache.clear()
    assert names(search("pullover")) == ["Wool jumper"]
    assert names(search("winter coat")) == ["Olive jacket"]
    assert search("jacket").total == 1
    Synonym.objects.update(active=False)
    cache.clear()
    assert search("pullover").rescued == "popular"


def test_a_price_in_the_query_bounds_the_hits(indexed):
    indexed({"name": "Cheap lamp", "price": 9}, {"name": "Dear lamp", "price": 90})
    assert names(search("lamp under 20")) == ["Cheap lamp"]
    assert names(search("lamp over 20 €")) == ["Dear lamp"]


def test_a_number_is_no_price_where_a_product_holds_it_as_a_word(indexed):
    indexed(
        {"name": "Toddler puzzle ages 1-3", "price": 12},
        {"name": "Puzzle of wood", "price": 2},
        {"name": "Multivitamin women 50+", "price": 24},
        {"name": "Multivitamin women", "price": 64},
    )
    assert names(search("toddler puzzle under 3"))[0] == "Toddler puzzle ages 1-3"
    assert names(search("multivitamin women over 50"))[0] == "Multivitamin women 50+"
    assert names(search("multivitamin women over 50 €")) == ["Multivitamin women"]
    assert names(search("puzzle under 4")) == ["Puzzle of wood"]


@pytest.mark.parametrize("typed", ["XK-2041/B", "xk2041b", "XK 2041 B", "xk-2041", "XK-2041/C"])
def test_a_code_is_found_as_a_whole_by_its_beginning_and_with_a_slip(indexed, typed):
    wanted, *_ = indexed({"sku": "XK-2041/B"}, {"sku": "ZZ-9"}, {"name": "XK lamp", "sku": "L1"})
    page = search(typed)
    hit, another = page.hits[0], typed == "XK-2041/C"
    assert (hit.product, hit.tier) == (wanted, "near_code" if another else "code")
    assert page.rescued == ("near_code" if another else ""), "a neighbour of a code is another's"


@pytest.mark.parametrize(
    "typed", ["RNG482", "rng482-dre", "BR/SOFT/ROSE", "br-soft-rose", "ACMEBLK"]
)
def test_a_code_is_found_by_its_inside_and_without_a_digit(indexed, typed):
    rows = [{"sku": "KT-RNG482-DRE"}, {"sku": "BR/SOFT/ROSE"}, {"sku": "ACME-BLK"}]
    indexed(*rows, {"name": "Soft rose"})
    hit = search(typed).hits[0]
    assert wording.normalise_code(typed) in wording.normalise_code(hit.product.sku)
    assert hit.tier == "code"


def test_a_code_that_is_one_word_does_not_beat_all_words(indexed):
    indexed(
        {"name": "Jeans 501", "brand": "Levis"},
        {"name": "Garden gnome", "sku": "501"},
        {"name": "Vitamin B12", "sku": "V-7"},
        {"name": "Lamp", "sku": "B12"},
    )
    assert [hit.tier for hit in search("levis 501").hits] == ["words"]
    assert names(search("levis 501"))[0] == "Jeans 501"
    assert names(search("vitamin b12"))[0] == "Vitamin B12"
    assert names(search("501"))[0] == "Garden gnome"
    assert names(search("lamp b12"))[0] == "Lamp"


def test_codes_do_not_bring_their_neighbours_by_meaning(indexed, make_version, store):
    version = make_version({"text": 1.0}, {"text": 2}, blocks={})
    wanted, other = indexed({"sku": "AB-123456"}, {"sku": "CD-9"})
    for product in (wanted, other):
        store(product, version, text=[1, 0])
    page = search("AB-123456", vector=np.array([1, 0], np.float32))
    assert [hit.product for hit in page.hits] == [wanted]


def test_some_words_rescue_an_empty_answer_and_say_so(wardrobe):
    page = search("navy umbrella ")
    assert page.rescued == "some_words"
    assert {hit.tier for hit in page.hits} == {"some_words"}


def test_neighbours_rescue_and_then_best_sellers_that_are_no_answer(wardrobe, make_version, store):
    version = make_version({"text": 1.0}, {"text": 2}, blocks={})
    store(wardrobe[4], version, text=[1, 0])
    page = search("zzzzzz ", vector=np.array([1, 0], np.float32))
    assert (page.hits, page.total, page.outcome) == ([], 0, Outcome.RELATED)
    assert (related(page), page.rescued, page.hybrid) == (["Wool jumper"], "text", True)
    page = search("zzzzzz ")
    assert (page.rescued, page.total, page.next) == ("popular", 0, None)
    assert (page.outcome, page.related) == (Outcome.NOTHING, [])
    assert {hit.tier for hit in page.hits} <= {"popular", "newest", "catalogue"}


def test_a_product_near_in_meaning_and_in_words_leads(wardrobe, make_version, store):
    version = make_version({"text": 1.0}, {"text": 2}, blocks={})
    store(wardrobe[1], version, text=[1, 0.1])
    store(wardrobe[4], version, text=[1, 0])
    page = search("linen", vector=np.array([1, 0], np.float32))
    assert names(page)[0] == "Navy linen shirt"
    assert set(names(page)) == {"Navy linen shirt", "Red linen dress"}
    assert related(page) == ["Wool jumper"]


def test_neighbours_hold_phrases_and_none_of_the_unwanted_words(wardrobe, make_version, store):
    version = make_version({"text": 1.0}, {"text": 2}, blocks={})
    for product in wardrobe:
        store(product, version, text=[1, 0])
    vector = np.array([1, 0], np.float32)
    page = search("linen -navy", vector=vector)
    assert "Navy linen shirt" not in [*names(page), *related(page)]
    page = search('"red linen"', vector=vector)
    assert (names(page), related(page)) == (["Red linen dress"], [])


def test_hits_hold_nothing_that_may_not_be_shown(wardrobe):
    Product.objects.filter(pk=wardrobe[1].pk).update(stock=0)
    Product.objects.filter(pk=wardrobe[0].pk).update(is_active=False)
    assert set(names(search("linen"))).isdisjoint({"Navy linen shirt", "Red linen dress"})
    everything = search("linen", within=Product.objects.all())
    assert set(names(everything)) == {"Navy linen shirt", "Red linen dress"}


def test_a_broken_queryset_of_the_hosts_leaves_its_transaction_usable(wardrobe):
    """A shopper's NUL in a filter would fail every later query of the page (ATOMIC_REQUESTS)."""
    with pytest.raises(DatabaseError, match="NUL"):
        search("linen", within=Product.objects.filter(name="a\0b"))
    assert Product.objects.count() == len(wardrobe)


def test_of_variants_one_is_found(indexed):
    indexed({"name": "Mug red"}, {"name": "Mug blue"}, {"name": "Mug green"}, group="M")
    indexed({"name": "Mug plain"})
    page = search("mug")
    assert (len(page.hits), page.total) == (2, 2)


@pytest.mark.parametrize("sort", ["relevance", "price", "-price", "newest"])
def test_pages_show_every_product_once_and_in_order(indexed, sort):
    rows = [
        {"name": f"Lamp {at}", "price": at % 7, "group": "G" if at < 3 else ""} for at in range(30)
    ]
    indexed(*rows)
    whole = [hit.key for hit in search("lamp", 100, sort=sort).hits]
    pages, after = [], None
    while True:
        page = search("lamp", 4, sort=sort, after=after)
        pages += [hit.key for hit in page.hits]
        after = page.next
        if after is None:
            break
    assert pages == whole
    assert len(whole) == len(set(whole)) == page.total == 28
    prices = [Product.objects.get(pk=key).price for key in whole]
    if sort.endswith("price"):
        assert prices == sorted(prices, reverse=sort == "-price")


def test_a_product_that_sells_out_between_two_pages_shifts_nothing(indexed):
    products = indexed(*({"name": f"Lamp {at}"} for at in range(9)))
    first = search("lamp", 3)
    Product.objects.filter(pk=first.hits[0].key).update(stock=0)
    second = search("lamp", 3, after=first.next)
    shown = {hit.key for hit in [*first.hits, *second.hits]}
    assert len(shown) == 6
    assert len(products) == 9


def test_only_what_holds_every_word_is_sorted_by_price(wardrobe):
    """At the end of the ranking stands what has little to do with the query, and may be cheap."""
    Product.objects.filter(pk=wardrobe[4].pk).update(price=1)
    assert "Wool jumper" not in names(search("navy shirt", sort="price"))


def test_facets_are_counted_among_the_hits(wardrobe):
    page = search("linen", facets=["colour", "category", "price"])
    assert counts(page.facets["colour"]) == {"navy": 1, "red": 1}
    assert sum(bucket.count for bucket in page.prices) == page.total == 2


def test_a_facet_is_counted_under_the_other_filters(wardrobe):
    eligible = get_adapter().eligible()
    navy = eligible.filter(attributes__colour="navy")
    page = search("linen", within=navy, facets={"colour": eligible, "category": navy})
    assert counts(page.facets["colour"]) == {"navy": 1, "red": 1}
    assert len(page.facets["category"]) == 1


def test_lists_and_booleans_are_counted_as_filters_take_them(indexed):
    indexed(
        {"name": "Lamp", "attributes": {"colour": ["red", "blue"], "fits": True}},
        {"name": "Lamp two", "attributes": {"colour": "red", "fits": False}},
    )
    page = search("lamp", facets=["colour", "fits"])
    assert counts(page.facets["colour"]) == {"red": 2, "blue": 1}
    assert counts(page.facets["fits"]) == {"yes": 1, "no": 1}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"limit": 0}, "limit is 0"),
        ({"limit": True}, "limit is True"),
        ({"sort": "rating"}, "sort is 'rating'"),
        ({"after": "!!!"}, "after is '!!!'"),
        ({"facets": ["id; DROP TABLE"]}, "facet"),
        ({"facets": [f"a{at}" for at in range(30)]}, "30 facets"),
    ],
)
def test_arguments_that_cannot_be_served_are_named(db, arguments, named):
    with pytest.raises(QueryError, match=named):
        search("lamp", **arguments)
    with pytest.raises(QueryError, match="text is 7"):
        search(7)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(max_size=60) | st.text("ab-\"'()&|!:*<>\\ 1.", max_size=60))
def test_no_text_is_an_error(wardrobe, text):
    search(text, facets=["colour", "price"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("text", "arguments", "queries"),
    [
        ("navy linen shirt", {"hybrid": False}, 4),
        ("navy linen shirt", {"hybrid": False, "facets": ["colour", "brand", "price"]}, 5),
        ("navy linen shirt", {}, 8),
        ("navy linen shirt", {"facets": ["colour", "brand", "price"]}, 9),
        ("navy linen shirt", {"sort": "price", "facets": ["colour", "brand", "price"]}, 10),
        ("zzzzzz ", {"hybrid": False}, 9),
        ("navy linen t-shirt m10x40 h&m no iron", {"hybrid": False}, 9),
        ("navy shirt under 50", {"hybrid": False}, 6),
    ],
)
def test_a_page_takes_few_queries(
    vectors_of_all, text, arguments, queries, django_assert_max_num_queries
):
    """Settings are sent with them, and counts come with what is counted."""
    search(text, vector=EAST, **arguments)  # synonyms and the version are kept
    with django_assert_max_num_queries(queries):
        search(text, vector=EAST, **arguments)


def test_in_a_transaction_each_step_adds_a_savepoint_and_the_way_back(
    vectors_of_all, django_assert_max_num_queries
):
    search("navy", vector=EAST)
    with django_assert_max_num_queries(9 + 8 + 4):  # of 4 steps, and of the vectors' own settings
        search("navy linen shirt", vector=EAST, facets=["colour", "brand", "price"])


def test_the_index_is_used(wardrobe, django_assert_max_num_queries):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # of a few rows a scan is cheapest
        cursor.execute(
            "EXPLAIN SELECT FROM similarity_searchdocument WHERE document @@ 'navi'::tsquery"
        )
        plan = "".join(row[0] for row in cursor.fetchall())
    assert "similarity_search_document" in plan


def test_two_words_are_asked_for_before_one_where_one_would_bring_too_many(indexed, monkeypatch):
    """A hood is half of what is asked for, and comes in only where pairs bring too few."""
    indexed(
        *({"name": f"{name} {at}"} for name in ("Navy shirt", "Cotton shirt") for at in range(3)),
        *({"name": f"Hood {at}"} for at in range(3)),
        *({"name": f"Lamp {at}"} for at in range(20)),
    )
    monkeypatch.setattr(lexical, "BROAD", 0)
    monkeypatch.setattr(lexical, "_ENOUGH_HELD", 0.2)
    for enough, kinds in ((2, {"Navy", "Cotton"}), (48, {"Navy", "Cotton", "Hood"})):
        monkeypatch.setattr(ranking, "ENOUGH", enough)
        page = search("navy cotton shirt hood ", 100)
        assert {name.split()[0] for name in names(page)} == kinds


def test_a_product_without_a_document_is_not_found_and_breaks_nothing(make_product, wardrobe):
    late = make_product(name="Linen scarf")
    assert late not in [hit.product for hit in search("linen").hits]
    documents.index([str(late.pk)])
    assert late in [hit.product for hit in search("linen").hits]
