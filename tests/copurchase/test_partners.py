"""What pages read of co-purchases."""

import pytest
from django.utils import timezone

from similarity.models.vectors import group_name
from similarity.orders.counting import scores, updating
from similarity.orders.counting.full import count_all
from similarity.orders.models import CountedItem, CountRun, ProductPartners
from similarity.orders.partners import partners_of
from tests.configure import with_settings
from tests.copurchase.random_orders import counted
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.host.models import Customer, Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wakeups")]


@pytest.fixture
def shop(random_shop):
    """Some dozens of recent orders of a dozen customers, counted."""
    shop = random_shop(11)
    shop.customers += [
        Customer.objects.create(name=f"D{n}", email=f"d{n}@example.com") for n in range(8)
    ]
    for _ in range(90):
        shop.place(at=timezone.now())
    count_all()
    return shop


def names(shop):
    return list(dict.fromkeys(group_name(str(p.pk), p.group) for p in shop.products))


def test_figures_are_made_of_the_counts(shop):
    total = CountRun.objects.get().total_weight
    items, pairs = counted()["items"], counted()["pairs"]
    found = partners_of(names(shop))
    assert found
    for name, partners in found.items():
        for partner in partners:
            weight, orders, shoppers = pairs[name, partner.item]
            counts = (weight, items[name][0], items[partner.item][0], total)
            assert (partner.orders, partner.shoppers) == (orders, shoppers)
            assert partner.support == pytest.approx(weight / total)
            assert partner.confidence == pytest.approx(weight / counts[1])
            assert partner.lift == pytest.approx(scores.lift(*counts))
            assert partner.log_likelihood_ratio == pytest.approx(
                scores.log_likelihood_ratio(*counts)
            )
            assert partner.score == pytest.approx(scores.blend(*counts))
            assert 0 <= partner.score < 1
            assert list(partner.products) == items[partner.item][3]


def test_the_best_come_first_and_no_more_than_partners(shop):
    for partners in partners_of(names(shop)).values():
        scored = [partner.score for partner in partners]
        assert scored == sorted(scored, reverse=True)
        assert 1 <= len(partners) <= 3


def test_no_pair_of_fewer_shoppers_is_told(shop, settings):
    """Also where the limit was raised after the count: nobody waits for the night."""
    pairs = [p for found in partners_of(names(shop)).values() for p in found]
    assert min(partner.shoppers for partner in pairs) >= 2
    settings.SIMILARITY = with_settings(ORDERS={"MIN_SHOPPERS": 4})
    pairs = [p for found in partners_of(names(shop)).values() for p in found]
    assert all(partner.shoppers >= 4 for partner in pairs)


def test_a_pair_of_one_customer_is_in_no_table_that_pages_read(random_shop):
    shop = random_shop(12)
    shop.customers = shop.customers[:1]
    for _ in range(10):
        order = Order.objects.create(
            number=f"S{shop.placed}", customer=shop.customers[0], placed_at=timezone.now()
        )
        shop.placed += 1
        shop.fill(order)
    count_all()
    assert counted()["pairs"]
    assert not ProductPartners.objects.exists()
    order.save()
    updating.count_pending()
    assert not ProductPartners.objects.exists()


def test_many_items_cost_one_query(shop, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(partners_of(names(shop))) > 3


def test_what_was_never_bought_has_none(shop):
    assert partners_of(["product:none"]) == {}
    assert partners_of([]) == {}


def test_nothing_is_there_before_the_first_count():
    assert partners_of(["product:1"]) == {}


def test_figures_are_those_of_the_last_full_count(shop):
    name, [first, *_] = next(iter(partners_of(names(shop)).items()))
    before = CountedItem.objects.get(name=first.item).orders
    product = next(p for p in shop.products if group_name(str(p.pk), p.group) == first.item)
    for number in range(2):
        order = Order.objects.create(number=f"L{number}", placed_at=timezone.now())
        order.lines.create(product=product, unit_price=1)
    updating.count_pending()
    assert CountedItem.objects.get(name=first.item).orders == before + 2
    [now] = [partner for partner in partners_of([name])[name] if partner.item == first.item]
    assert now[2:] == first[2:]
    count_all()
    [now] = [partner for partner in partners_of([name])[name] if partner.item == first.item]
    assert now.lift < first.lift, "bought alone more often, it says less of a pair"
