"""A shopper's history: the latest first, only theirs, and read by the index."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from similarity.events import history, partitions
from similarity.events.models import Event, Kind
from tests.events.shoppers import anonymous, happen

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def test_latest_first_and_only_of_this_shopper(make_product):
    shirt, lamp = make_product(), make_product()
    ann, ben = anonymous("a"), anonymous("b")
    happen(ann, shirt, minutes=9)
    cart = happen(ann, lamp, Kind.ADD_TO_CART, minutes=3)
    happen(ann, lamp, Kind.IMPRESSION, minutes=2)
    happen(ben, shirt, minutes=1)
    seen = history.read_history(ann.pk, 10, "default")
    assert [(one.product, one.kind) for one in seen] == [
        (lamp.pk, Kind.ADD_TO_CART),
        (shirt.pk, Kind.VIEW),
    ]
    assert seen[0].at == cart.at
    assert [one.product for one in history.read_history(ann.pk, 1, "default")] == [lamp.pk]


def test_last_products_are_distinct(make_product):
    shirt, lamp, pot = make_product(), make_product(), make_product()
    ann = anonymous()
    for minutes, product in enumerate([shirt, lamp, shirt, pot, lamp]):
        happen(ann, product, minutes=minutes)
    happen(ann, pot, Kind.CLICK)
    assert history.read_last(ann.pk, Kind.VIEW, 2, "default") == [shirt.pk, lamp.pk]


def test_a_later_like_takes_a_refusal_back(make_product):
    shirt, lamp, pot = make_product(), make_product(), make_product()
    ann = anonymous()
    happen(ann, shirt, Kind.NOT_INTERESTED, minutes=5)
    happen(ann, lamp, Kind.DISLIKE, minutes=5)
    happen(ann, lamp, Kind.LIKE, minutes=1)
    happen(ann, pot, Kind.LIKE, minutes=5)
    happen(ann, pot, Kind.NOT_INTERESTED, minutes=1)
    assert history.not_interested(ann.pk, "default") == {shirt.pk, pot.pk}


def test_history_and_refusals_are_the_same_by_one_query(make_product, django_assert_num_queries):
    shirt, lamp, pot = make_product(), make_product(), make_product()
    ann, ben = anonymous("a"), anonymous("b")
    for minutes, product in enumerate([shirt, lamp, shirt, pot]):
        happen(ann, product, minutes=minutes)
    happen(ann, lamp, Kind.NOT_INTERESTED)
    happen(ann, pot, Kind.DISLIKE, minutes=5)
    happen(ann, pot, Kind.LIKE)
    happen(ben, shirt, Kind.NOT_INTERESTED)
    with django_assert_num_queries(1):
        seen, refused = history.read_history_and_refusals(ann.pk, 3, "default")
    assert seen == history.read_history(ann.pk, 3, "default")
    assert refused == history.not_interested(ann.pk, "default") == {lamp.pk}


def test_read_in_one_query_by_the_index_over_several_partitions(
    make_product, django_assert_num_queries
):
    product, ann = make_product(), anonymous()
    partitions.create(NOW - timedelta(days=100), NOW, "default")
    happen(ann, product, minutes=60 * 24 * 90)
    happen(ann, product, Kind.NOT_INTERESTED)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO similarity_event (at, id, profile_id, kind, product_id, quantity, "
            "currency, query, token, by_server) SELECT %s - day * interval '1 day', profile, "
            "profile, 1, %s, 1, '', '', '', false "
            "FROM generate_series(1, 2000) profile, generate_series(0, 100, 9) day",
            [NOW, product.pk],
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE similarity_event")
    with django_assert_num_queries(1):
        assert len(history.read_history(ann.pk, 50, "default")) == 1
    events = Event.objects.filter(profile_id=ann.pk, kind__in=history.SEQUENCE_KINDS)
    plan = events.order_by("-at")[:50].explain()
    assert not scanned_with_rows(plan)
    assert plan.count("Index Cond: (profile_id = ") >= 4

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {history._REFUSED}", [ann.pk, [8, 9]])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert not scanned_with_rows(plan)
    assert plan.count("similarity_event_opinions") + plan.count("_profile_id_idx") >= 4


def scanned_with_rows(plan):
    """The lines of a plan that read all of a month with rows; months ahead are empty and free."""
    return [
        line for line in plan.splitlines() if "Seq Scan" in line and "cost=0.00..0.00" not in line
    ]
