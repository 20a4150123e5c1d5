"""Companions of a product and of a cart: what orders say, and what may be shown."""

# ruff: noqa: F811 - fixtures that are imported

import pytest
from django.db import connection
from django.utils import translation

from similarity.catalog.mapping import FieldMappingAdapter
from similarity.exceptions import QueryError
from similarity.models import ProductVectors, vectors
from similarity.models.vectors import group_name
from similarity.orders.counting.full import count_all
from similarity.orders.partner_shelf import MAX_CART, bought_together, figures_of
from similarity.orders.partners import Partner
from tests.api.conftest import at_angle, version  # noqa: F401
from tests.fixtures_orders import buy, counted  # noqa: F401
from tests.host.models import Category, Product

pytestmark = pytest.mark.django_db


def products(hits):
    return [hit.product for hit in hits]


@pytest.fixture
def mug(at_angle):
    return at_angle(0, category="Mugs")


@pytest.fixture
def teapot(at_angle):
    return at_angle(40, category="Teapots")


def test_what_is_bought_with_it_comes_first_and_says_so(buy, counted, mug, teapot, make_product):
    plate = make_product(category="Plates")
    buy(mug, teapot, shoppers=8)
    buy(mug, plate, shoppers=4)
    counted()
    found = bought_together(mug, explain=True, figures=True)
    assert products(found) == [teapot, plate]
    assert [hit.tier for hit in found] == ["copurchase", "copurchase"]
    assert 1 > found[0].score > found[1].score > 0
    [reason] = found[0].reasons
    # 72 orders, 12 with the mug and 8 with the teapot: 8 ÷ (12 × 8 ÷ 72).
    assert reason == (
        "copurchase",
        1.0,
        "bought together in 8 orders, 6.0 times as often as by chance",
    )
    shown = [hit.reasons for hit in bought_together(mug, explain=True)]
    assert shown == [
        (("copurchase", 1.0, "very often bought together"),),
        (("copurchase", 1.0, "often bought together"),),
    ]
    assert bought_together(mug)[0].reasons == ()


def test_a_key_an_instance_and_a_cart_of_one_are_the_same(buy, counted, mug, teapot):
    buy(mug, teapot)
    counted()
    for given in (mug, mug.pk, str(mug.pk), [mug], (mug.pk,), Product.objects.filter(pk=mug.pk)):
        assert products(bought_together(given)) == [teapot]


def test_a_pair_of_fewer_shoppers_is_told_to_nobody(buy, counted, mug, teapot):
    buy(mug, teapot, shoppers=2)
    counted()
    assert bought_together(mug) == []


def test_a_cart_is_asked_as_a_whole(buy, counted, make_product):
    """Each of the cart's products knows a companion of its own; both know the third."""
    mug, plate, spoon, saucer, tray = (make_product(category=f"Kind {at}") for at in range(5))
    for one, other in ((mug, saucer), (plate, spoon)):
        buy(one, other, shoppers=5)
        buy(one, tray, shoppers=5)
        buy(other, shoppers=3)
    counted()
    assert products(bought_together(mug, 1)) == [saucer]
    assert products(bought_together(plate, 1)) == [spoon]
    assert products(bought_together([mug, plate], 1)) == [tray]
    assert set(products(bought_together([mug, plate]))) == {tray, saucer, spoon}


def test_what_is_in_the_cart_is_left_out_with_its_variants(buy, counted, make_product):
    mug, pot = make_product(), make_product(group="pot")
    blue_pot = make_product(group="pot")
    lid = make_product()
    buy(mug, pot, lid)
    buy(mug, blue_pot)
    counted()
    assert set(products(bought_together(mug))) == {pot, lid}
    assert products(bought_together([mug, blue_pot])) == [lid]


def test_one_of_a_group_comes_the_one_bought_most_of_those_shown(buy, counted, make_product):
    mug = make_product()
    red, blue, green = (make_product(group="pot") for _ in range(3))
    for pot, shoppers in ((red, 2), (blue, 5), (green, 3)):
        buy(mug, pot, shoppers=shoppers)
    counted()
    assert products(bought_together(mug)) == [blue]
    Product.objects.filter(pk=blue.pk).update(stock=0)
    assert products(bought_together(mug)) == [green]


def test_one_that_nobody_ordered_stands_for_its_group(buy, counted, make_product, at_angle):
    """Orders name the size, and shelves show the page: what is sold and what is shown differ."""
    mug = make_product()
    ordered, shown = at_angle(10, group="pot"), at_angle(20, group="pot")
    make_product(group="pan")
    buy(mug, ordered)
    counted()
    Product.objects.filter(pk=ordered.pk).update(is_active=False)
    assert products(bought_together(mug)) == [shown]
    assert products(bought_together(shown)) == [mug]
    Product.objects.filter(pk=shown.pk).update(stock=0)
    assert products(bought_together(mug)) == []


def test_members_of_a_group_are_bounded_and_found_by_an_index(at_angle, monkeypatch):
    made = [at_angle(angle, group="pot") for angle in range(4)]
    alone = at_angle(9)
    monkeypatch.setattr(vectors, "MAX_MEMBERS", 3)
    groups = [group_name(str(alone.pk), ""), "group:pot", "group:nothing"]
    assert ProductVectors.objects.members(groups) == {"group:pot": [one.pk for one in made[:3]]}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        variants = ProductVectors.objects.exclude(group__startswith=vectors.ALONE)
        plan = variants.filter(group="group:pot").explain()
    assert "similarity_vectors_variants" in plan


def test_a_substitute_is_left_out_and_what_only_looks_alike_is_not(buy, counted, mug, at_angle):
    """Of one category and almost alike it replaces the mug; a teapot of the same glaze does not."""
    other_mug, other_kind = at_angle(10, category="Mugs"), at_angle(60, category="Mugs")
    same_glaze, teapot = at_angle(5, category="Teapots"), at_angle(20, category="Teapots")
    buy(mug, other_mug, other_kind, same_glaze, teapot, shoppers=4)
    counted()
    assert set(products(bought_together(mug))) == {other_kind, same_glaze, teapot}
    assert products(bought_together([mug, teapot])) == [other_kind]


def test_sold_out_and_outside_of_within_are_left_out(buy, counted, make_product):
    mug, sold_out, hidden, cheap, dear = (make_product() for _ in range(5))
    buy(mug, sold_out, hidden, cheap, dear)
    counted()
    Product.objects.filter(pk=sold_out.pk).update(stock=0)
    Product.objects.filter(pk=hidden.pk).update(is_active=False)
    Product.objects.filter(pk=dear.pk).update(price=500)
    assert set(products(bought_together(mug))) == {cheap, dear}
    affordable = Product.objects.filter(price__lt=100, stock__gt=0, is_active=True)
    assert products(bought_together(mug, within=affordable)) == [cheap]


def test_what_may_be_shown_depends_on_the_request(buy, counted, make_product, rf, monkeypatch):
    mug, trade_only = make_product(), make_product()
    buy(mug, trade_only)
    counted()

    def eligible(self, request=None):
        trade = request is not None and request.GET.get("trade")
        return Product.objects.all() if trade else Product.objects.exclude(pk=trade_only.pk)

    monkeypatch.setattr(FieldMappingAdapter, "eligible", eligible)
    assert products(bought_together(mug, request=rf.get("/?trade=1"))) == [trade_only]
    assert bought_together(mug, request=rf.get("/")) == []


@pytest.fixture
def lamps(buy, counted, at_angle):
    """Desks are bought with lamps and chairs; a new desk has been bought by nobody."""
    desk = at_angle(90, category="Desks")
    lamp, chair = at_angle(0, category="Lamps"), at_angle(0, category="Chairs")
    buy(desk, lamp, shoppers=8)
    buy(desk, chair, shoppers=4)
    counted()
    return lamp, chair


def test_a_product_nobody_bought_is_filled_by_categories_in_its_own_style(lamps, at_angle):
    lamp, chair = lamps
    alike = at_angle(58, category="Lamps")
    far = at_angle(120, category="Lamps")
    new = at_angle(60, category="Desks")
    found = bought_together(new, 3, explain=True)
    # The categories take turns, the one that goes with desks most first.
    assert products(found) == [alike, chair, lamp]
    assert far not in products(found)
    assert {(hit.tier, hit.score) for hit in found} == {("complement", 0.0)}
    assert found[0].reasons[0].text == "Lamps: often bought with such products"


def test_complements_come_after_what_was_bought_and_repeat_none_of_it(lamps, at_angle, buy):
    lamp, chair = lamps
    desk = at_angle(60, category="Desks")
    buy(desk, lamp, shoppers=4)
    count_all()
    found = bought_together(desk, 4)
    assert products(found) == [lamp, chair]
    assert [hit.tier for hit in found] == ["copurchase", "complement"]


def test_complements_are_shown_only_where_they_may_be(lamps, at_angle):
    lamp, chair = lamps
    new = at_angle(60, category="Desks")
    Product.objects.filter(pk=lamp.pk).update(stock=0)
    assert products(bought_together(new)) == [chair]
    assert products(bought_together(new, within=Product.objects.exclude(pk=chair.pk))) == [lamp]


def test_one_of_a_group_comes_of_complements_too(lamps, at_angle):
    at_angle(61, category="Lamps", group="arc")
    at_angle(62, category="Lamps", group="arc")
    new = at_angle(60, category="Desks")
    found = products(bought_together(new, 4))
    assert [product.group for product in found].count("arc") == 1
    assert len(found) == 3


@pytest.mark.parametrize("category", ["Rugs", "Other"])
def test_nothing_is_made_up(lamps, at_angle, category):
    """A category that orders say nothing about has no companions, and no best sellers instead."""
    assert bought_together(at_angle(60, category=category)) == []


def test_no_vectors_no_orders_no_products(make_product, db):
    assert bought_together(make_product()) == []
    assert bought_together([]) == []
    assert bought_together(10**9) == []


def test_categories_may_be_missing_from_the_catalogue(lamps, at_angle, settings):
    desk = Product.objects.get(category__name="Desks")
    catalog = {**settings.SIMILARITY["CATALOG"], "attributes": {}}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    assert bought_together(at_angle(60, category="Desks")) == []
    assert products(bought_together(lamps[0])) == [desk]


def test_a_product_costs_four_queries(buy, counted, at_angle, django_assert_num_queries):
    mug = at_angle(0, category="Mugs")
    with_it = [at_angle(30 + at, category=f"Kind {at}") for at in range(6)]
    buy(mug, *with_it)
    counted(10)
    # Its group, its partners, the products, the vectors of those that could replace it.
    with django_assert_num_queries(4):
        assert len(bought_together(mug, 4, explain=True)) == 4


def test_a_cart_of_twenty_costs_no_more(buy, counted, at_angle, django_assert_num_queries):
    cart = [at_angle(at, category=f"Kind {at}") for at in range(20)]
    buy(*cart, *(at_angle(50 + at, category=f"More {at}") for at in range(6)))
    counted(10)
    with django_assert_num_queries(4):
        assert len(bought_together(cart, 4)) == 4


@pytest.mark.parametrize("limit", [0, -1, True, "4", 10**6])
def test_a_limit_that_is_none_is_refused(make_product, limit):
    with pytest.raises(QueryError, match="limit is"):
        bought_together(make_product(), limit)


@pytest.mark.parametrize("product", [None, "nonsense", True, Category(), Product()])
def test_what_is_no_product_is_refused(db, product):
    with pytest.raises(QueryError):
        bought_together(product)
    with pytest.raises(QueryError):
        bought_together([product])


def test_a_cart_that_is_too_large_is_refused():
    with pytest.raises(QueryError, match=f"the cart holds {MAX_CART + 1} products"):
        bought_together(range(1, MAX_CART + 2))


def partner(orders, lift):
    return Partner("product:1", ("1",), orders, 3, 0.1, 0.5, lift, 9.0, 0.5)


@pytest.mark.parametrize(
    ("orders", "lift", "text"),
    [
        (1, 1.0, "bought together in 1 order"),
        (41, 1.04, "bought together in 41 orders"),
        (41, 6.2, "bought together in 41 orders, 6.2 times as often as by chance"),
        (7, 131.4, "bought together in 7 orders, 131 times as often as by chance"),
    ],
)
def test_reasons_count_and_compare_only_where_there_is_more_than_chance(orders, lift, text):
    with translation.override("en"):
        assert figures_of(partner(orders, lift)).text == text
