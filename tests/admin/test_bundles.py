"""Staff accept, edit, price and publish bundles; what cannot be sold is not published."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from similarity.exceptions import BundleError
from similarity.orders.bundles import publishing
from similarity.orders.models import Bundle
from tests.host.models import Product

pytestmark = pytest.mark.django_db

LIST = reverse("admin:similarity_orders_bundle_changelist")
ADD = reverse("admin:similarity_orders_bundle_add")


@pytest.fixture
def staff(admin_user):
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def tea(make_product):
    """A proposed bundle of a mug (10, costs 4) and a teapot (30, costs 20) for 36."""
    mug = make_product(name="Mug", price=Decimal("10.00"), cost=Decimal("4.00"))
    pot = make_product(name="Teapot", price=Decimal("30.00"), cost=Decimal("20.00"))
    return make_bundle("Tea", "36.00", mug, pot), mug, pot


def make_bundle(name, price, *products, **fields):
    figures = {"orders": 12, "shoppers": 9, "support": 0.012, "lift": 6.25}
    return Bundle.objects.create(
        name=name,
        products=[str(product.pk) for product in products],
        price=Decimal(price),
        currency="EUR",
        **{"found_at": timezone.now(), **figures, **fields},
    )


def act(client, action, *bundles):
    data = {"action": action, "_selected_action": [bundle.pk for bundle in bundles], "index": 0}
    return client.post(LIST, data, follow=True).content.decode()


def change(bundle):
    return reverse("admin:similarity_orders_bundle_change", args=[bundle.pk])


def save(client, bundle, **fields):
    data = {
        "name": bundle.name,
        "products": "\r\n".join(bundle.products),
        "price": bundle.price,
        **fields,
    }
    return client.post(change(bundle), data, follow=True).content.decode()


def status(bundle):
    return Bundle.objects.get(pk=bundle.pk).status


def test_the_list_shows_photos_figures_and_margin(staff, tea, photo):
    _, mug, _ = tea
    mug.images.create(image=photo("navy"), alt="A navy mug")
    page = staff.get(LIST).content.decode()
    assert mug.images.get().image.url in page
    assert reverse("admin:host_product_change", args=[mug.pk]) in page
    for figure in (
        "in 12 orders of 9 shoppers, 6.2 times as often as expected",
        "36.00 EUR, 10 % off 40.00 EUR",
        "12.00 EUR (33 %)",  # 36 less what both cost, 24
    ):
        assert figure in page


def test_the_list_has_a_bounded_number_of_queries(
    staff, make_product, django_assert_max_num_queries
):
    for number in range(12):
        make_bundle(f"Bundle {number}", "30.00", make_product(), make_product())
    with django_assert_max_num_queries(14):
        staff.get(LIST)


def test_the_list_is_filtered_by_status_and_by_product(staff, tea, make_product):
    make_bundle("Other", "30.00", make_product(), make_product(), status="rejected")
    page = staff.get(LIST, {"status__exact": "rejected"}).content.decode()
    assert "Other" in page
    assert ">Tea<" not in page
    page = staff.get(LIST, {"product": tea[1].pk}).content.decode()
    assert ">Tea<" in page
    assert "Other" not in page


def test_from_proposed_to_published_and_back(staff, tea):
    bundle = tea[0]
    for action, after in [
        ("accept", "accepted"),
        ("publish", "published"),
        ("unpublish", "accepted"),
        ("reject", "rejected"),
        ("accept", "accepted"),
    ]:
        act(staff, action, bundle)
        assert status(bundle) == after


def test_a_decision_that_its_state_does_not_allow_is_told(staff, tea):
    bundle = tea[0]
    assert "Tea is proposed and cannot be taken off the shop" in act(staff, "unpublish", bundle)
    act(staff, "publish", bundle)
    assert "Tea is published and cannot be rejected; it must be accepted or proposed" in act(
        staff, "reject", bundle
    )
    assert status(bundle) == "published"


@pytest.mark.parametrize(
    ("product", "price", "told"),
    [
        ({"stock": 0}, "36.00", "Teapot is not on sale or out of stock"),
        ({"is_active": False}, "36.00", "Teapot is not on sale or out of stock"),
        ({}, "23.99", "below the cost of its products, 24.00 EUR: each sale would lose 0.01 EUR"),
        ({}, "40.00", "saves no money: its products cost 40.00 EUR separately"),
        ({}, None, "It has no price"),
        ({"price": Decimal("0")}, "36.00", "saves no money"),
        ({"currency": "GBP"}, "36.00", "prices in several currencies"),
    ],
)
def test_what_cannot_be_sold_is_not_published(staff, tea, product, price, told):
    bundle, _, pot = tea
    Product.objects.filter(pk=pot.pk).update(**product)
    Bundle.objects.update(price=price)
    assert told in act(staff, "publish", bundle)
    assert status(bundle) == "proposed"


def test_of_several_those_that_can_be_are_published(staff, tea, make_product):
    cheap = make_bundle("Cheap", "1.00", make_product(cost=Decimal("5")), make_product(cost=1))
    page = act(staff, "publish", tea[0], cheap)
    assert (status(tea[0]), status(cheap)) == ("published", "proposed")
    assert "Tea: published" in page
    assert "Cheap cannot be published" in page


def test_a_product_that_is_gone_is_named(staff, tea):
    bundle, mug, _ = tea
    key = mug.pk
    mug.delete()
    assert f"product {key} is gone" in staff.get(LIST).content.decode()
    assert f"Product {key} no longer exists" in act(staff, "publish", bundle)


def test_name_products_and_price_are_edited(staff, tea, make_product):
    bundle, mug, _ = tea
    tray = make_product(name="Tray", price=Decimal("15.00"))
    save(staff, bundle, name="Tea time", products=f"{mug.pk}\n\n {tray.pk} \n", price="20.00")
    bundle.refresh_from_db()
    assert (bundle.name, bundle.price) == ("Tea time", Decimal("20.00"))
    assert bundle.products == [str(mug.pk), str(tray.pk)]
    assert bundle.edited


def test_saving_without_a_change_is_no_edit(staff, tea):
    save(staff, tea[0])
    assert not Bundle.objects.get().edited


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"price": "23.00"}, "each sale would lose 1.00 EUR"),
        ({"price": "41.00"}, "saves no money"),
        ({"price": "-1"}, "below the cost of its products, 24.00 EUR"),
        ({"products": "987654\n987655"}, "There is no product 987654, 987655"),
        ({"products": "pear\napple"}, "There is no product pear, apple"),
        ({"products": "1"}, "1 products are listed; a bundle holds 2 to 8"),
        ({"products": "1\n1"}, "listed twice"),
        ({"products": "\n".join(map(str, range(9)))}, "9 products are listed"),
        ({"products": ""}, "This field is required"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(staff, tea, fields, told):
    assert told in save(staff, tea[0], **fields)
    assert not Bundle.objects.get().edited


def test_what_is_off_sale_now_is_saved_with_a_warning(staff, tea):
    bundle, _, pot = tea
    Product.objects.filter(pk=pot.pk).update(stock=0)
    page = save(staff, bundle, name="Later")
    assert "The bundle cannot be offered now. Teapot is not on sale or out of stock." in page
    assert Bundle.objects.get().name == "Later"


def test_a_bundle_is_saved_and_published_in_one_step(staff, tea):
    page = save(staff, tea[0], price="35.00", _decision="publish")
    bundle = Bundle.objects.get()
    assert (bundle.status, bundle.price) == ("published", Decimal("35.00"))
    assert "Tea: published" in page
    assert 'value="unpublish"' in page
    assert 'value="publish"' not in page


def test_a_decision_that_does_not_exist_changes_nothing(staff, tea):
    save(staff, tea[0], _decision="sell")
    assert status(tea[0]) == "proposed"


def test_staff_make_a_bundle_of_their_own(staff, tea):
    _, mug, pot = tea
    data = {"name": "By hand", "products": f"{pot.pk}\n{mug.pk}", "price": "30"}
    staff.post(ADD, data, follow=True)
    bundle = Bundle.objects.get(name="By hand")
    assert (bundle.currency, bundle.signature, bundle.status) == ("EUR", None, "proposed")
    assert "Made by staff" in staff.get(change(bundle)).content.decode()


def test_viewing_alone_allows_no_decision(tea):
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_bundle"))
    client = Client()
    client.force_login(user)
    assert "_decision" not in client.get(change(tea[0])).content.decode()
    act(client, "publish", tea[0])
    client.post(change(tea[0]), {"_decision": "publish"})
    assert status(tea[0]) == "proposed"


def test_a_name_is_escaped(staff, make_product):
    make_bundle("<script>alert(1)</script>", "30.00", make_product(name="<b>x"), make_product())
    page = staff.get(LIST).content.decode()
    assert "<script>alert(1)" not in page
    assert "<b>x" not in page


def test_an_unknown_decision_is_an_error_of_the_caller(tea):
    with pytest.raises(KeyError):
        publishing.decide(tea[0], "sell")
    with pytest.raises(BundleError, match="cannot be taken off the shop"):
        publishing.decide(tea[0], "unpublish")
