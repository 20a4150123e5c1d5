"""`manage.py seed_shop`, on a small catalogue."""

import io
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from shop.models import Brand, Category, Customer, Order, OrderLine, Product, ProductImage
from shop.seed.photos import drawn
from similarity.events.models import Event, Profile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def seed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("seed_shop", *arguments, verbosity=0, stdout=out)
    return out.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.jpg")}


def test_it_makes_products_with_pictures_and_orders(media):
    said = seed("--products", "6")
    assert said.startswith("Added 6 products, ")
    assert Product.objects.count() == 6
    assert Order.objects.count() == 90
    for product in Product.objects.prefetch_related("images"):
        assert product.photo is not None
        assert product.photo.alt.endswith("front view")
        assert product.category.parent is not None
        assert product.attributes["colour"]
    assert len(files(media)) == ProductImage.objects.count() >= 6


def test_a_second_run_adds_nothing_and_says_so():
    seed("--products", "4")
    before = (Product.objects.count(), ProductImage.objects.count(), OrderLine.objects.count())
    assert "nothing was added" in seed("--products", "4")
    assert before == (
        Product.objects.count(),
        ProductImage.objects.count(),
        OrderLine.objects.count(),
    )


def test_the_same_seed_makes_the_same_pictures_and_texts(media):
    def made() -> tuple:
        seed("--products", "5")
        texts = list(Product.objects.order_by("sku").values_list("sku", "name", "description"))
        return texts, files(media)

    first = made()
    seed("--flush")
    assert made() == first


def test_pictures_left_out_are_added_later():
    seed("--products", "3", "--no-pictures")
    assert not ProductImage.objects.exists()
    said = seed("--products", "3")
    assert said.startswith("Added 0 products, ")
    assert ProductImage.objects.values("product").distinct().count() == 3


def test_more_products_keep_those_that_are_there():
    seed("--products", "3", "--no-pictures")
    kept = set(Product.objects.values_list("pk", flat=True))
    seed("--products", "8", "--no-pictures")
    assert Product.objects.count() == 8
    assert kept < set(Product.objects.values_list("pk", flat=True))
    assert Order.objects.count() == 120


def test_a_file_left_from_another_database_is_replaced(media):
    (media / "products").mkdir()
    (media / "products" / "demo-7-0001-1.jpg").write_bytes(b"old")
    seed("--products", "1")
    assert ProductImage.objects.earliest("position").image.name == "products/demo-7-0001-1.jpg"
    assert files(media)["demo-7-0001-1.jpg"] != b"old"


def test_flush_deletes_only_what_was_seeded(media, make_product):
    own = make_product(sku="OWN-1")
    person = Customer.objects.create(name="Mo", email="mo@example.com")
    seed("--products", "3")
    assert "Deleted 3 demo products" in seed("--flush")
    assert list(Product.objects.all()) == [own]
    assert list(Customer.objects.all()) == [person]
    assert list(Category.objects.all()) == [own.category]
    assert list(Brand.objects.all()) == [own.brand]
    assert not Order.objects.exists()
    assert not files(media)


def test_flush_names_the_orders_that_hold_demo_products():
    seed("--products", "1", "--no-pictures")
    product = Product.objects.get()
    order = Order.objects.create(
        number="S-1", email="mo@example.com", name="Mo", address="x", placed_at=timezone.now()
    )
    OrderLine.objects.create(order=order, product=product, unit_price=product.price)
    with pytest.raises(CommandError, match="S-1"):
        seed("--flush")
    assert Product.objects.exists()


def test_a_number_of_products_below_one_is_refused():
    with pytest.raises(CommandError, match="--products is 0"):
        seed("--products", "0")


def test_drawing_on_all_cores_gives_the_same_files_in_order(monkeypatch):
    from shop.seed import photos
    from shop.seed.catalogue import plan

    jobs = [(item.look, "front view") for item in plan(4, seed=3)]
    alone = list(drawn(jobs))
    monkeypatch.setattr(photos, "ALONE", 1)
    assert list(drawn(jobs)) == alone


def test_the_first_customers_have_accounts_and_a_history():
    said = seed("--products", "60", "--no-pictures")
    shoppers = Customer.objects.filter(user__isnull=False)
    assert shoppers.count() == 36
    assert not any(one.user.has_usable_password() for one in shoppers.select_related("user")[:5])
    assert Profile.objects.count() == 36
    events = Event.objects.count()
    assert f"and {events} acts of shoppers" in said
    seed("--flush")
    assert not Profile.objects.exists()
    assert not Event.objects.exists()
    assert not get_user_model().objects.exists()
