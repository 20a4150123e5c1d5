"""What everybody may see of what others look at, and what forgers and observers cannot do."""

import itertools
from datetime import datetime, time, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from similarity.catalog import times
from similarity.events import partitions
from similarity.events.models import Event, Kind, Profile
from similarity.exceptions import QueryError
from similarity.models.vectors import group_name
from similarity.shoppers import public_counts, verified
from similarity.shoppers.models import AlsoViewedItem, PublicRelease, TrendingItem
from similarity.shoppers.public_shelves import also_viewed, trending
from similarity.shoppers.tasks import count_public_shelves
from tests.configure import with_settings
from tests.host_models import Customer, Order, Product

pytestmark = pytest.mark.django_db
K = 5
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def months(db):
    now = timezone.now()
    partitions.create(now - timedelta(days=60), now, "default")


def at(days: int, second: int = 0) -> datetime:
    """Noon of so many days ago, in the shop's zone."""
    day = times.today() - timedelta(days=days)
    return times.aware(datetime.combine(day, time(12))) + timedelta(seconds=second)


def account(*, bought=True, joined_days=100):
    """A signed-in shopper's profile, with a paid order or without."""
    number = next(_numbers)
    joined = timezone.now() - timedelta(days=joined_days)
    user = get_user_model().objects.create(username=f"user{number}", date_joined=joined)
    if bought:
        email = f"{number}@example.com"
        customer = Customer.objects.create(user=user, name="A", email=email)
        Order.objects.create(
            number=f"P-{number}", customer=customer, email=email, placed_at=timezone.now()
        )
    return Profile.objects.create(user=user, consented_at=joined)


def crowd(count, **fields):
    return [account(**fields) for _each in range(count)]


def look(profiles, *products, days=1, kind=Kind.VIEW):
    """Each shopper meets each of the products on that day."""
    Event.objects.bulk_create(
        Event(profile=profile, product=product, kind=kind, at=at(days, second))
        for profile in profiles
        for second, product in enumerate(products)
    )


def tomorrow(monkeypatch, days=1):
    day = times.today() + timedelta(days=days)
    monkeypatch.setattr(public_counts.times, "today", lambda: day)


def keys(hits):
    return [hit.key for hit in hits]


def released():
    """All that the public tables hold, without the day."""
    return (
        sorted(TrendingItem.objects.values_list("name", "step")),
        sorted(AlsoViewedItem.objects.values_list("source", "name", "step")),
    )


def test_products_that_enough_verified_shoppers_met_trend(make_product):
    lamp, mug = make_product(), make_product()
    look(crowd(K + 1), lamp)
    look(crowd(K), mug)
    count_public_shelves()
    hits = trending()
    assert keys(hits) == [str(lamp.pk)]
    assert (hits[0].tier, hits[0].score, hits[0].product) == ("trending", 1.0, lamp)


def test_what_is_always_popular_does_not_trend(make_product):
    steady, new = make_product(), make_product()
    shoppers = crowd(K + 3)
    for day in range(1, 36):
        look(shoppers, steady, days=day)
    look(shoppers, new, days=2)
    count_public_shelves()
    assert keys(trending()) == [str(new.pk)]


def test_a_recent_day_counts_more_than_an_older_one(make_product, monkeypatch):
    monkeypatch.setattr(public_counts, "TRENDING_STEPS", (1, 2))
    shoppers = crowd(K + 1)
    older, newer = make_product(), make_product()
    look(shoppers, older, days=6)
    look(shoppers, newer, days=1)
    count_public_shelves()
    names = dict(TrendingItem.objects.values_list("name", "step"))
    assert names == {group_name(str(newer.pk), ""): 1, group_name(str(older.pk), ""): 2}


def test_also_viewed_are_the_products_of_the_same_day(make_product):
    lamp, bulb, mug = make_product(), make_product(), make_product()
    shoppers = crowd(K + 1)
    look(shoppers, lamp, bulb, days=3)
    look(shoppers, mug, days=2)
    count_public_shelves()
    assert keys(also_viewed(lamp)) == [str(bulb.pk)]
    assert keys(also_viewed(bulb.pk)) == [str(lamp.pk)]
    assert also_viewed(mug) == []
    assert also_viewed(lamp)[0].tier == "also_viewed"


def test_the_closest_pairs_come_first(make_product, monkeypatch):
    monkeypatch.setattr(public_counts, "ALSO_VIEWED_STEPS", (1, 2))
    lamp, bulb, bestseller = make_product(), make_product(), make_product()
    shoppers = crowd(K + 1)
    look(shoppers, lamp, bulb, bestseller)
    look(crowd(20), bestseller)
    count_public_shelves()
    assert keys(also_viewed(lamp)) == [str(bulb.pk), str(bestseller.pk)]


def test_forged_events_and_new_accounts_move_no_public_figure(make_product):
    """10,000 anonymous events, and 100 new accounts that look at one product every day."""
    honest, pushed, partner = make_product(), make_product(), make_product()
    look(crowd(K + 1), honest, partner)
    anonymous = [Profile.objects.create(pseudonym=f"{n:064d}") for n in range(50)]
    forged = [
        Event(profile=anonymous[n % 50], product=pushed, kind=Kind.PURCHASE, at=at(1 + n % 3, n))
        for n in range(10_000)
    ]
    Event.objects.bulk_create(forged)
    accounts = crowd(100, bought=False, joined_days=0)
    for day in (1, 2, 3):
        look(accounts, pushed, honest, days=day)
    count_public_shelves()
    with_forgery = released()
    Event.objects.exclude(profile__user__customer__orders__isnull=False).delete()
    PublicRelease.objects.all().delete()
    TrendingItem.objects.all().delete()
    AlsoViewedItem.objects.all().delete()
    count_public_shelves()
    assert released() == with_forgery
    assert keys(trending()) == keys(trending(exclude=[pushed]))
    assert len(trending()) == 2


def test_a_shopper_has_one_vote_for_a_product_and_day(make_product, monkeypatch):
    monkeypatch.setattr(public_counts, "TRENDING_STEPS", (1, 2))
    often, widely = make_product(), make_product()
    fans, many = crowd(K + 1), crowd(K + 2)
    for _each in range(30):
        look(fans, often)
    look(many, widely)
    count_public_shelves()
    assert dict(TrendingItem.objects.values_list("step", "name"))[1].endswith(f":{widely.pk}")


def test_one_shopper_makes_pairs_of_so_many_products_a_day_only(make_product, monkeypatch):
    monkeypatch.setattr(public_counts, "ITEMS_A_DAY", 2)
    first, second, third = make_product(), make_product(), make_product()
    look(crowd(K + 1), first, second, third)  # in this order
    count_public_shelves()
    assert keys(also_viewed(second)) == [str(third.pk)]
    assert also_viewed(first) == []


def test_a_shopper_more_or_less_never_shows(make_product, monkeypatch):
    """An item appears at k + 1 and goes below k, so an observer cannot test a single visit."""
    lamp = make_product()
    shoppers = crowd(K + 1)
    look(shoppers[:K], lamp)
    count_public_shelves()
    assert trending() == []
    look(shoppers[K:], lamp)
    tomorrow(monkeypatch)
    count_public_shelves()
    assert keys(trending()) == [str(lamp.pk)]
    Event.objects.filter(profile__in=shoppers[:1]).delete()
    tomorrow(monkeypatch)
    count_public_shelves()
    assert keys(trending()) == [str(lamp.pk)]
    Event.objects.filter(profile__in=shoppers[:2]).delete()
    tomorrow(monkeypatch)
    count_public_shelves()
    assert trending() == []


def test_a_pair_has_the_same_hysteresis(make_product, monkeypatch):
    lamp, bulb = make_product(), make_product()
    shoppers = crowd(K + 1)
    look(shoppers[:K], lamp, bulb)
    count_public_shelves()
    assert also_viewed(lamp) == []
    look(shoppers[K:], lamp, bulb)
    tomorrow(monkeypatch)
    count_public_shelves()
    Event.objects.filter(profile__in=shoppers[:1]).delete()
    tomorrow(monkeypatch)
    count_public_shelves()
    assert keys(also_viewed(lamp)) == [str(bulb.pk)]
    Event.objects.filter(profile__in=shoppers[:2]).delete()
    tomorrow(monkeypatch)
    count_public_shelves()
    assert also_viewed(lamp) == []


def test_shelves_are_released_once_a_day(make_product, monkeypatch):
    lamp, mug = make_product(), make_product()
    shoppers = crowd(K + 1)
    look(shoppers, lamp)
    assert public_counts.count_public_shelves() is True
    before = released()
    look(shoppers, mug)
    assert public_counts.count_public_shelves() is False
    assert released() == before
    assert PublicRelease.objects.last_day() == times.today()
    tomorrow(monkeypatch)
    assert public_counts.count_public_shelves() is True
    assert len(TrendingItem.objects.all()) == 2
    assert PublicRelease.objects.count() == 1


def test_events_of_today_wait_for_the_day_to_end(make_product):
    look(crowd(K + 1), make_product(), days=0)
    count_public_shelves()
    assert trending() == []


def test_rows_of_an_old_release_are_not_shown(make_product):
    look(crowd(K + 1), make_product())
    count_public_shelves()
    TrendingItem.objects.update(day=times.today() - timedelta(days=6))
    assert len(trending()) == 1
    TrendingItem.objects.update(day=times.today() - timedelta(days=7))
    assert trending() == []


def test_the_filter_is_live(make_product):
    lamp, mug = make_product(), make_product()
    look(crowd(K + 1), lamp, mug)
    count_public_shelves()
    assert len(trending()) == 2
    Product.objects.filter(pk=lamp.pk).update(is_active=False)
    assert keys(trending()) == [str(mug.pk)]
    assert also_viewed(mug) == []
    assert trending(within=Product.objects.none()) == []
    mug.delete()
    assert trending() == []


def test_variants_are_one_item_and_one_hit(shop, make_product):
    from tests.shoppers.conftest import store

    shirts = [make_product(name=f"Shirt {size}", category="Mugs", group="shirt") for size in "ML"]
    lamp = shop.of("Lamps")[0]
    for shirt in shirts:
        store(shop.version, shirt, shop.vector(lamp))
    shoppers = crowd(K + 1)
    look(shoppers[:3], shirts[0], lamp)
    look(shoppers[3:], shirts[1], lamp)
    count_public_shelves()
    assert sorted(keys(trending())) == sorted([str(shirts[0].pk), str(lamp.pk)])
    assert keys(also_viewed(shirts[1])) == [str(lamp.pk)]
    Product.objects.filter(pk=shirts[0].pk).update(stock=0)
    assert keys(also_viewed(lamp)) == [str(shirts[1].pk)]
    assert keys(trending(exclude=[shirts[0]])) == [str(lamp.pk)]


def test_more_rows_are_read_where_the_first_may_not_be_shown(make_product):
    products = [make_product() for _each in range(12)]
    look(crowd(K + 1), *products)
    count_public_shelves()
    shown = [hit.key for hit in trending(limit=12)]
    Product.objects.filter(pk__in=shown[:10]).update(stock=0)
    assert keys(trending(limit=1)) == shown[10:11]


def test_statements_are_few(make_product):
    look(crowd(K + 1), *[make_product() for _each in range(6)])
    count_public_shelves()
    key = Product.objects.first().pk
    with CaptureQueriesContext(connection) as queries:
        assert len(trending(4)) == 4
    assert len(queries) == 2  # the rows, and the products
    with CaptureQueriesContext(connection) as queries:
        assert len(also_viewed(key, 4)) == 4
    assert len(queries) == 3  # the product's group, too


def test_wrong_arguments_are_named():
    with pytest.raises(QueryError, match="limit is 0"):
        trending(0)
    with pytest.raises(QueryError, match="is no key"):
        also_viewed("no number")


def test_without_orders_only_old_and_active_accounts_count(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    old, new = account(bought=False), account(bought=False, joined_days=1)
    left = account(bought=False)
    get_user_model().objects.filter(pk=left.user_id).update(is_active=False)
    users = [profile.user_id for profile in (old, new, left)]
    assert verified.verified_users(users, "default") == {old.user_id}
    Profile.objects.filter(pk=old.pk).update(consented_at=timezone.now())
    assert verified.verified_users(users, "default") == set()


def test_an_order_that_does_not_count_verifies_nobody(settings):
    bought, cancelled, none = account(), account(), account(bought=False)
    Order.objects.filter(customer__user=cancelled.user_id).update(status="cancelled")
    users = [profile.user_id for profile in (bought, cancelled, none)]
    assert set(verified.verified_users(users, "default")) == {bought.user_id}
    settings.SIMILARITY = with_settings(
        ORDERS={"SOURCE": {**settings.SIMILARITY["ORDERS"]["SOURCE"], "verified": {"status": "x"}}}
    )
    assert set(verified.verified_users(users, "default")) == set()


def test_profiles_are_read_a_page_at_a_time(make_product, monkeypatch):
    monkeypatch.setattr(verified, "_PAGE", 2)
    shoppers = crowd(5)
    look(shoppers, make_product())
    account()  # without events
    pages = list(verified.verified_profiles(at(10), "default"))
    assert sorted(map(len, pages)) == [1, 2, 2]
    assert sorted(itertools.chain.from_iterable(pages)) == sorted(
        profile.pk for profile in shoppers
    )
