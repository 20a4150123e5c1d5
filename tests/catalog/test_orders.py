"""Orders as the plugin reads them, over the shop's own order model."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.test.utils import isolate_apps
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from similarity.exceptions import ConfigurationError
from similarity.extension import Bought
from similarity.orders.adapter import Basket, OrderAdapter, Sale, get_order_adapter
from similarity.orders.mapping import MappedOrders
from tests.configure import with_settings
from tests.fixtures_replica import with_replica  # noqa: F401
from tests.host.models import Customer, Order, OrderLine, Product

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def place(make_product):
    """Places an order of (product, quantity) lines."""

    def make(*lines, at=NOON, customer=None, status="placed"):
        order = Order.objects.create(
            number=f"N{Order.objects.count()}", customer=customer, placed_at=at, status=status
        )
        for product, quantity in lines:
            OrderLine.objects.create(
                order=order, product=product, quantity=quantity, unit_price=product.price
            )
        return order

    return make


@pytest.fixture
def customer(db):
    return Customer.objects.create(name="Ada Abel", email="ada@example.com")


def test_a_basket_names_who_when_and_what_each_once(place, customer, make_product):
    mug, tea = make_product(), make_product()
    order = place((mug, 2), (tea, 1), customer=customer)
    [basket] = get_order_adapter().baskets()
    assert basket == Basket(str(order.pk), f"customer_id:{customer.pk}", NOON, basket.products)
    assert sorted(basket.products) == sorted([mug.pk, tea.pk])
    assert timezone.is_aware(basket.at)


def test_what_a_user_bought_is_told_the_latest_first_and_each_once(place, customer, make_product):
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    Customer.objects.filter(pk=customer.pk).update(user=ada)
    mug, tea, pot = (make_product() for _ in range(3))
    for at, product in enumerate((mug, tea, mug)):
        place((product, 1), at=NOON + timedelta(days=at), customer=customer)
    place((pot, 1), at=NOON + timedelta(days=9), customer=customer, status="returned")
    place((pot, 1), at=NOON + timedelta(days=9))
    adapter = get_order_adapter()
    assert adapter.bought_by(ada, 10, "default") == [mug.pk, tea.pk]
    assert adapter.bought_by(ada, 1, "default") == [mug.pk]
    assert adapter.bought_by(bob, 10, "default") == []


def test_purchases_are_told_line_by_line_with_their_times(place, customer, make_product):
    ada = User.objects.create_user("ada")
    Customer.objects.filter(pk=customer.pk).update(user=ada)
    mug, tea = make_product(), make_product()
    for at, product in enumerate((mug, tea, mug)):
        place((product, 1), at=NOON + timedelta(days=at), customer=customer)
    lines = get_order_adapter().purchases_of(ada, 10, "default")
    days = ((mug.pk, 2), (tea.pk, 1), (mug.pk, 0))
    assert lines == [(key, NOON + timedelta(days=day)) for key, day in days]
    assert get_order_adapter().purchases_of(ada, 1, "default") == lines[:1]
    assert get_order_adapter().purchases_of(None, 10, "default") == ()


def test_an_adapter_of_its_own_needs_no_times():
    class Own(OrderAdapter):
        model = Order

        def baskets(self, since=None, until=None):
            return iter(())

        def baskets_of(self, keys):
            return iter(())

        def sales(self, since=None, until=None):
            return iter(())

        def bought_by(self, user, most, using):
            return [7, 8][:most]

    assert Own().purchases_of(None, 1, "default") == [(7, None)]


@pytest.fixture
def by_name(db):
    """Orders that name their user by ``to_field``: none placed yet."""
    with isolate_apps("tests.host"):

        class NamedOrder(models.Model):  # noqa: DJ008 - nobody reads it
            user = models.ForeignKey(User, models.CASCADE, to_field="username", related_name="+")
            product = models.ForeignKey(Product, models.CASCADE, to_field="id", related_name="+")
            placed_at = models.DateTimeField()

            class Meta:
                app_label = "host"

        with connection.schema_editor() as editor:
            editor.create_model(NamedOrder)
        adapter = MappedOrders(
            model="host.Order", placed_at="placed_at", products="product", user="user"
        )
        adapter.model = NamedOrder
        yield adapter


@pytest.mark.parametrize("path", ["user", "user_id"])
def test_a_user_is_found_by_key_where_orders_name_users_otherwise(by_name, make_product, path):
    """Else the user whose name is another's key would lend the other their taste."""
    ada = User.objects.create_user("ada")
    named = User.objects.create_user(str(ada.pk))
    mug, tea = make_product(), make_product()
    by_name.mapping["user"] = path
    by_name.model.objects.create(user=ada, product=mug, placed_at=NOON)
    by_name.model.objects.create(user=named, product=tea, placed_at=NOON)
    assert by_name.bought_by(ada, 10, "default") == [mug.pk]
    assert by_name.bought_by(named, 10, "default") == [tea.pk]


def test_another_login_with_a_user_s_number_has_bought_nothing(place, customer, make_product):
    ada = User.objects.create_user("ada")
    Customer.objects.filter(pk=customer.pk).update(user=ada)
    mug = make_product()
    place((mug, 1), customer=customer)
    adapter = get_order_adapter()
    client = SimpleNamespace(pk=ada.pk, is_authenticated=True)
    assert adapter.bought_by(client, 10, "default") == []
    assert adapter.bought_by(Customer(pk=ada.pk), 10, "default") == []
    lazy = SimpleLazyObject(lambda: ada)
    assert adapter.bought_by(lazy, 10, "default") == [mug.pk], "as a request has it"


def test_a_user_who_was_never_saved_has_not_bought_what_guests_did(place, make_product):
    place((make_product(), 1))
    assert get_order_adapter().bought_by(User(username="new"), 10, "default") == []


def test_a_guest_has_no_name(place, make_product):
    place((make_product(), 1))
    [basket] = get_order_adapter().baskets()
    assert basket.customer == ""


@pytest.mark.parametrize("status", ["cancelled", "returned"])
def test_an_order_that_does_not_count_is_not_read(place, make_product, status):
    order = place((make_product(), 1), status=status)
    adapter = get_order_adapter()
    assert list(adapter.baskets()) == []
    assert list(adapter.baskets_of([str(order.pk)])) == []
    assert list(adapter.sales()) == []


def test_an_order_without_lines_is_no_basket(place):
    order = place()
    assert list(get_order_adapter().baskets_of([str(order.pk)])) == []


def test_since_is_within_and_until_is_not(place, make_product):
    product = make_product()
    hours = [NOON + timedelta(hours=hour) for hour in range(3)]
    orders = [place((product, 1), at=at) for at in hours]
    found = get_order_adapter().baskets(since=hours[1], until=hours[2])
    assert [basket.key for basket in found] == [str(orders[1].pk)]


def test_orders_are_found_by_key_and_impossible_keys_are_passed_over(place, make_product):
    order = place((make_product(), 1))
    place((make_product(), 1))
    found = get_order_adapter().baskets_of([str(order.pk), "no number", "999999"])
    assert [basket.key for basket in found] == [str(order.pk)]


def test_every_order_is_read_in_one_query(place, make_product, django_assert_num_queries):
    for _ in range(5):
        place((make_product(), 1), (make_product(), 1))
    with django_assert_num_queries(1):
        assert len(list(get_order_adapter().baskets())) == 5


def test_sales_are_units_by_product_and_day(place, make_product):
    mug, tea = make_product(), make_product()
    place((mug, 2), (tea, 1))
    place((mug, 3))
    place((mug, 1), at=NOON + timedelta(days=1))
    place((mug, 9), status="cancelled")
    assert list(get_order_adapter().sales()) == [
        Sale(mug.pk, date(2026, 3, 2), 5),
        Sale(tea.pk, date(2026, 3, 2), 1),
        Sale(mug.pk, date(2026, 3, 3), 1),
    ]


def test_the_day_is_the_shops_own_whatever_zone_is_active(place, make_product, settings):
    """Counts must not depend on which worker, or which shopper's page, reads an order."""
    settings.TIME_ZONE = "Asia/Tokyo"  # nine hours ahead
    place((make_product(), 1), at=datetime(2026, 3, 2, 20, tzinfo=UTC))
    with timezone.override("America/New_York"):
        [basket] = get_order_adapter().baskets()
        [sale] = get_order_adapter().sales()
    assert basket.day == sale.day == date(2026, 3, 3)


def test_orders_are_read_where_they_are_written(place, make_product, with_replica):  # noqa: F811
    """A replica may not have the order a worker was woken for."""
    order = place((make_product(), 1))
    with_replica()
    adapter = get_order_adapter()
    assert len(list(adapter.baskets())) == len(list(adapter.baskets_of([str(order.pk)]))) == 1
    assert len(list(adapter.sales())) == 1


def test_lines_are_followed_and_products_are_not():
    """A product is saved whenever its stock changes, and no order changes by it."""
    adapter = get_order_adapter()
    assert adapter.related_models() == {OrderLine: ["lines"]}
    assert adapter.customer_models() == {Customer: ["customer"]}


def test_a_line_names_its_order_without_a_query(place, make_product, django_assert_num_queries):
    order = place((make_product(), 1))
    line = order.lines.get()
    with django_assert_num_queries(0):
        assert list(get_order_adapter().dependents(line)) == [order.pk]


def test_no_orders_is_a_choice(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    assert get_order_adapter() is None


def test_without_quantities_each_line_is_one_unit(place, make_product, settings):
    mapping = {k: v for k, v in settings.SIMILARITY["ORDERS"]["SOURCE"].items() if k != "quantity"}
    mug = make_product()
    place((mug, 5))
    assert [sale.units for sale in MappedOrders(**mapping).sales()] == [1]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"modell": "host.Order"}, "unknown key 'modell'"),
        ({"placed_at": 3}, "is 3; it must be a path"),
        ({"counted": "status"}, "is 'status'; it must be a dict"),
        ({"model": "host.Ordre"}, "is 'host.Ordre', which is not a model"),
        ({"model": "Order"}, "is 'Order', which is not a model"),
    ],
)
def test_a_wrong_mapping_is_told(settings, mapping, message):
    with pytest.raises(ConfigurationError, match=message):
        MappedOrders(**{**settings.SIMILARITY["ORDERS"]["SOURCE"], **mapping})


def test_a_mapping_without_products_is_told():
    with pytest.raises(ConfigurationError, match="has no 'products'"):
        MappedOrders(model="host.Order", placed_at="placed_at")


class Ledgerless(OrderAdapter):
    model = Order


class OwnOrders(MappedOrders):
    def __init__(self):
        super().__init__(model="host.Order", placed_at="placed_at", products="lines__product")


def test_an_adapter_of_the_hosts_own(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": f"{__name__}.OwnOrders"})
    assert isinstance(get_order_adapter(), OwnOrders)


@pytest.mark.parametrize(
    ("configured", "message"),
    [
        (f"{__name__}.Ledgerless", "Write baskets"),
        (f"{__name__}.Missing", "cannot be imported"),
        ("collections.OrderedDict", "is not an OrderAdapter"),
        (7, "is 7; it must be"),
    ],
)
def test_an_adapter_that_cannot_be_made_is_told(settings, configured, message):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": configured})
    with pytest.raises(ConfigurationError, match=message):
        get_order_adapter()


@pytest.mark.parametrize(
    ("quantities", "is_bought"),
    [((0,), False), ((1, -1), False), ((2, -1), True), ((-1,), False), ((3, -1, -2), False)],
)
def test_what_was_taken_back_or_never_ordered_is_not_bought(
    place, customer, make_product, quantities, is_bought, monkeypatch
):
    """Shops of other makes note a return as a line of −1; the demo's own tables refuse both."""
    mug, tea = make_product(), make_product()
    order = place((mug, 1), (tea, 1), customer=customer)
    lines = [(order.pk, NOON, mug.pk, 1, customer.pk, "")]
    lines += [(order.pk, NOON, tea.pk, quantity, customer.pk, "") for quantity in quantities]
    rows = mock.Mock()
    rows.order_by().values_list().iterator.return_value = iter(lines)
    [basket] = get_order_adapter()._read(rows)
    assert (tea.pk in basket.products) is is_bought
    assert mug.pk in basket.products


def test_without_a_quantity_each_line_is_bought(place, customer, make_product, settings):
    mug = make_product()
    place((mug, 1), customer=customer)
    orders = {**settings.SIMILARITY["ORDERS"]["SOURCE"]}
    del orders["quantity"]
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": orders})
    assert [basket.products for basket in get_order_adapter().baskets()] == [(mug.pk,)]


def test_of_several_paths_the_first_that_is_filled_tells_the_customer(
    place, customer, make_product
):
    mug = make_product()
    known = place((mug, 1), customer=customer)
    guest, nobody = place((mug, 1)), place((mug, 1))
    Order.objects.filter(pk=known.pk).update(email="ada@example.com")
    Order.objects.filter(pk=guest.pk).update(email="ada@example.com")
    Order.objects.filter(pk=nobody.pk).update(email=" ")
    found = {basket.key: basket.customer for basket in get_order_adapter().baskets()}
    assert found == {
        str(known.pk): f"customer_id:{customer.pk}",
        str(guest.pk): "email:ada@example.com",
        str(nobody.pk): "",
    }


@pytest.mark.parametrize(
    ("verified", "found"),
    [
        ({"status": "shipped"}, ["shipped"]),
        ({"lines__unit_price__gt": 5}, ["shipped"]),
        ({}, ["placed", "shipped"]),
    ],
)
def test_pages_learn_from_verified_orders_alone(place, make_product, settings, verified, found):
    """Sales are the shop's own report, which every order that counts belongs to."""
    mug, tea = make_product(), make_product()
    for status in ("placed", "shipped", "cancelled"):
        order = place((mug, 1), (tea, 2), status=status)
        order.lines.update(unit_price=9 if status == "shipped" else 1)
    orders = {**settings.SIMILARITY["ORDERS"]["SOURCE"], "verified": verified}
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": orders})
    adapter = get_order_adapter()
    keys = [basket.key for basket in adapter.baskets()]
    status = dict(Order.objects.values_list("pk", "status"))
    assert sorted(status[int(key)] for key in keys) == found
    assert all(len(basket.products) == 2 for basket in adapter.baskets())
    assert [basket.key for basket in adapter.baskets_of(map(str, status))] == keys
    assert sum(sale.units for sale in adapter.sales()) == 6


def test_what_makes_an_order_verified_is_followed(settings):
    orders = {
        **settings.SIMILARITY["ORDERS"]["SOURCE"],
        "verified": {"customer__user__is_active": True},
    }
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": orders})
    assert {"customer", "customer__user"} <= {
        lookup for lookups in get_order_adapter().related_models().values() for lookup in lookups
    }


def test_what_was_bought_names_the_login_or_the_customer(place, customer, make_product):
    """So that a person's events and orders are one history."""
    ada = User.objects.create_user("ada")
    Customer.objects.filter(pk=customer.pk).update(user=ada)
    guest = Customer.objects.create(name="Bob", email="bob@example.com")
    mug, tea = make_product(), make_product()
    place((mug, 2), (tea, 1), customer=customer)
    place((tea, 1), at=NOON + timedelta(days=1), customer=guest)
    place((tea, 1), at=NOON + timedelta(days=2), status="returned")
    place()
    bought = list(get_order_adapter().bought_since(None))
    assert sorted(bought[:2]) == sorted(
        [
            Bought(ada.pk, f"customer_id:{customer.pk}", mug.pk, NOON),
            Bought(ada.pk, f"customer_id:{customer.pk}", tea.pk, NOON),
        ]
    )
    later = NOON + timedelta(days=1)
    assert bought[2:] == [Bought(None, f"customer_id:{guest.pk}", tea.pk, later)]
    assert list(get_order_adapter().bought_since(later)) == bought[2:]


def test_an_adapter_that_knows_no_logins_names_the_customer(place, customer, make_product):
    order = place((make_product(), 1), customer=customer)
    adapter = get_order_adapter()
    assert list(OrderAdapter.bought_since(adapter, None)) == [
        Bought(None, f"customer_id:{customer.pk}", line.product_id, NOON)
        for line in order.lines.all()
    ]
