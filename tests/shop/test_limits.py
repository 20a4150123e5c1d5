"""What an address may try: signing in and ordering are bounded, looking is not."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from tests.shop.test_checkout import PERSON

LOG_IN = "/admin/login/"


@pytest.fixture
def keeper(db):
    return User.objects.create_superuser("keeper", password="a long password")


def sign_in(client, password, **headers):
    return client.post(LOG_IN, {"username": "keeper", "password": password}, **headers)


def test_passwords_cannot_be_guessed_one_after_the_other(client, keeper):
    statuses = [sign_in(client, f"wrong {number}").status_code for number in range(25)]
    assert statuses == [200] * 20 + [429] * 5
    refused = sign_in(client, "a long password")
    assert refused.status_code == 429, "else the answer would tell that it is right"
    assert 1 <= int(refused["Retry-After"]) <= 3601
    assert "Too many attempts" in refused.content.decode()
    assert client.get(LOG_IN).status_code == 200


def test_another_address_signs_in_meanwhile_and_a_header_makes_none(client, keeper):
    for number in range(21):
        sign_in(client, "wrong", headers={"x-forwarded-for": f"10.0.0.{number}"})
    assert sign_in(client, "wrong").status_code == 429
    assert sign_in(client, "a long password", REMOTE_ADDR="192.0.2.7").status_code == 302


def test_the_admins_own_address_of_the_form_is_the_limited_one():
    assert reverse("admin:login") == LOG_IN


def test_orders_of_one_address_are_bounded(client, make_product):
    product = make_product(stock=100)
    statuses = []
    for _ in range(31):
        client.post(reverse("shop:cart_add", args=[product.pk]), {"quantity": 1})
        statuses.append(client.post(reverse("shop:checkout"), PERSON).status_code)
    assert statuses == [302] * 30 + [429]
    assert client.get(reverse("shop:checkout")).status_code == 200
