"""Because you viewed, recently viewed, buy again: a person's own history, by the live filter."""

from datetime import timedelta

import pytest

from similarity.events.models import Kind
from similarity.shoppers.personal_shelves import (
    because_you_viewed,
    buy_again,
    due_scores,
    recently_viewed,
)
from similarity.shoppers.shopper import Act, now
from tests.host_models import Order, Product

pytestmark = pytest.mark.django_db


def keys(hits):
    return [int(hit.key) for hit in hits]


def test_because_names_the_last_product_viewed_and_shows_similar_ones(shop, shopper, did):
    lamps = shop.of("Lamps")
    did("view", shop.of("Mugs")[0], lamps[0])
    shelf = because_you_viewed(shopper, 2)
    assert (shelf.product, shelf.title) == (lamps[0], lamps[0].name)
    assert {hit.product.category.name for hit in shelf.hits} == {"Lamps"}
    assert lamps[0].pk not in keys(shelf.hits)


def test_because_names_neither_the_pages_own_product_nor_a_hidden_one(shop, shopper, did):
    mug, lamp, chair = (shop.of(name)[0] for name in ("Mugs", "Lamps", "Chairs"))
    did("view", mug, lamp, chair)
    assert because_you_viewed(shopper, 2, exclude=[chair]).product == lamp
    Product.objects.filter(pk=lamp.pk).update(is_active=False)
    assert because_you_viewed(shopper, 2, exclude=[chair]).product == mug
    assert because_you_viewed(None, 2) is None


def test_recently_viewed_is_in_order_once_each_and_without_hidden_products(shop, shopper, did):
    mugs = shop.of("Mugs")
    did("view", mugs[0], mugs[1], mugs[2], mugs[0])
    did("not_interested", mugs[1])
    assert keys(recently_viewed(shopper)) == [mugs[0].pk, mugs[2].pk]
    Product.objects.filter(pk=mugs[0].pk).update(is_active=False)
    assert keys(recently_viewed(shopper)) == [mugs[2].pk]
    assert keys(recently_viewed(shopper, exclude=[mugs[2]])) == []
    assert recently_viewed(None) == []


def test_recently_viewed_shows_one_variant(shop, make_product, shopper, did):
    two = [make_product(name=f"Shirt {n}", group="shirt") for n in range(2)]
    did("view", *two)
    assert keys(recently_viewed(shopper)) == [two[1].pk]


def act(product, days_ago):
    return Act(product, Kind.PURCHASE, now() - timedelta(days=days_ago))


def test_what_is_due_comes_before_what_was_just_bought_or_bought_once():
    scores = due_scores(
        [
            *(act("coffee, due", days) for days in (30, 60, 90)),
            *(act("tea, just bought", days) for days in (1, 31, 61)),
            act("sofa, once", 45),
            act("lamp, long ago", 900),
        ]
    )
    assert sorted(scores, key=scores.get, reverse=True) == [
        "coffee, due",
        "sofa, once",
        "lamp, long ago",
        "tea, just bought",
    ]
    assert all(0 <= score < 1 for score in scores.values())


def test_two_lines_of_one_day_are_no_habit():
    assert due_scores([act("x", 45), act("x", 45)]) == pytest.approx(due_scores([act("x", 45)]))


def test_purchases_of_unknown_time_are_shown_too():
    assert due_scores([Act("x", Kind.PURCHASE, None)]) == {"x": 0.5}


def test_buy_again_reads_the_hosts_orders(shop, orders_of, django_user_model):
    ada, bob = (django_user_model.objects.create_user(name) for name in ("ada", "bob"))
    mug, lamp = shop.of("Mugs")[0], shop.of("Lamps")[0]
    orders_of(ada, mug)
    orders_of(ada, lamp)
    orders_of(ada, mug)
    first, _second, third = Order.objects.order_by("pk")
    Order.objects.filter(pk=first.pk).update(placed_at=now() - timedelta(days=60))
    Order.objects.filter(pk=third.pk).update(placed_at=now() - timedelta(days=30))
    hits = buy_again(ada)
    assert (keys(hits), {hit.tier for hit in hits}) == ([mug.pk, lamp.pk], {"bought"})
    assert buy_again(bob) == buy_again(None) == []
    Product.objects.filter(pk=mug.pk).update(stock=0)
    assert keys(buy_again(ada)) == [lamp.pk]


def test_buy_again_without_orders_reads_events(shop, shopper, did):
    did("purchase", shop.of("Mugs")[0])
    assert keys(buy_again(shopper)) == [shop.of("Mugs")[0].pk]


def test_within_narrows_each_shelf(shop, shopper, did):
    mugs = shop.of("Mugs")
    did("view", *mugs)
    did("purchase", *mugs)
    within = Product.objects.filter(pk=mugs[1].pk)
    assert keys(recently_viewed(shopper, within=within)) == [mugs[1].pk]
    assert keys(buy_again(shopper, within=within)) == [mugs[1].pk]
    assert keys(recently_viewed(shopper, within=Product.objects.order_by("pk")[:2])) == [
        mugs[1].pk,
        mugs[0].pk,
    ]
