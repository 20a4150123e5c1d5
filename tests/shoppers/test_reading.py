"""Events and orders become arrays: ordered, bounded, one history a person, one item a group."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from similarity.events import partitions
from similarity.events.models import Event, Kind, Profile
from similarity.exceptions import TrainingError
from similarity.models import EncoderVersion
from similarity.models.vectors import group_name
from similarity.shoppers import reading
from similarity.shoppers.reading import read_interactions
from tests.host_models import Customer, Order, OrderLine

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def _partitions(db):
    """At the begin of a month the one before may have no partition."""
    partitions.create(NOW - timedelta(days=1), NOW, "default")


@pytest.fixture
def happened(shopper):
    """``happened(product, "view", 5)``: five minutes ago."""

    def happened(product, kind="view", minutes=1.0, of=shopper):
        at = NOW - timedelta(minutes=minutes)
        key = getattr(product, "pk", product)
        Event.objects.create(profile=of, kind=Kind[kind.upper()], product_id=key, at=at)

    return happened


def read(**kwargs):
    return read_interactions("default", **kwargs).interactions


def histories(interactions) -> list[list[str]]:
    starts = interactions.starts()
    return [
        [interactions.names[item] for item in interactions.items[first:end]]
        for first, end in pairwise(starts)
    ]


def test_events_come_by_shopper_and_time(shop, happened):
    mug, lamp, other = shop.of("Mugs")[0], shop.of("Lamps")[0], shop.of("Lamps")[1]
    second = Profile.objects.create(pseudonym="1" * 64)
    happened(lamp, "add_to_cart", 1)
    happened(mug, "view", 3)
    happened(mug, "view", 2, of=second)
    happened(other, "like", 1, of=second)
    found = read_interactions("default")
    interactions = found.interactions
    walks = [[shop.name(mug), shop.name(lamp)], [shop.name(mug), shop.name(other)]]
    assert sorted(histories(interactions)) == sorted(walks)
    assert found.content_version == shop.version.pk
    at = interactions.names.index(shop.name(lamp))
    row = int(np.flatnonzero(interactions.items == at)[0])
    assert interactions.kinds[row] == Kind.ADD_TO_CART
    assert interactions.times[row] == int((NOW - timedelta(minutes=1)).timestamp())
    assert interactions.shoppers.dtype == interactions.items.dtype == np.int32
    assert interactions.kinds.dtype == np.int8
    assert (np.diff(interactions.shoppers) >= 0).all()


def test_the_content_of_an_item_is_its_fused_vector_at_length_one(shop, happened):
    for product in shop.products:
        happened(product)
    interactions = read()
    for product in shop.products:
        row = interactions.content[interactions.names.index(shop.name(product))]
        assert np.allclose(row, shop.vector(product), atol=2e-3)
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-6)


def test_searches_impressions_and_refusals_are_no_history(shop, happened):
    mug, lamp = shop.of("Mugs")[0], shop.of("Lamps")[0]
    happened(mug)
    for kind in ("impression", "dislike", "not_interested"):
        happened(lamp, kind)
    happened(None, "search")
    assert histories(read()) == [[shop.name(mug)]]


def test_products_without_vectors_and_deleted_products_are_left_out(shop, happened, make_product):
    mug, bare = shop.of("Mugs")[0], make_product()
    happened(mug)
    happened(bare)
    happened(bare.pk + 1000)
    assert histories(read()) == [[shop.name(mug)]]


def test_variants_are_one_item(shop, happened):
    first, second = shop.of("Mugs")[:2]
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE similarity_productvectors SET "group" = %s WHERE product_id = ANY(%s)',
            [group_name("", "mug"), [first.pk, second.pk]],
        )
    happened(first, minutes=2)
    happened(second, minutes=1)
    interactions = read()
    assert interactions.names == [group_name("", "mug")]
    assert interactions.items.tolist() == [0, 0]


def test_vectors_of_other_versions_do_not_matter(shop, happened):
    old = EncoderVersion.objects.create(
        status="retired", encoders={}, fusion=b"", weights={}, dimensions={"fused": 4}
    )
    shop.version.refresh_from_db()
    happened(shop.products[0])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO similarity_productvectors (product_id, version_id, fused, "
            '"group", category, fingerprint, encoded_at) SELECT product_id, %s, fused, '
            "'another', category, fingerprint, now() FROM similarity_productvectors",
            [old.pk],
        )
    assert histories(read()) == [[shop.name(shop.products[0])]]


def test_the_latest_events_of_a_shopper_are_read(shop, happened, monkeypatch):
    monkeypatch.setattr(reading, "MOST_EVENTS", 3)
    for minutes, product in enumerate(shop.products[:5], start=1):
        happened(product, minutes=minutes)
    assert histories(read()) == [[shop.name(each) for each in shop.products[2::-1]]]


def test_events_before_since_are_left_out(shop, happened):
    mug, lamp = shop.of("Mugs")[0], shop.of("Lamps")[0]
    happened(mug, minutes=30)
    happened(lamp, minutes=10)
    assert histories(read(since=NOW - timedelta(minutes=20))) == [[shop.name(lamp)]]


def order(customer, *products, minutes=1.0, **fields):
    number = f"R{Order.objects.count()}"
    placed = NOW - timedelta(minutes=minutes)
    made = Order.objects.create(customer=customer, number=number, placed_at=placed, **fields)
    for product in products:
        OrderLine.objects.create(order=made, product=product, unit_price=product.price)


def test_a_shop_with_orders_alone_has_histories(shop):
    """Guests are known by the customer's path, and orders of unknown buyers teach nothing."""
    mug, lamp = shop.of("Mugs")[0], shop.of("Lamps")[0]
    order(None, lamp, minutes=5, email="Ada@example.com")
    order(None, mug, minutes=2, email="ada@example.com ")
    interactions = read()
    assert histories(interactions) == [[shop.name(lamp), shop.name(mug)]]
    assert interactions.kinds.tolist() == [Kind.PURCHASE] * 2


def test_events_and_orders_of_an_account_are_one_history(shop, happened):
    user = get_user_model().objects.create(username="ada")
    profile = Profile.objects.create(user=user)
    customer = Customer.objects.create(user=user, email="ada@example.com")
    mug, lamp, chair = (shop.of(name)[0] for name in ("Mugs", "Lamps", "Chairs"))
    happened(mug, minutes=9, of=profile)
    order(customer, lamp, minutes=6)
    happened(chair, minutes=3, of=profile)
    assert histories(read()) == [[shop.name(each) for each in (mug, lamp, chair)]]


def test_a_history_of_thousands_comes_in_several_blocks(shop, monkeypatch):
    """The rows of COPY are cut where a block ends, in the middle of a row too."""
    monkeypatch.setattr(reading, "MOST_EVENTS", 20_000)
    profile = Profile.objects.create(pseudonym="2" * 64)
    keys = [product.pk for product in shop.products]
    random = np.random.default_rng(0)
    chosen = random.integers(0, len(keys), 10_000)
    begin = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC)
    Event.objects.bulk_create(
        Event(
            profile=profile,
            kind=Kind.VIEW,
            product_id=keys[item],
            at=begin + timedelta(seconds=second),
        )
        for second, item in enumerate(chosen.tolist())
    )
    interactions = read()
    expected = [shop.name(shop.products[item]) for item in chosen]
    assert histories(interactions) == [expected]
    assert interactions.times.tolist() == [
        int(begin.timestamp()) + second for second in range(10_000)
    ]


def test_reading_twice_in_a_transaction_works(shop, happened):
    happened(shop.products[0])
    assert histories(read()) == histories(read())


def test_a_shop_where_nothing_happened_has_empty_arrays(shop):
    interactions = read()
    assert interactions.window() == {"events": 0, "shoppers": 0, "items": 0}
    assert interactions.content.shape == (0, 4)


@pytest.mark.django_db
def test_without_a_live_version_the_remedy_is_named():
    with pytest.raises(TrainingError, match="similarity embed"):
        read_interactions("default")
