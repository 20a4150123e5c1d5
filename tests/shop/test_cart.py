# ruff: noqa: F811 - fixtures that are imported

from decimal import Decimal

import pytest
from django.urls import reverse

from tests.fixtures_orders import buy, counted  # noqa: F401


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
    assert client.get(reverse("shop:cart_add_together")).status_code == 405


def test_cart_page_has_a_bounded_number_of_queries(
    client, make_product, django_assert_max_num_queries
):
    for _ in range(10):
        add(client, make_product())
    with django_assert_max_num_queries(16):
        client.get(reverse("shop:cart"))


def add_together(client, *keys):
    address = reverse("shop:cart_add_together")
    return client.post(address, {"product": list(keys)}, follow=True).content.decode()


def test_ticked_products_go_into_the_cart_at_once(client, make_product):
    teapot, mug = make_product(), make_product()
    assert "2 products were added" in add_together(client, teapot.pk, mug.pk, mug.pk)
    assert held(client) == {str(teapot.pk): 1, str(mug.pk): 1}
    assert "1 product was added" in add_together(client, mug.pk)
    assert held(client)[str(mug.pk)] == 2


def test_one_that_sold_out_meanwhile_does_not_hold_back_the_others(client, make_product):
    teapot, mug = make_product(), make_product(name="Mug", stock=0)
    page = add_together(client, teapot.pk, mug.pk)
    assert "Mug is sold out" in page
    assert "1 product was added" in page
    assert held(client) == {str(teapot.pk): 1}


@pytest.mark.parametrize("keys", [(), ("",), ("x",), ("-1",), ("999999",), ("9" * 30,), ("１",)])
def test_keys_of_nothing_add_nothing(client, db, keys):
    assert "You chose no product" in add_together(client, *keys)
    assert held(client) == {}


def test_so_many_at_once_and_no_more(client, make_product):
    add_together(client, *(make_product().pk for _ in range(22)))
    assert len(held(client)) == 20


def test_cart_page_shows_what_goes_with_the_cart(client, make_product, buy, counted):
    mug, teapot, tray = (
        make_product(name="Mug"),
        make_product(name="Pot"),
        make_product(name="Tray"),
    )
    buy(mug, teapot, shoppers=5)
    buy(mug, tray, shoppers=4)
    counted()
    page = add(client, mug)
    assert "Goes with your cart" in page
    assert page.index(">Pot<") < page.index(">Tray<")
    assert reverse("shop:cart_add", args=[teapot.pk]) in page
    assert "ften bought together" in page
    assert "5 orders" not in page
    add(client, teapot)
    assert "Goes with your cart" not in add(client, tray)


def test_product_page_offers_all_of_it_at_once(client, make_product, buy, counted):
    mug, teapot = make_product(name="Mug"), make_product(name="Pot", price=Decimal("31.50"))
    free = make_product(name="Leaflet", price=Decimal("0"))
    buy(mug, teapot, shoppers=5)
    buy(mug, free, shoppers=4)
    counted()
    page = client.get(mug.get_absolute_url()).content.decode()
    assert "Bought together" in page
    assert f'type="hidden" name="product" value="{mug.pk}"' in page
    assert f'type="checkbox" name="product" value="{teapot.pk}"' in page
    assert f'value="{free.pk}"' not in page  # it cannot be ordered
    assert "€51.50" in page


def test_sold_out_product_offers_its_companions_without_itself(client, make_product, buy, counted):
    mug, teapot = make_product(name="Mug"), make_product(name="Pot")
    buy(mug, teapot, shoppers=5)
    counted()
    type(mug).objects.filter(pk=mug.pk).update(stock=0)
    page = client.get(mug.get_absolute_url()).content.decode()
    assert f'type="checkbox" name="product" value="{teapot.pk}"' in page
    assert f'name="product" value="{mug.pk}"' not in page
    assert "All together" not in page
