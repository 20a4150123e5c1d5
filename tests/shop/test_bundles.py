"""Bundles in the shop: the price in the cart and in the order, to the cent, and what undoes it."""

from decimal import Decimal
from itertools import pairwise

import pytest
from django.urls import reverse

from shop.bundles import split_saving
from shop.models import Order, Product
from similarity.orders import Offer
from similarity.orders.models import Bundle
from tests.shop.test_checkout import PERSON

pytestmark = pytest.mark.django_db


@pytest.fixture
def camping(make_product):
    """A published bundle of a tent (100) and a bag (50) for 120; (bundle, tent, bag)."""
    tent = make_product(name="Tent", price=Decimal("100.00"))
    bag = make_product(name="Sleeping bag", price=Decimal("50.00"))
    return publish("Camping set", "120.00", tent, bag), tent, bag


def publish(name, price, *products):
    return Bundle.objects.create(
        name=name,
        status="published",
        products=[str(product.pk) for product in products],
        price=Decimal(price),
        currency="EUR",
    )


def add(client, bundle):
    address = reverse("shop:bundle_add", args=[bundle.pk])
    return client.post(address, follow=True).content.decode()


def cart(client):
    return client.get(reverse("shop:cart")).content.decode()


def held(client):
    return {int(key): entry["quantity"] for key, entry in client.session.get("cart", {}).items()}


def test_a_bundle_goes_into_the_cart_at_once_at_its_price(client, camping):
    bundle, tent, bag = camping
    page = add(client, bundle)
    assert "Camping set was added to your cart for €120.00" in page
    assert held(client) == {tent.pk: 1, bag.pk: 1}
    assert "€150.00" in page  # the subtotal
    assert "−€30.00" in page
    assert "€20.00 saved in a bundle" in page  # of the tent
    assert "€10.00 saved in a bundle" in page  # of the bag
    assert "<dt>Total</dt><dd>€120.00</dd>" in page


def test_the_product_page_offers_it_with_a_form(client, camping):
    bundle, tent, bag = camping
    page = client.get(tent.get_absolute_url()).content.decode()
    assert f'action="{reverse("shop:bundle_add", args=[bundle.pk])}"' in page
    assert "€120.00 together" in page
    assert "€30.00 saved" in page
    assert "Add both to cart" in page
    assert f'href="{bag.get_absolute_url()}"' in page
    Product.objects.filter(pk=bag.pk).update(stock=0)
    assert "together" not in client.get(tent.get_absolute_url()).content.decode()


def test_the_order_has_the_bundles_price_to_the_cent(client, make_product):
    trio = [make_product(price=Decimal(price)) for price in ("9.99", "9.99", "9.99")]
    add(client, publish("Trio", "25.00", *trio))
    page = client.post(reverse("shop:checkout"), PERSON, follow=True).content.decode()
    order = Order.objects.get()
    assert order.total == Decimal("25.00")
    assert sorted(line.discount for line in order.lines.all()) == [
        Decimal("1.65"),
        Decimal("1.66"),
        Decimal("1.66"),
    ]
    assert {line.unit_price for line in order.lines.all()} == {Decimal("9.99")}
    assert "<dt>Total</dt><dd>€25.00</dd>" in page
    assert client.session["cart_bundles"] == {}


def test_further_pieces_are_at_their_own_price(client, camping):
    bundle, _, bag = camping
    add(client, bundle)
    client.post(reverse("shop:cart_add", args=[bag.pk]), {"quantity": 2})
    client.post(reverse("shop:checkout"), PERSON)
    assert Order.objects.get().total == Decimal("220.00")  # 120 + 2 × 50


def test_the_same_bundle_twice_takes_twice_off(client, camping):
    add(client, camping[0])
    page = add(client, camping[0])
    assert "(2 times)" in page
    assert "−€60.00" in page
    client.post(reverse("shop:checkout"), PERSON)
    assert Order.objects.get().total == Decimal("240.00")


def test_taking_one_product_out_undoes_the_bundle(client, camping):
    bundle, _, bag = camping
    add(client, bundle)
    client.post(reverse("shop:cart_remove", args=[bag.pk]))
    page = cart(client)
    assert "no longer a bundle, because some of its products are not in your cart" in page
    assert "<dt>Total</dt><dd>€100.00</dd>" in page
    client.post(reverse("shop:cart_add", args=[bag.pk]), {"quantity": 1})
    assert "<dt>Total</dt><dd>€150.00</dd>" in cart(client)


def test_fewer_pieces_make_up_fewer_bundles(client, camping):
    bundle, tent, _ = camping
    add(client, bundle)
    add(client, bundle)
    client.post(reverse("shop:cart_update", args=[tent.pk]), {"quantity": 1})
    page = cart(client)
    assert "Your cart holds the products of Camping set 1 ×, no longer 2 ×" in page
    assert "<dt>Total</dt><dd>€170.00</dd>" in page


def test_taking_the_bundle_out_leaves_what_was_there_before(client, camping):
    bundle, tent, _ = camping
    client.post(reverse("shop:cart_add", args=[tent.pk]), {"quantity": 1})
    add(client, bundle)
    client.post(reverse("shop:bundle_remove", args=[bundle.pk]))
    assert held(client) == {tent.pk: 1}
    assert client.session["cart_bundles"] == {}


def test_removing_a_bundle_that_is_not_in_the_cart_takes_nothing_out(client, camping):
    bundle, tent, _ = camping
    client.post(reverse("shop:cart_add", args=[tent.pk]), {"quantity": 1})
    client.post(reverse("shop:bundle_remove", args=[bundle.pk]))
    client.post(reverse("shop:bundle_remove", args=[987654]))
    assert held(client) == {tent.pk: 1}


def test_what_is_sold_out_meanwhile_leaves_the_rest_at_its_own_price(client, camping):
    bundle, _, bag = camping
    add(client, bundle)
    Product.objects.filter(pk=bag.pk).update(stock=0)
    page = client.post(reverse("shop:checkout"), PERSON, follow=True).content.decode()
    assert "Sleeping bag is no longer available" in page
    assert "can no longer be bought as a bundle" in page
    assert "<dt>Total</dt><dd>€100.00</dd>" in page
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "change",
    [{"status": "accepted"}, {"status": "rejected"}, {"price": Decimal("150")}],
)
def test_what_is_no_longer_offered_takes_nothing_off(client, camping, change):
    add(client, camping[0])
    Bundle.objects.update(**change)
    page = cart(client)
    assert "can no longer be bought as a bundle" in page
    assert "<dt>Total</dt><dd>€150.00</dd>" in page


def test_a_changed_price_is_told_once_before_it_is_paid(client, camping):
    add(client, camping[0])
    Bundle.objects.update(price=Decimal("130.00"))
    page = client.post(reverse("shop:checkout"), PERSON, follow=True).content.decode()
    assert "The price of the bundle Camping set changed from 120.00 to 130.00 EUR" in page
    assert not Order.objects.exists()
    client.post(reverse("shop:checkout"), PERSON)
    assert Order.objects.get().total == Decimal("130.00")


def test_a_bundle_of_which_one_product_does_not_fit_adds_none(client, camping):
    bundle, _, bag = camping
    client.post(reverse("shop:cart_add", args=[bag.pk]), {"quantity": 5})  # all there are
    page = add(client, bundle)
    assert "Camping set was not added. Your cart already holds all 5 of Sleeping bag" in page
    assert held(client) == {bag.pk: 5}


@pytest.mark.parametrize(
    "change", [{"stock": 0}, {"is_active": False}, {"price": Decimal("0")}, {"currency": "GBP"}]
)
def test_a_bundle_that_cannot_be_bought_is_refused(client, camping, change):
    bundle, tent, _ = camping
    Product.objects.filter(pk=tent.pk).update(**change)
    assert "This bundle can no longer be bought" in add(client, bundle)
    assert held(client) == {}


def test_two_bundles_share_no_piece(client, make_product):
    """One lamp cannot be in two bundles: each bundle brings its own."""
    lamp, desk, chair = (make_product(price=Decimal("10.00")) for _ in range(3))
    add(client, publish("One", "15.00", lamp, desk))
    add(client, publish("Two", "15.00", lamp, chair))
    assert "<dt>Total</dt><dd>€30.00</dd>" in cart(client)
    client.post(reverse("shop:cart_update", args=[lamp.pk]), {"quantity": 1})
    assert "<dt>Total</dt><dd>€25.00</dd>" in cart(client)  # 15, and a chair at its own price


def test_the_cart_holds_a_bounded_number_of_bundles(client, camping, monkeypatch):
    monkeypatch.setattr("shop.bundles.MAX_BUNDLES", 1)
    _, tent, bag = camping
    add(client, camping[0])
    assert "1 different bundles at most" in add(client, publish("Other", "110.00", tent, bag))


def test_changes_need_a_post(client, camping):
    for name in ("bundle_add", "bundle_remove"):
        assert client.get(reverse(f"shop:{name}", args=[camping[0].pk])).status_code == 405
    assert (
        "can no longer be bought"
        in client.post(reverse("shop:bundle_add", args=[10**30]), follow=True).content.decode()
    )


def test_a_cart_page_with_bundles_has_a_bounded_number_of_queries(
    client, make_product, django_assert_max_num_queries
):
    products = [make_product(price=Decimal("10.00")) for _ in range(8)]
    for one, two in pairwise(products):
        add(client, publish("Pair", "15.00", one, two))
    with django_assert_max_num_queries(14):
        cart(client)


@pytest.mark.parametrize(
    ("prices", "price", "currency"),
    [
        (("100", "50"), "120", "EUR"),
        (("10", "10", "10"), "29", "EUR"),
        (("3", "3", "3", "4"), "11", "EUR"),
        (("0.01", "25.00"), "25.00", "EUR"),
        (("1", "999"), "1", "JPY"),
        (("10", "10", "10"), "29", "JPY"),
        (("3", "3", "3", "4"), "11", "JPY"),
    ],
)
def test_the_saving_is_split_to_the_smallest_coin(prices, price, currency):
    products = tuple(Product(pk=pk, price=Decimal(each)) for pk, each in enumerate(prices))
    total = sum(product.price for product in products)
    offer = Offer("1", Bundle(), products, (), total, Decimal(price), currency)
    shares = split_saving(offer)
    assert sum(shares.values()) == offer.saving
    smallest = Decimal(1) if currency == "JPY" else Decimal("0.01")
    for product in products:
        assert 0 <= shares[product.pk] <= product.price
        assert shares[product.pk] % smallest == 0
        assert abs(shares[product.pk] - offer.saving * product.price / total) < smallest
