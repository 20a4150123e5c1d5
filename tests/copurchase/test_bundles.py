"""Itemsets counted by hand and by brute force; proposals that staff can trust."""

# ruff: noqa: F811 - fixtures that are imported

import builtins
import datetime as dt
import random
from collections import Counter
from decimal import Decimal

import numpy as np
import psycopg
import pytest
from django.utils import timezone

from similarity.exceptions import BundleError, ConfigurationError
from similarity.models import EncoderVersion, ProductVectors
from similarity.orders.bundles import itemsets, proposals
from similarity.orders.bundles.itemsets import BasketLines, MiningRule, mine
from similarity.orders.bundles.pricing import Sums, suggested_price
from similarity.orders.models import Bundle
from similarity.orders.tasks import propose_bundles
from tests.api.conftest import at_angle, version  # noqa: F401
from tests.configure import with_settings
from tests.databases import current_address
from tests.host.models import Customer, Order, OrderLine, Product

RULE = MiningRule(min_support=0.0, min_lift=1.5, min_shoppers=1, wanted=50)


def lines(baskets, shoppers=None):
    """Columns of [{item, …}, …]; each order is another shopper's unless told."""
    basket = [at for at, items in enumerate(baskets) for _ in items]
    item = [item for items in baskets for item in sorted(items)]
    shopper = range(len(baskets)) if shoppers is None else shoppers
    return BasketLines(
        np.asarray(basket, np.int32), np.asarray(item, np.int32), np.asarray(shopper, np.int64)
    )


def test_a_pair_by_hand():
    """Of 10 orders 4 hold both, 5 each: 4 / 10 against 5/10 × 5/10 is 1.6 times chance."""
    baskets = [{0, 1}] * 4 + [{0}, {1}] + [{2}] * 4
    [found] = mine(lines(baskets), RULE)
    assert found.items == (0, 1)
    assert (found.orders, found.shoppers, found.support) == (4, 4, 0.4)
    assert found.lift == pytest.approx(1.6)


def test_every_figure_agrees_with_counting_by_brute_force():
    chance = random.Random(3)
    habits = [(0, 1, 2, 3), (4, 5), (6, 7, 8), (2, 9)]
    baskets = [
        {*chance.choice(habits), *chance.sample(range(10, 24), chance.randint(1, 3))}
        for _ in range(300)
    ]
    shoppers = [chance.randrange(60) for _ in baskets]
    found = mine(lines(baskets, shoppers), RULE)
    assert {len(each.items) for each in found} >= {2, 3, 4}
    single = Counter(item for basket in baskets for item in basket)
    for each in found:
        holding = [at for at, basket in enumerate(baskets) if basket >= set(each.items)]
        assert each.orders == len(holding)
        assert each.shoppers == len({shoppers[at] for at in holding})
        expected = len(baskets)
        for item in each.items:
            expected *= single[item] / len(baskets)
        assert each.lift == pytest.approx(len(holding) / expected)


def test_a_set_of_four_is_found_and_its_parts_are_not_listed_beside_it():
    baskets = [{0, 1, 2, 3}] * 8 + [{4}] * 40
    assert [each.items for each in mine(lines(baskets), RULE)] == [(0, 1, 2, 3)]


def test_a_best_seller_does_not_ride_along_with_a_pair():
    baskets = [{0, 1, 2}] * 10 + [{2}] * 79 + [{3}] * 11
    assert [each.items for each in mine(lines(baskets), RULE)] == [(0, 1)]


def test_a_best_seller_does_not_fill_the_list():
    baskets = [{0, partner} for partner in range(1, 9) for _ in range(3)] + [{20}] * 200
    found = mine(lines(baskets), RULE)
    assert len(found) == itemsets.SETS_PER_ITEM


def test_one_shoppers_habit_is_never_proposed():
    baskets = [{0, 1}] * 9 + [{2}] * 50
    shoppers = [7, 7, 7, 7, 7, 8, 8, 8, 8, *range(100, 150)]
    rule = MiningRule(0.0, 1.5, min_shoppers=3, wanted=50)
    assert mine(lines(baskets, shoppers), rule) == []
    shoppers[0] = 9
    assert [each.shoppers for each in mine(lines(baskets, shoppers), rule)] == [3]


def test_substitutes_are_no_bundle_and_only_candidates_are_judged():
    baskets = [{0, 1}] * 5 + [{2, 3}] * 5 + [{4}] * 50
    judged = []

    def judge(items):
        judged.extend(items)
        return lambda one, two: {one, two} == {0, 1}

    assert [each.items for each in mine(lines(baskets), RULE, judge)] == [(2, 3)]
    assert judged == [0, 1, 2, 3]


def test_support_rises_until_the_pairs_can_be_grown(monkeypatch):
    monkeypatch.setattr(itemsets, "MOST_PAIRS", 3)
    baskets = [{0, 1}] * 9 + [{2, 3}] * 8 + [{4, 5}] * 7 + [{6, 7}] * 2 + [{8, 9}] * 2 + [{10}] * 99
    found = [each.items for each in mine(lines(baskets), RULE)]
    assert found == [(0, 1), (2, 3), (4, 5)]


@pytest.mark.parametrize("baskets", [[], [{0}], [{0}, {1}], [set(), set()]])
def test_orders_that_hold_no_pair_give_nothing(baskets):
    assert mine(lines(baskets), RULE) == []


def test_without_mlxtend_the_error_says_how_to_install_it(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("mlxtend"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigurationError, match=r"pip install 'django-similarity\[bundles\]'"):
        mine(lines([{0, 1}] * 3), RULE)


@pytest.mark.parametrize(
    ("price", "cost", "currency", "suggested"),
    [
        ("30.00", None, "EUR", "27.00"),
        ("19.99", None, "EUR", "17.99"),  # 17.991
        ("30.00", "28.001", "EUR", "28.01"),  # never below cost, to the next cent
        ("1999", "100", "JPY", "1799"),  # has no smaller coin
        (None, "5.00", "EUR", None),
    ],
)
def test_the_suggested_price(price, cost, currency, suggested):
    sums = Sums(price and Decimal(price), cost and Decimal(cost), currency)
    assert suggested_price(sums) == (suggested and Decimal(suggested))


@pytest.fixture
def order(db):
    """Places an order of products for a customer's number; None is a guest."""
    customers = {}

    def place(products, customer=None, status="placed", days_ago=1):
        if customer is not None and customer not in customers:
            customers[customer] = Customer.objects.create(
                name="A customer", email=f"c{customer}@example.com"
            )
        number = Order.objects.count()
        placed = Order.objects.create(
            number=f"N{number}",
            customer=customers.get(customer),
            email="x@example.com",
            name="x",
            address="x",
            status=status,
            placed_at=timezone.now() - dt.timedelta(days=days_ago),
        )
        OrderLine.objects.bulk_create(
            OrderLine(order=placed, product=product, unit_price=product.price)
            for product in products
        )
        return placed

    return place


@pytest.fixture
def tent_and_bag(make_product, order):
    """A tent and a sleeping bag, bought together by four shoppers among others."""
    tent = make_product(name="Tent", price=Decimal("100.00"))
    bag = make_product(name="Sleeping bag", price=Decimal("50.00"))
    other = make_product(name="Mug")
    for customer in range(4):
        order([tent, bag], customer)
    for customer in range(4, 20):
        order([other], customer)
    return tent, bag


def test_a_proposal_has_its_products_figures_and_a_suggested_price(tent_and_bag):
    assert proposals.propose()[:2] == (20, 1)
    bundle = Bundle.objects.get()
    assert bundle.status == Bundle.Status.PROPOSED
    assert set(bundle.products) == {str(product.pk) for product in tent_and_bag}
    assert bundle.name in ("Tent + Sleeping bag", "Sleeping bag + Tent")
    assert (bundle.orders, bundle.shoppers, bundle.support) == (4, 4, 0.2)
    assert bundle.lift == pytest.approx(5)
    assert (bundle.price, bundle.currency) == (Decimal("135.00"), "EUR")


def test_cancelled_orders_and_those_before_the_window_do_not_count(tent_and_bag, order, settings):
    for customer in range(30, 33):
        order(tent_and_bag, customer, status="cancelled")
        order(tent_and_bag, customer, days_ago=800)
    proposals.propose()
    assert Bundle.objects.get().orders == 4


def test_only_the_latest_orders_are_read(tent_and_bag, order, settings, monkeypatch):
    monkeypatch.setattr("similarity.orders.bundles.recent_orders.MAX_ORDERS", 5)
    monkeypatch.setattr("similarity.orders.bundles.itemsets.MIN_LIFT", 1.0)
    for customer in range(50, 55):
        order(tent_and_bag, customer, days_ago=0)
    assert proposals.propose()[:2] == (5, 1)
    assert Bundle.objects.get().support == 1


def test_an_order_of_a_reseller_makes_no_bundle(tent_and_bag, order, make_product, settings):
    settings.SIMILARITY = with_settings(ORDERS={"MAX_BASKET": 3})
    many = [*tent_and_bag, make_product(), make_product()]
    for customer in range(60, 64):
        order(many, customer)
    proposals.propose()
    assert Bundle.objects.get().orders == 4


def test_variants_count_as_one_and_the_one_sold_most_is_in_the_bundle(make_product, order):
    shirt = [make_product(name=f"Shirt {size}", group="shirt") for size in "SML"]
    tie = make_product(name="Tie")
    for customer, size in enumerate([0, 1, 1, 2]):
        order([shirt[size], tie], customer)
    for customer in range(10, 20):
        order([make_product()], customer)
    proposals.propose()
    bundle = Bundle.objects.get()
    assert set(bundle.products) == {str(shirt[1].pk), str(tie.pk)}
    assert bundle.orders == 4


def test_another_of_the_group_is_proposed_where_no_ordered_one_is_on_sale(
    make_product, order, at_angle
):
    tent = make_product(name="Tent")
    ordered, shown = (at_angle(10, name="Mat", group="mat") for _ in range(2))
    for customer in range(4):
        order([tent, ordered], customer)
    for customer in range(10, 20):
        order([make_product()], customer)
    Product.objects.filter(pk=ordered.pk).update(is_active=False)
    proposals.propose()
    [bundle] = Bundle.objects.all()
    assert set(bundle.products) == {str(tent.pk), str(shown.pk)}


def test_what_is_not_on_sale_is_not_proposed(tent_and_bag):
    tent_and_bag[0].is_active = False
    tent_and_bag[0].save()
    proposals.propose()
    assert not Bundle.objects.exists()


def test_products_of_two_currencies_are_no_bundle(tent_and_bag):
    tent_and_bag[0].currency = "GBP"
    tent_and_bag[0].save()
    proposals.propose()
    assert not Bundle.objects.exists()


@pytest.mark.parametrize(("category", "proposed"), [("Outdoor", 0), ("Bags", 1)])
def test_two_that_replace_each_other_are_not_proposed(
    make_product, order, category, proposed, settings
):
    """As alike as can be: of one category they are substitutes, of two they are not."""
    pair = [make_product(category="Outdoor"), make_product(category=category)]
    live = EncoderVersion.objects.create(
        status="live", fusion=b"", encoders={}, dimensions={}, weights={}
    )
    for product in pair:
        ProductVectors.objects.create(
            product=product, version=live, fused=[0.6, 0.8], group="x", fingerprint="x"
        )
    for customer in range(4):
        order(pair, customer)
    for customer in range(10, 20):
        order([make_product()], customer)
    proposals.propose()
    assert Bundle.objects.count() == proposed


@pytest.mark.parametrize("status", ["accepted", "published", "rejected"])
def test_what_staff_decided_is_kept_and_figures_are_renewed(tent_and_bag, order, status):
    proposals.propose()
    Bundle.objects.update(status=status, name="Camping set", price=Decimal("99.00"))
    order(tent_and_bag, 70)
    assert proposals.propose()[1:] == (0, 1, 0)
    bundle = Bundle.objects.get()
    assert (bundle.status, bundle.name, bundle.price) == (status, "Camping set", Decimal("99.00"))
    assert bundle.orders == 5


def test_an_edited_proposal_is_kept_as_it_is(tent_and_bag, order):
    proposals.propose()
    Bundle.objects.update(edited=True, name="Camping set", price=Decimal("99.00"))
    order(tent_and_bag, 70)
    assert proposals.propose()[1:] == (0, 1, 0)
    bundle = Bundle.objects.get()
    assert (bundle.name, bundle.price, bundle.orders) == ("Camping set", Decimal("99.00"), 5)
    Order.objects.all().delete()
    assert proposals.propose()[1:] == (0, 0, 0)
    assert Bundle.objects.get().name == "Camping set"


def test_an_untouched_proposal_follows_prices_and_is_withdrawn_with_its_orders(tent_and_bag):
    proposals.propose()
    tent_and_bag[0].price = Decimal("200.00")
    tent_and_bag[0].save()
    proposals.propose()
    assert Bundle.objects.get().price == Decimal("225.00")
    Order.objects.all().delete()
    assert proposals.propose().withdrawn == 1
    assert not Bundle.objects.exists()


def test_what_staff_made_by_hand_is_not_proposed_again(tent_and_bag):
    keys = [str(product.pk) for product in reversed(tent_and_bag)]
    Bundle.objects.create(name="By hand", products=keys)
    assert proposals.propose().created == 0


def test_long_titles_are_cut_alike(make_product):
    from similarity.catalog.adapter import get_adapter

    products = [make_product(name="A" * 200), make_product(name="B" * 240)]
    name = proposals.name_of(products, get_adapter())
    assert len(name) <= 250
    assert name.startswith("AAA")
    assert "… + BBB" in name


def test_nobody_proposes_while_another_does(tent_and_bag):
    with psycopg.connect(current_address()) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [proposals.LOCK])
        with pytest.raises(BundleError, match="Another process is proposing"):
            proposals.propose()
        other.execute("SELECT pg_advisory_unlock_all()")
    assert proposals.propose().created == 1


def test_the_nightly_task_proposes(tent_and_bag):
    assert propose_bundles() == 1


@pytest.mark.parametrize("change", [{"SOURCE": None}, {"BUNDLE_PROPOSALS": 0}])
def test_the_nightly_task_does_nothing_where_it_is_not_wanted(tent_and_bag, settings, change):
    settings.SIMILARITY = with_settings(ORDERS=change)
    assert propose_bundles() == 0
    assert not Bundle.objects.exists()


def test_the_nightly_task_goes_without_mlxtend(tent_and_bag, monkeypatch, caplog):
    monkeypatch.setattr(proposals, "find_spec", lambda name: None)
    with caplog.at_level("INFO"):
        assert propose_bundles() == 0
    assert "pip install" in caplog.text


def test_without_orders_the_error_names_the_setting(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    with pytest.raises(ConfigurationError, match=r"SIMILARITY\['ORDERS'\]\['SOURCE'\] is None"):
        proposals.propose()
