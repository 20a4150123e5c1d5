import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from shop.cart import CartLine
from shop.checkout import CheckoutRefused, new_order_number, place_order
from shop.models import Order, Product

PERSON = {
    "email": "reader@example.com",
    "name": "A Reader",
    "street": "1 Low Road",
    "postcode": "12345",
    "city": "Leeds",
    "country": "United Kingdom",
}


def line(product, quantity=1, price=None):
    return CartLine(product, quantity, price or product.price)


def place(lines, number=None):
    number = number or new_order_number()
    return place_order(number, lines, name="A", email="a@example.com", address="x")


def test_from_cart_to_confirmation(client, make_product):
    product = make_product(name="Mug", stock=5)
    client.post(reverse("shop:cart_add", args=[product.pk]), {"quantity": 2})
    response = client.post(reverse("shop:checkout"), PERSON, follow=True)
    order = Order.objects.get()
    assert response.redirect_chain[-1][0] == reverse("shop:confirmation", args=[order.number])
    assert "2 × " in response.content.decode()
    assert "€40.00" in response.content.decode()
    product.refresh_from_db()
    assert (product.stock, order.address) == (3, "1 Low Road\n12345 Leeds\nUnited Kingdom")
    assert client.session["cart"] == {}
    assert Client().get(response.redirect_chain[-1][0]).status_code == 404


@pytest.mark.parametrize(("field", "value"), [("email", "nobody"), ("name", ""), ("city", "\x00")])
def test_a_wrong_field_is_named_and_nothing_is_placed(client, make_product, field, value):
    client.post(reverse("shop:cart_add", args=[make_product().pk]), {"quantity": 1})
    page = client.post(reverse("shop:checkout"), {**PERSON, field: value}).content.decode()
    assert f'<a href="#id_{field}">' in page
    assert not Order.objects.exists()


def test_an_empty_cart_has_no_checkout(client, db):
    assert client.get(reverse("shop:checkout")).url == reverse("shop:cart")


def test_what_sold_out_meanwhile_leads_back_to_the_cart(client, make_product):
    product = make_product()
    client.post(reverse("shop:cart_add", args=[product.pk]), {"quantity": 1})
    Product.objects.update(stock=0)
    page = client.post(reverse("shop:checkout"), PERSON, follow=True).content.decode()
    assert "no longer available" in page
    assert not Order.objects.exists()


def test_the_same_order_number_places_one_order(make_product):
    product = make_product(stock=5)
    first, second = place([line(product)], "TWICE"), place([line(product)], "TWICE")
    product.refresh_from_db()
    assert (first.pk, product.stock) == (second.pk, 4)


@pytest.mark.parametrize(
    ("quantity", "price", "told"),
    [(6, "20.00", "Only 5 of"), (1, "19.00", "changed from 19.00 to 20.00")],
)
def test_a_refused_order_leaves_nothing_behind(make_product, quantity, price, told):
    product = make_product(stock=5)
    with pytest.raises(CheckoutRefused, match=told):
        place([line(make_product()), line(product, quantity, Decimal(price))])
    assert not Order.objects.exists()
    assert list(Product.objects.values_list("stock", flat=True)) == [5, 5]


@pytest.mark.django_db(transaction=True)
def test_of_two_shoppers_after_the_last_piece_one_gets_it(make_product):
    product = make_product(stock=1)
    start, outcomes = threading.Barrier(2), []

    def shop():
        try:
            start.wait(timeout=60)
            outcomes.append(place([line(product)]).number)
        except CheckoutRefused as refusal:
            outcomes.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=shop) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join(timeout=120) for thread in threads]
    product.refresh_from_db()
    assert sum(isinstance(outcome, CheckoutRefused) for outcome in outcomes) == 1
    assert (len(outcomes), Order.objects.count(), product.stock) == (2, 1, 0)
