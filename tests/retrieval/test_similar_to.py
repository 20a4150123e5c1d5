"""What `similar_to` answers, argument by argument and state by state."""

import math

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from similarity.exceptions import QueryError
from similarity.models import EncoderVersion
from similarity.similar.hits import Candidate
from similarity.similar.shelves import similar_page, similar_to, similar_to_vector
from similarity.similar.tiers import diverse
from tests.configure import with_settings
from tests.host.models import Brand, Category, Product
from tests.retrieval.conftest import DIMENSIONS

pytestmark = pytest.mark.django_db


def axis(part, at, towards=0.0):
    """A unit vector along one axis, leaning ``towards`` the last."""
    row = [0.0] * DIMENSIONS[part]
    row[at], row[-1] = math.sqrt(1 - towards**2), towards
    return row


@pytest.fixture
def shelf(make_product, make_version, store):
    """A source, a look-alike, a namesake, and one that shares nothing."""
    version = make_version()
    made = {name: make_product(name=name) for name in ("source", "looks", "named", "other")}
    store(
        made["source"],
        version,
        text=axis("text", 0),
        image=axis("image", 0),
        colour=axis("colour", 0),
    )
    store(
        made["looks"],
        version,
        text=axis("text", 1),
        image=axis("image", 0),
        colour=axis("colour", 1),
    )
    store(
        made["named"],
        version,
        text=axis("text", 0),
        image=axis("image", 1),
        colour=axis("colour", 2),
    )
    store(
        made["other"],
        version,
        text=axis("text", 2),
        image=axis("image", 2),
        colour=axis("colour", 3),
    )
    return made


def names(hits):
    return [hit.product.name for hit in hits]


def test_order_and_scores_by_hand(shelf):
    """Text weighs 0.40 of 0.85, the image 0.30: cosines 0.47, 0.35, 0."""
    hits = similar_to(shelf["source"], 3)
    assert names(hits) == ["named", "looks", "other"]
    expected = [(1 + 0.40 / 0.85) / 2, (1 + 0.30 / 0.85) / 2, 0.5]
    assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-3)


def test_metrics_order_alike_and_scale_differently(shelf):
    by = {
        metric: similar_to(shelf["source"], 3, metric=metric) for metric in ("cosine", "dot", "l2")
    }
    assert names(by["cosine"]) == names(by["dot"]) == names(by["l2"])
    cosine = 0.40 / 0.85
    assert by["dot"][0].score == pytest.approx((1 + cosine) / 2, abs=1e-3)
    assert by["l2"][0].score == pytest.approx(1 - math.sqrt(2 - 2 * cosine) / 2, abs=1e-3)


def test_weights_and_modes_turn_the_order(shelf):
    assert names(similar_to(shelf["source"], 3, weights={"image": 1}))[0] == "looks"
    by_image = similar_to(shelf["source"], 3, mode="image")
    assert names(by_image)[0] == "looks"
    assert {hit.tier for hit in by_image} == {"image"}
    assert names(similar_to(shelf["source"].pk, 3, mode="text"))[0] == "named"


def test_reasons_are_shares_of_the_score(shelf):
    first, *_, last = similar_to(shelf["source"], 3, explain=True)
    assert [(reason.name, reason.text) for reason in first.reasons] == [
        ("text", "Same description")
    ]
    assert sum(reason.share for reason in first.reasons) == pytest.approx(1)
    assert last.reasons == ()


def test_attributes_mode_names_the_blocks(make_product, make_version, store):
    version = make_version()
    source, same_brand = make_product(), make_product()
    store(source, version, attributes=[1] + [0] * 3 + [1] + [0] * 11)
    store(same_brand, version, attributes=[1] + [0] * 4 + [1] + [0] * 10)
    (hit,) = similar_to(source, mode="attributes", explain=True)
    assert hit.tier == "attributes"
    assert [(r.name, r.share, r.text) for r in hit.reasons] == [("brand", 1.0, "Same brand")]


def test_a_missing_part_is_masked(make_product, make_version, store):
    """A product without a photo is compared by its text alone, not punished by a zero."""
    version = make_version()
    source, bare, full = make_product(), make_product(name="bare"), make_product(name="full")
    store(source, version, text=axis("text", 0), image=axis("image", 0))
    store(bare, version, text=axis("text", 0))
    store(full, version, text=axis("text", 0), image=axis("image", 1))
    weights = {"text": 1, "image": 1}
    scores = {h.product.name: h.score for h in similar_to(source, weights=weights)}
    assert scores == pytest.approx({"bare": 1.0, "full": 0.75}, abs=1e-3)
    dots = {h.product.name: h.score for h in similar_to(source, weights=weights, metric="dot")}
    assert dots == pytest.approx({"bare": 0.75, "full": 0.75}, abs=1e-3)


def test_itself_its_variants_and_exclude_are_left_out(make_product, make_version, store):
    version = make_version()
    made = [make_product(group=group) for group in ("a", "a", "b", "b", "", "")]
    for at, product in enumerate(made):
        store(product, version, text=axis("text", 0, towards=at / 10))
    keys = [hit.key for hit in similar_to(made[0], 8)]
    assert keys == [str(made[2].pk), str(made[4].pk), str(made[5].pk)]
    keys = [hit.key for hit in similar_to(made[0], 8, exclude=[made[2], str(made[4].pk)])]
    assert keys == [str(made[3].pk), str(made[5].pk)]


def test_variants_without_vectors_are_left_out_too(make_product, make_version, store):
    """Variants are told by one name, whether the vectors or the adapter give their group."""
    version = make_version()
    source, near = make_product(group="a"), make_product(group="b")
    for at, product in enumerate((source, near)):
        store(product, version, text=axis("text", 0, towards=at / 10))
    _own_variant, _its_variant = make_product(group="a"), make_product(group="b")
    alone = make_product()
    assert [hit.key for hit in similar_to(source, 8)] == [str(near.pk), str(alone.pk)]


def test_stock_is_read_live(shelf):
    Product.objects.filter(pk=shelf["named"].pk).update(stock=0)
    assert "named" not in names(similar_to(shelf["source"], 3))


def test_products_without_vectors_come_by_their_category(shelf, make_product):
    same = make_product(name="same")
    elsewhere = make_product(name="elsewhere", category="Garden")
    told = [(same, "category"), (elsewhere, "newest")]
    hits = similar_to(shelf["source"], 8)
    assert [(hit.product, hit.tier) for hit in hits[3:]] == told[:1]
    hits = similar_to(shelf["source"], 8, fill=True)
    assert [(hit.product, hit.tier) for hit in hits[3:]] == told
    assert [hit.score for hit in hits[3:]] == [0, 0]


def test_a_product_without_vectors_gets_its_category_then_its_department(make_product):
    paths = ("Outdoor > Tents", "Outdoor > Lamps", "Outdoor", "Outdoors", "Garden > Tents")
    source, tent, lamp, plain, _longer, _garden = (
        make_product(category=Category.objects.get_or_create(name=path, slug=slug, path=path)[0])
        for path, slug in zip((paths[0], *paths), "aabcde", strict=True)
    )
    hits = similar_to(source, 8, explain=True)
    assert [(hit.product, hit.tier) for hit in hits] == [
        (tent, "category"),
        (plain, "department"),
        (lamp, "department"),
    ]
    assert [hit.reasons[0].text for hit in hits] == ["Same category", *["Related category"] * 2]


def test_no_version_and_no_vectors_still_fill_the_shelf(make_product, settings):
    settings.SIMILARITY = with_settings(SHELVES={"FILL": True})
    source, variant = make_product(group="g"), make_product(group="g")
    other, twin, sibling = make_product(category="Garden"), make_product(), make_product(group="h")
    make_product(group="h")
    hits = similar_to(source, 8, explain=True)
    assert variant.pk not in [hit.product.pk for hit in hits]
    assert {hit.tier for hit in hits[:2]} == {"category"}
    assert hits[0].reasons[0].text == "Same category"
    assert hits[2].product == other
    assert len(hits) == 3
    assert twin in [hit.product for hit in hits]
    assert sibling.group in [hit.product.group for hit in hits]


def test_a_product_that_is_gone_gets_a_shelf_where_one_is_to_be_filled(shelf):
    assert similar_to(10**9, 2) == []
    assert len(similar_to(10**9, 2, fill=True)) == 2


def test_fused_impossible_falls_to_text(make_product, make_version, store):
    """The version weighs photos only; products without one have no fused direction."""
    version = make_version(weights={"text": 0.0, "image": 1.0})
    source, near = make_product(), make_product()
    store(source, version, text=axis("text", 0))
    store(near, version, text=axis("text", 0))
    (hit,) = similar_to(source)
    assert (hit.product, hit.tier, hit.score) == (near, "text", pytest.approx(1, abs=1e-3))


def test_versions_never_meet(shelf, make_version, store):
    """Vectors of another length in the same table neither break nor join the query."""
    small = {"text": 4, "image": 4, "colour": 4, "attributes": 4}
    building = make_version(dimensions=small, status="building")
    for product in shelf.values():
        store(product, building, text=[1, 0, 0, 0])
    assert names(similar_to(shelf["source"], 3)) == ["named", "looks", "other"]


WITHINS = {
    "sliced": lambda p: p.order_by("name")[:3],
    "distinct": lambda p: p.distinct(),
    "distinct sliced": lambda p: p.order_by("name").distinct()[:3],
    "distinct on": lambda p: p.order_by("name", "pk").distinct("name"),
    "union": lambda p: p.filter(name="looks").union(p.filter(name="named")),
    "annotated": lambda p: p.annotate(lines=Count("order_lines")).filter(lines=0),
    "doubled": lambda p: p.filter(category__products__stock__gt=0),
    "values": lambda p: p.values("name"),
    "select related": lambda p: p.select_related("brand"),
    "none": lambda p: p.none(),
    "contradiction": lambda p: p.filter(pk__in=[]),
}


@pytest.mark.parametrize("name", WITHINS)
def test_any_queryset_of_products_filters(shelf, name):
    within = WITHINS[name](Product.objects.all())
    rows = list(within)
    allowed = {row["name"] if isinstance(row, dict) else row.name for row in rows} - {"source"}
    hits = similar_to(shelf["source"], 8, within=within)
    assert sorted(names(hits)) == sorted(allowed)


def test_hits_come_as_the_host_selects_them(shelf, django_assert_num_queries):
    within = Product.objects.select_related("brand").annotate(lines=Count("order_lines"))
    hits = similar_to(shelf["source"], 3, within=within)
    with django_assert_num_queries(0):
        assert {(hit.product.brand.name, hit.product.lines) for hit in hits} == {("Northfield", 0)}


def test_query_counts(make_catalogue, settings, monkeypatch):
    """A shelf is a fixed number of queries, however long it is."""
    catalogue = make_catalogue(300)
    similar_to(catalogue.products[0], 1)  # a process reads the version's row once
    counts = {}
    for limit in (20_000, 10):
        monkeypatch.setattr("similarity.similar.candidates.EXACT_LIMIT", limit)
        for size in (4, 40):
            for options in ({}, {"explain": True, "diversity": 0.5}):
                with CaptureQueriesContext(
                    connection,
                ) as queries:
                    similar_to(catalogue.products[0], size, **options)
                counts.setdefault(len(options), set()).add(len(queries))
    # version, source, outlook, savepoint, settings, search, settings back, release, products
    assert counts[0] == {9}
    assert counts[2] == {11}


def test_a_product_deleted_meanwhile_spoils_no_diverse_shelf(shelf):
    """Between finding candidates and reading their vectors the host may delete one."""
    version = EncoderVersion.objects.live()
    there = Candidate(shelf["named"].pk, "a", 0.9)
    gone = Candidate(999999, "b", 0.8)
    assert diverse([gone, there], 2, 0.5, version, "default") == [there]
    assert diverse([gone, gone], 2, 0.5, version, "default") == []


def test_diversity_keeps_the_best_and_widens(make_catalogue):
    catalogue = make_catalogue(400)
    plain = similar_to(catalogue.products[0], 8)
    wide = similar_to(catalogue.products[0], 8, diversity=0.9)
    assert wide[0] == plain[0]
    assert len({hit.product.category_id for hit in wide}) >= len(
        {hit.product.category_id for hit in plain}
    )
    assert [hit.key for hit in wide] != [hit.key for hit in plain]
    assert [hit.key for hit in wide] == [
        h.key for h in similar_to(catalogue.products[0], 8, diversity=0.9)
    ]


@pytest.mark.parametrize("limit", [20_000, 10])
@pytest.mark.parametrize("options", [{}, {"weights": {"colour": 1}}, {"mode": "text"}])
def test_pages_neither_repeat_nor_skip(
    make_catalogue, settings, make_product, limit, options, monkeypatch
):
    monkeypatch.setattr("similarity.similar.candidates.EXACT_LIMIT", limit)
    catalogue = make_catalogue(150, variants=range(30))
    extra = [make_product() for _ in range(12)]
    whole, after = [], None
    for _ in range(40):
        page = similar_page(catalogue.products[0], 7, after=after, fill=True, **options)
        whole += [hit.key for hit in page.hits]
        after = page.next
        if after is None:
            break
    groups = len(set(catalogue.groups)) - 1
    assert len(whole) == len(set(whole)) == groups + len(extra)
    first = [h.key for h in similar_to(catalogue.products[0], 50, fill=True, **options)]
    assert whole[:50] == first


def test_equal_scores_page_by_key(make_product, make_version, store):
    version = make_version()
    made = [make_product() for _ in range(30)]
    for product in made:
        store(product, version, text=axis("text", 0))
    whole, after = [], None
    while len(whole) < 29:
        page = similar_page(made[0], 4, after=after)
        whole += [int(hit.key) for hit in page.hits]
        after = page.next
    assert whole == [product.pk for product in made[1:]]
    assert after is None


def test_a_page_goes_on_where_its_last_product_is_gone(shelf):
    page = similar_page(shelf["source"], 1)
    Product.objects.filter(name="named").delete()
    assert names(similar_page(shelf["source"], 1, after=page.next).hits) == ["looks"]


BAD = [
    ({"limit": 0}, "limit is 0"),
    ({"limit": 10_000}, "limit is 10000"),
    ({"limit": True}, "limit is True"),
    ({"metric": "manhattan"}, "manhattan"),
    ({"mode": "smell"}, "smell"),
    ({"diversity": 1.5}, "diversity is 1.5"),
    ({"diversity": math.nan}, "diversity is nan"),
    ({"weights": {"smell": 1}}, "'smell'"),
    ({"weights": {"text": -1}}, "-1"),
    ({"weights": {"text": math.nan}}, "nan"),
    ({"weights": {"text": math.inf}}, "inf"),
    ({"weights": {"text": "1"}}, "'1'"),
    ({"weights": {"text": 0}}, "above 0"),
    ({"weights": {}}, "above 0"),
    ({"weights": {"text": 1}, "mode": "text"}, "mode is 'text'"),
    ({"exclude": "abc"}, "exclude is 'abc'"),
    ({"exclude": ["abc"]}, "'abc' is no key"),
    ({"within": Product}, "within is"),
    ({"within": Brand.objects.all()}, "host.Brand"),
    ({"within": Product.objects.values("brand").annotate(n=Count("pk"))}, "groups rows"),
    ({"after": "rubbish"}, "after is 'rubbish'"),
    ({"after": "Wy0xLDEsMSwxXQ"}, "after is"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_arguments_are_named(shelf, options, message):
    with pytest.raises(QueryError, match=message):
        similar_to(shelf["source"], **options)


@pytest.mark.parametrize("product", ["abc", None, True, Product(), Brand(pk=1), 1.5j])
def test_what_is_no_product_is_named(db, product):
    with pytest.raises(QueryError):
        similar_to(product)


def test_after_and_diversity_exclude_each_other(shelf):
    after = similar_page(shelf["source"], 1).next
    with pytest.raises(QueryError, match=r"diversity is 0\.5"):
        similar_to(shelf["source"], 1, diversity=0.5, after=after)
    assert similar_page(shelf["source"], 1, diversity=0.5).next is None


def test_by_a_raw_vector(shelf):
    hits = similar_to_vector(axis("text", 0), 2, column="text")
    assert set(names(hits)) == {"source", "named"}
    assert hits[0].tier == "text"
    for wrong in ([1.0, 0.0], [0.0] * 16, [math.nan] * 16):
        with pytest.raises(QueryError, match="the vector's"):
            similar_to_vector(wrong, column="text")


def test_by_a_raw_vector_without_a_version(db):
    assert similar_to_vector([1.0], column="text") == []
