from decimal import Decimal

import pytest
from django.urls import reverse


def add(client, product, quantity=1):
    address = reverse("shop:cart_add", args=[product.pk])
    return client.post(address, {"quantity": quantity}, follow=True).content.decode()


def update(client, product, quantity):
    address = reverse("shop:cart_update", args=[product.pk])
    return client.post(address, {"quantity": quantity}, follow=True).content.decode()


def held(client):
    return {key: entry["quantity"] for key, entry in client.session.get("cart", {}).items()}


def test_add_change_and_remove(client, make_product):
    product = make_product(name="Mug", price=Decimal("12.50"))
    assert "Mug was added" in add(client, product, 2)
    assert "€25.00" in update(client, product, 2)
    update(client, product, 3)
    assert held(client) == {str(product.pk): 3}
    client.post(reverse("shop:cart_remove", args=[product.pk]))
    assert held(client) == {}


def test_quantity_zero_removes(client, make_product):
    product = make_product()
    add(client, product)
    update(client, product, 0)
    assert held(client) == {}


@pytest.mark.parametrize("quantity", ["-1", "0", "many", "", "1e9", "100"])
def test_a_quantity_that_is_none_is_refused(client, make_product, quantity):
    assert "Quantity:" in add(client, make_product(stock=500), quantity)
    assert held(client) == {}


def test_no_more_than_the_stock_goes_in(client, make_product):
    product = make_product(name="Lamp", stock=3)
    assert "Only 3 more of Lamp could be added" in add(client, product, 5)
    assert "already holds all 3" in add(client, product, 1)
    assert "Only 3 of Lamp can be ordered" in update(client, product, 9)
    assert held(client) == {str(product.pk): 3}


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"stock": 0}, "is sold out"), ({"price": Decimal("0")}, "has no price yet")],
)
def test_what_cannot_be_ordered_is_refused(client, make_product, fields, told):
    assert told in add(client, make_product(**fields))
    assert held(client) == {}


def test_two_currencies_do_not_mix(client, make_product):
    add(client, make_product())
    assert "priced in GBP, your cart in EUR" in add(client, make_product(currency="GBP"))


def test_a_changed_price_and_a_shrunken_stock_are_told_once(client, make_product):
    product = make_product(name="Chair", price=Decimal("80"), stock=4)
    add(client, product, 4)
    product.price, product.stock = Decimal("90"), 2
    product.save()
    page = client.get(reverse("shop:cart")).content.decode()
    assert "changed from 80.00 to 90.00 EUR" in page
    assert "Only 2 of Chair" in page
    assert "€180.00" in page
    assert "changed from" not in client.get(reverse("shop:cart")).content.decode()


@pytest.mark.parametrize("fields", [{"stock": 0}, {"is_active": False}])
def test_what_is_gone_leaves_the_cart(client, make_product, fields):
    product = make_product(name="Vase")
    add(client, product)
    type(product).objects.filter(pk=product.pk).update(**fields)
    page = client.get(reverse("shop:cart")).content.decode()
    assert "Vase is no longer available" in page
    assert held(client) == {}


def test_changes_need_a_post(client, make_product):
    product = make_product()
    for name in ("cart_add", "cart_update", "cart_remove"):
        assert client.get(reverse(f"shop:{name}", args=[product.pk])).status_code == 405


def test_cart_page_has_a_bounded_number_of_queries(
    client, make_product, django_assert_max_num_queries
):
    for _ in range(10):
        add(client, make_product())
    with django_assert_max_num_queries(10):
        client.get(reverse("shop:cart"))
