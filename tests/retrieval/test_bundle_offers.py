"""Only bundles that can be bought now are offered, at prices of now."""

from dataclasses import replace
from decimal import Decimal

import pytest

from similarity.exceptions import QueryError
from similarity.orders.bundles.offers import bundle_offers, offers_of
from similarity.orders.models import Bundle
from tests.host.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture
def publish(make_product):
    def make(*products, price="30.00", **fields):
        defaults = {"name": "A bundle", "status": "published", "currency": "EUR", "orders": 5}
        return Bundle.objects.create(
            products=[str(product.pk) for product in products],
            price=price and Decimal(price),
            **{**defaults, **fields},
        )

    return make


@pytest.fixture
def pair(make_product):
    return make_product(name="One"), make_product(name="Two")  # 20.00 each


def test_an_offer_has_its_products_and_saving(publish, pair):
    bundle = publish(*pair)
    [offer] = bundle_offers(pair[0])
    assert offer.products == pair
    assert [card.title for card in offer.cards] == ["One", "Two"]
    assert (offer.total, offer.price, offer.saving) == (Decimal("40"), Decimal("30"), Decimal("10"))
    assert (offer.currency, offer.key, offer.name) == ("EUR", str(bundle.pk), "A bundle")


def test_an_offer_knows_whether_its_currency_has_cents(publish, pair):
    offer = offers_of([str(publish(*pair).pk)]).popitem()[1]
    assert offer.decimal_places == 2
    assert replace(offer, currency="JPY").decimal_places == 0


def test_a_product_a_key_or_its_text_will_do(publish, pair):
    publish(*pair)
    for product in (pair[1], pair[1].pk, str(pair[1].pk)):
        assert len(bundle_offers(product)) == 1


def test_those_bought_most_often_come_first_and_no_more_than_asked(publish, pair, make_product):
    for orders in (3, 9, 6):
        publish(pair[0], make_product(), orders=orders)
    assert [offer.bundle.orders for offer in bundle_offers(pair[0])] == [9, 6]
    assert len(bundle_offers(pair[0], limit=10)) == 3


def test_one_that_cannot_be_bought_gives_way_to_the_next(publish, pair, make_product):
    publish(pair[0], make_product(stock=0), orders=9)
    shown = publish(*pair)
    assert [offer.bundle for offer in bundle_offers(pair[0], limit=1)] == [shown]


@pytest.mark.parametrize("status", ["proposed", "accepted", "rejected"])
def test_only_published_ones_are_offered(publish, pair, status):
    publish(*pair, status=status)
    assert bundle_offers(pair[0]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"stock": 0},
        {"is_active": False},
        {"currency": "GBP"},
        {"price": Decimal("10.00")},  # it would save nothing
    ],
)
def test_one_product_that_changed_withdraws_the_offer(publish, pair, change):
    publish(*pair)
    Product.objects.filter(pk=pair[1].pk).update(**change)
    assert bundle_offers(pair[0]) == []


def test_a_deleted_product_withdraws_the_offer_and_never_sells_the_rest(publish, pair):
    publish(*pair, price="15.00")
    pair[1].delete()
    assert bundle_offers(pair[0]) == []


@pytest.mark.parametrize("price", [None, "0.00"])
def test_without_a_price_there_is_no_offer(publish, pair, price):
    publish(*pair, price=price)
    assert bundle_offers(pair[0]) == []


def test_products_of_another_currency_than_the_bundles_are_not_offered(publish, pair):
    publish(*pair)
    Product.objects.update(currency="GBP")
    assert bundle_offers(pair[0]) == []


def test_within_narrows(publish, pair):
    publish(*pair)
    assert bundle_offers(pair[0], within=Product.objects.filter(name="One")) == []
    assert bundle_offers(pair[0], within=Product.objects.all())


@pytest.mark.parametrize("keys", [["pear", "9" * 30], []])
def test_keys_that_are_none_are_no_offer(publish, pair, keys):
    Bundle.objects.create(name="x", status="published", products=[str(pair[0].pk), "pear"], price=1)
    assert bundle_offers(pair[0]) == []
    assert offers_of(keys) == {}


@pytest.mark.parametrize("limit", [0, -1, 101, True, "2", 1.5])
def test_a_limit_out_of_range_is_refused(pair, limit):
    with pytest.raises(QueryError, match="limit is"):
        bundle_offers(pair[0], limit)


def test_what_is_no_product_is_refused():
    with pytest.raises(QueryError, match="no key"):
        bundle_offers("pear")


def test_offers_by_key(publish, pair, make_product):
    one, two = publish(*pair), publish(pair[0], make_product(stock=0))
    assert list(offers_of([str(one.pk), str(two.pk), "999"])) == [str(one.pk)]


def test_queries_do_not_grow_with_bundles(
    publish, pair, make_product, django_assert_num_queries, settings
):
    """Bundles and products; the third is what the host prefetches of photos."""
    for _ in range(8):
        publish(pair[0], make_product(), make_product())
    with django_assert_num_queries(3):
        bundle_offers(pair[0], limit=8)
    catalog = {k: v for k, v in settings.SIMILARITY["CATALOG"].items() if k != "images"}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    with django_assert_num_queries(2):
        assert len(bundle_offers(pair[0], limit=8)) == 8


def test_a_product_without_bundles_costs_one_query(pair, django_assert_num_queries):
    with django_assert_num_queries(1):
        bundle_offers(pair[0])
