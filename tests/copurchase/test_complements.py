"""Categories that go together, learned from orders."""

# ruff: noqa: F811 - fixtures that are imported

import pytest

from similarity.orders import complements
from similarity.orders.complements import MOST, complements_of
from similarity.orders.counting.engine import CountingRule
from similarity.orders.counting.reading import Orders
from similarity.orders.models import CategoryComplement
from tests.fixtures_orders import buy, counted  # noqa: F401
from tests.host.models import Customer, Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def sold(make_product):
    """One product of a category: ``sold("Mugs")``."""
    return lambda name, **fields: make_product(category=name, **fields)


def names(*categories):
    return [complement.name for complement in complements_of(categories, "default")]


def test_lift_says_how_much_more_often_than_by_chance(buy, counted, sold):
    mug, pot = sold("Mugs"), sold("Teapots")
    buy(mug, pot, shoppers=6)
    buy(mug, shoppers=2)
    counted(40)
    [complement] = complements_of(["Mugs"], "default")
    # 48 orders, 8 with a mug and 6 with a teapot: 6 ÷ (8 × 6 ÷ 48).
    assert complement.name == "Teapots"
    assert complement.lift == pytest.approx(6.0)
    assert 0 < complement.score < 1
    row = CategoryComplement.objects.get(category="Mugs")
    assert (row.orders, row.shoppers) == (6, 6)
    assert names("Teapots") == ["Mugs"]


def test_different_products_of_a_category_count_for_it_together(buy, counted, sold):
    """That is the point: no pair of products has three shoppers, the pair of categories has."""
    for _ in range(3):
        buy(sold("Mugs"), sold("Teapots"), shoppers=1)
    counted()
    assert names("Mugs") == ["Teapots"]


def test_a_basket_holds_a_category_once(buy, counted, sold):
    buy(sold("Mugs"), sold("Mugs"), sold("Teapots"), shoppers=4)
    counted()
    assert CategoryComplement.objects.get(category="Mugs").orders == 4
    assert not CategoryComplement.objects.filter(complement="Mugs", category="Mugs").exists()


def test_a_pair_of_fewer_shoppers_is_not_kept(buy, counted, sold):
    mug, pot = sold("Mugs"), sold("Teapots")
    buy(mug, pot, shoppers=2)
    counted()
    assert CategoryComplement.objects.count() == 0


def test_one_shopper_who_orders_often_is_one(buy, counted, sold):
    buy(sold("Mugs"), sold("Teapots"), shoppers=9)
    Order.objects.update(customer=Customer.objects.create(name="Ada Abel", email="a@example.com"))
    counted()
    assert CategoryComplement.objects.count() == 0


def test_what_meets_by_chance_is_no_complement(buy, counted, sold):
    """In two orders of three each, and together as often as that makes."""
    mug, sock = sold("Mugs"), sold("Socks")
    buy(mug, sock, shoppers=40)
    buy(mug, shoppers=20)
    buy(sock, shoppers=20)
    counted(10)
    assert names("Mugs") == []


def test_the_best_complements_alone_are_kept(buy, counted, sold):
    mug = sold("Mugs")
    for at in range(MOST + 3):
        buy(mug, sold(f"Kind {at}"), shoppers=3 + at)
    counted(200)
    kept = names("Mugs")
    assert len(kept) == MOST
    assert f"Kind {MOST + 2}" in kept
    assert "Kind 0" not in kept


def test_of_several_categories_none_goes_with_the_others(buy, counted, sold):
    mug, pot, tray = sold("Mugs"), sold("Teapots"), sold("Trays")
    buy(mug, pot, shoppers=5)
    buy(mug, tray, shoppers=3)
    counted()
    assert names("Mugs", "Teapots") == ["Trays"]
    assert names() == []


def test_a_new_count_replaces_what_was_learned(buy, counted, sold):
    buy(sold("Mugs"), sold("Teapots"))
    counted()
    Order.objects.update(status="cancelled")
    counted()
    assert CategoryComplement.objects.count() == 0


def test_a_catalogue_without_categories_learns_nothing(buy, counted, sold, settings):
    catalog = {**settings.SIMILARITY["CATALOG"], "attributes": {}}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    buy(sold("Mugs"), sold("Teapots"))
    counted()
    assert CategoryComplement.objects.count() == 0


def test_learning_reads_categories_and_writes_rows_by_few_queries(
    buy, sold, django_assert_max_num_queries
):
    orders = Orders()
    for at in range(30):
        for product in (sold(f"Kind {at % 5}"), sold(f"Other {at % 5}")):
            orders.product.append(orders.number.setdefault(product.pk, len(orders.number)))
        orders.shopper.append(at)
        orders.day.append(20_000)
        orders.length.append(2)
    rule = CountingRule(20_000, 180, 100, 730)
    with django_assert_max_num_queries(3):
        assert complements.learn(orders, rule, "default") == 10
