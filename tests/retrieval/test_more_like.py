"""What `more_like` answers: between, beside and away from what it is given."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from similarity.exceptions import QueryError
from similarity.models import ProductVectors
from similarity.similar.more_like import MAX_GIVEN, more_like
from similarity.similar.shelves import similar_to
from tests.host.models import Product

pytestmark = pytest.mark.django_db


def keys(hits):
    return [hit.product.pk for hit in hits]


@pytest.fixture
def catalogue(make_catalogue):
    """120 products around 6 centres, product n around centre n % 6; some are variants."""
    made = make_catalogue(120, clusters=6, variants=range(30, 42))
    Product.objects.update(stock=5)
    return made


def test_one_liked_product_is_similar_to(catalogue):
    """Apart from scores: half precision is scaled to length one once more."""
    first = catalogue.products[0]
    assert keys(more_like([first], limit=10)) == keys(similar_to(first, 10))


def test_exactly_limit_without_the_given_and_their_variants(catalogue):
    liked, disliked = catalogue.products[30:32], [catalogue.products[36]]
    given_groups = {product.group for product in (*liked, *disliked)}
    hits = more_like(liked, disliked, 100)
    assert len(hits) == 100
    groups = [hit.product.group or hit.product.pk for hit in hits]
    assert not given_groups & set(groups)
    assert len(groups) == len(set(groups))


def test_two_kinds_take_turns_instead_of_what_lies_between(catalogue):
    """Products 0 and 1 have different centres: their mean would be like neither."""
    hits = more_like(catalogue.products[:2], limit=8)
    kinds = [hit.product.category_id for hit in hits]
    own = [product.category_id for product in catalogue.products[:2]]
    assert sorted(kinds) == sorted(own * 4)
    assert len({hit.product.category_id for hit in hits[:2]}) == 2


def test_kinds_share_by_how_many_are_liked_of_each(catalogue):
    liked = [catalogue.products[at] for at in (0, 6, 12, 1)]
    kinds = [hit.product.category_id for hit in more_like(liked, limit=8)]
    assert kinds.count(liked[0].category_id) == 6
    assert kinds.count(liked[3].category_id) == 2


def test_disliked_products_push_their_like_down(catalogue):
    liked, disliked = [catalogue.products[0]], [catalogue.products[6]]
    near = catalogue.fused @ catalogue.fused[6]
    at = {product.pk: row for row, product in enumerate(catalogue.products)}

    def nearness(hits):
        return sum(near[at[key]] for key in keys(hits)) / len(hits)

    assert nearness(more_like(liked, disliked, 5)) < nearness(more_like(liked, limit=5))


def test_explain_gives_reasons_by_the_nearest_liked(catalogue):
    hits = more_like(catalogue.products[:2], limit=6, explain=True)
    for hit in hits:
        assert sum(reason.share for reason in hit.reasons) == pytest.approx(1)


def test_queries_do_not_grow_with_what_is_liked_of_one_kind(catalogue):
    """Version, vectors, outlook, the scan with its settings, products."""
    counts = []
    more_like(catalogue.products[:1], limit=1)  # a process reads the version's row once
    for liked in (catalogue.products[0:12:6], catalogue.products[0:90:6]):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            more_like(liked, limit=5)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 9


def test_without_vectors_the_categories_of_the_liked_share_the_shelf(make_product):
    mugs = [make_product(category="Mugs") for _ in range(6)]
    tents = [make_product(category="Tents") for _ in range(6)]
    hats = [make_product(category="Hats")]
    hits = more_like([mugs[0], tents[0]], [mugs[1]], limit=10, explain=True, fill=True)
    assert keys(more_like([mugs[0], tents[0]], [mugs[1]], limit=10)) == keys(hits[:9])
    assert [hit.tier for hit in hits] == ["category"] * 9 + ["newest"]
    assert [hit.product.category.name for hit in hits[:9]].count("Tents") == 5
    assert hits[-1].product == hats[0]
    assert hits[0].reasons[0].name == "category"
    assert not {mugs[0].pk, mugs[1].pk, tents[0].pk} & set(keys(hits))


def test_vectors_first_then_products_that_have_none(catalogue, make_product):
    late = make_product()
    ProductVectors.objects.exclude(product__in=catalogue.products[:4]).delete()
    hits = more_like([catalogue.products[0]], limit=8)
    assert [hit.tier for hit in hits[:3]] == ["fused"] * 3
    assert "fused" not in [hit.tier for hit in hits[3:]]
    liked_late = more_like([late, catalogue.products[0]], limit=3)
    assert [hit.tier for hit in liked_late] == ["fused"] * 3


def test_a_liked_key_that_no_product_has_falls_back_to_the_shop(make_product):
    product = make_product()
    assert more_like([product.pk + 1000], limit=3) == []
    assert keys(more_like([product.pk + 1000], limit=3, fill=True)) == [product.pk]


def test_within_and_stock_are_read_live(catalogue):
    wanted = Product.objects.filter(pk__in=[product.pk for product in catalogue.products[50:60]])
    assert set(keys(more_like([catalogue.products[0]], limit=10, within=wanted))) == {
        product.pk for product in wanted
    }
    wanted.update(stock=0)
    hits = keys(more_like([catalogue.products[2]], limit=100))
    assert not set(hits) & {product.pk for product in wanted}


@pytest.mark.parametrize(
    ("liked", "disliked", "told"),
    [
        ([], [], "liked is empty"),
        ([1], [1], "both liked and disliked"),
        ("12", [], "pass a list"),
        ([None], [], "no key"),
        ([True], [], "no key"),
        (list(range(MAX_GIVEN + 1)), [], "50 at most"),
        ([1], list(range(2, MAX_GIVEN + 3)), "50 at most"),
    ],
)
def test_what_cannot_be_served_is_refused(liked, disliked, told):
    with pytest.raises(QueryError, match=told):
        more_like(liked, disliked)


@given(data=st.data())
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_choice_is_filled_once_each_and_never_shows_what_is_given(catalogue, data):
    places = data.draw(st.lists(st.integers(0, 119), min_size=1, max_size=20, unique=True))
    cut = data.draw(st.integers(1, len(places)))
    limit = data.draw(st.integers(1, 100))
    liked = [catalogue.products[at] for at in places[:cut]]
    disliked = [catalogue.products[at] for at in places[cut:]]
    taken = {catalogue.groups[at] for at in places}
    eligible = set(catalogue.groups) - taken
    hits = more_like(liked, disliked, limit)
    assert len(hits) == min(limit, len(eligible))
    at = {product.pk: row for row, product in enumerate(catalogue.products)}
    groups = [catalogue.groups[at[key]] for key in keys(hits)]
    assert not set(groups) & taken
    assert len(set(groups)) == len(groups)
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert {hit.tier for hit in hits} <= {"fused"}
