"""Run by tests/test_oscar.py under this host's settings, not collected by itself."""

import json
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from oscar.apps.partner import strategy
from oscar.core.loading import get_model

from similarity.capture import triggers
from similarity.catalog.adapter import get_adapter
from similarity.models import PendingProduct
from similarity.orders.counting import full
from similarity.orders.partner_shelf import bought_together
from similarity.outbox import draining
from similarity.search import search
from similarity.similar.shelves import similar_to
from tests.oscar_host import catalogue

pytestmark = pytest.mark.django_db

Product = get_model("catalogue", "Product")
StockRecord = get_model("partner", "StockRecord")
API = "/api/similarity/v1/"


@pytest.fixture
def shop():
    made = catalogue.build()
    draining.drain()
    return made


def child_of(product, size):
    return product.children.get(upc__endswith=size)


def content_of(product):
    [content] = get_adapter().content([product.pk])
    return content


def pages(hits):
    return [hit.product.title for hit in hits]


def test_a_child_says_what_its_parent_does_where_it_says_nothing(shop):
    child = content_of(child_of(shop.navy, "Medium"))
    assert child.title == "Navy cotton t-shirt"
    assert "soft" in child.description
    assert child.attributes == {
        "size": "Medium",
        "colour": "navy",
        "category": "Clothing > T-shirts",
        "product_class": "Shirts",
    }
    assert child.group == str(shop.navy.pk)
    assert list(child.codes) == ["TEE1-navy-Medium", "W-navy-2"]
    assert (child.price, child.currency) == (Decimal("24.00"), "GBP")


def test_a_parent_has_the_codes_and_the_lowest_price_of_its_children(shop):
    parent = content_of(shop.navy)
    assert parent.group == str(shop.navy.pk)
    assert {"TEE1-navy", "TEE1-navy-Small", "W-navy-3"} <= set(parent.codes)
    assert parent.price == Decimal("20.00")
    Product.objects.filter(upc="TEE1-navy-Small").update(is_public=False)
    hidden = content_of(shop.navy)
    assert hidden.price == Decimal("24.00")
    assert "W-navy-1" not in hidden.codes
    assert content_of(shop.novels[0]).group == ""


def test_groups_are_those_of_the_content(shop):
    keys = list(Product.objects.values_list("pk", flat=True))
    groups = get_adapter().groups(keys)
    assert groups == {int(one.key): one.group for one in get_adapter().content(keys)}


def test_pages_on_sale_are_eligible_and_nothing_else(shop):
    def eligible():
        return set(get_adapter().eligible().values_list("title", flat=True))

    everything = {one.title for one in [shop.navy, shop.grey, shop.white, *shop.novels, shop.ebook]}
    assert eligible() == everything
    # Sold out by allocation: what is left lies in somebody's basket already.
    StockRecord.objects.filter(partner_sku="BOOK-100").update(num_allocated=3)
    assert eligible() == everything - {"The cotton murder"}
    StockRecord.objects.filter(product__parent=shop.grey).update(num_in_stock=0)
    assert eligible() == everything - {"The cotton murder", "Grey cotton t-shirt"}
    Product.objects.filter(pk=shop.ebook.pk).update(is_public=False)
    assert shop.ebook.title not in eligible()
    viewable = get_adapter().viewable()
    assert viewable.filter(pk=shop.novels[0].pk).exists(), "sold out, and still on show"
    assert viewable.filter(parent=shop.navy).count() == 3
    assert not viewable.filter(pk=shop.ebook.pk).exists()
    Product.objects.filter(pk=shop.navy.pk).update(is_public=False)
    assert not viewable.filter(parent=shop.navy).exists(), "variants of a hidden page"


def test_a_child_and_its_parent_have_the_shelf_of_other_pages(shop):
    for asked in (shop.navy, child_of(shop.navy, "Small")):
        shown = pages(similar_to(asked, limit=6))
        assert {"Grey cotton t-shirt", "White cotton t-shirt"} <= set(shown)
        assert "Navy cotton t-shirt" not in shown
        assert len(set(shown)) == len(shown), "children stand on no shelf"


def test_a_sold_out_page_is_gone_from_the_next_shelf(shop):
    StockRecord.objects.filter(product__parent=shop.grey).update(num_in_stock=0)
    assert "Grey cotton t-shirt" not in pages(similar_to(shop.navy, limit=6))
    StockRecord.objects.filter(partner_sku="W-grey-1").update(num_in_stock=1)
    assert "Grey cotton t-shirt" in pages(similar_to(shop.navy, limit=6))


@pytest.mark.parametrize("code", ["W-grey-2", "w grey 2", "TEE1-grey-Medium", "TEE1-grey"])
def test_the_code_of_a_child_finds_the_page_that_sells_it(shop, code):
    [first, *_others] = search(code, hybrid=False).hits
    assert (first.product.title, first.tier) == ("Grey cotton t-shirt", "code")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("category=Clothing", 3),
        ("category=Clothing > T-shirts", 3),
        ("category=T-shirts", 3),
        ("category=Books > Fiction", 3),
        ("category=Fiction > Crime", 3),
        ("category=Books&category=Clothing", 6),
        ("category=Books > T-shirts", 0),
        ("category=Crime > Books", 0),
        ("product_class=Books", 3),
        ("size=Small", 3),
        ("size=Small&colour=grey", 1),
        ("size=Enormous", 0),
        ("pages=100", 1),
        ("signed=true", 1),
        ("signed=no", 2),
        ("pages=many", 0),
        ("min_price=20&max_price=20", 3),
        ("min_price=21&max_price=23", 0),
        ("max_price=10", 4),
    ],
)
def test_filters_hold_for_pages_by_what_they_and_their_children_are(shop, parameters, expected):
    query = "&".join(
        f"{name}={quote(value)}" for name, value in (p.split("=") for p in parameters.split("&"))
    )
    answer = Client().get(f"{API}search/?q=cotton+murder&limit=24&{query}")
    assert answer.status_code == 200, answer.content
    asked = Client().get(f"{API}products/{shop.white.pk}/similar/?limit=24&{query}")
    assert asked.status_code == 200, asked.content
    wanted = filtered(parameters)
    assert wanted.count() == expected
    shown = {hit["title"] for hit in json.loads(asked.content)["results"]}
    assert shown <= set(wanted.values_list("title", flat=True))


def filtered(parameters):
    """The eligible products that the adapter's hooks leave, each once."""
    adapter, products = get_adapter(), get_adapter().eligible()
    named: dict[str, list[str]] = {}
    for pair in parameters.split("&"):
        name, _, value = pair.partition("=")
        named.setdefault(name, []).append(value)
    low, high = (named.pop(bound, [None])[0] for bound in ("min_price", "max_price"))
    for name, values in named.items():
        products = products.filter(adapter.filter_by(name, values))
    return adapter.filter_price(products, low and Decimal(low), high and Decimal(high))


def test_an_attribute_that_no_class_has_is_refused(shop):
    assert get_adapter().filter_by("weight", ["1"]) is None
    assert Client().get(f"{API}search/?q=cotton&weight=1").status_code == 400


def test_facets_count_pages(shop):
    answer = Client().get(f"{API}search/?q=cotton+t-shirt&facets=category,size,colour,signed")
    facets = {
        facet["name"]: {one["value"]: one["count"] for one in facet["values"]}
        for facet in json.loads(answer.content)["facets"]
    }
    assert facets["category"]["Clothing > T-shirts"] == 3
    assert facets["size"] == {"Small": 3, "Medium": 3, "Large": 3}
    assert facets["colour"] == {"navy": 1, "grey": 1, "white": 1}


def order(shop, *lines, user=None, email="", status="Complete", days=1):
    placed = get_model("order", "Order").objects.create(
        number=str(get_model("order", "Order").objects.count() + 1),
        user=user,
        guest_email=email,
        status=status,
        currency="GBP",
        total_incl_tax=1,
        total_excl_tax=1,
        date_placed=timezone.now() - timezone.timedelta(days=days),
    )
    for product in lines:
        placed.lines.create(
            product=product,
            partner=shop.partner,
            title=product.get_title(),
            quantity=1,
            num_allocated=0,
            line_price_incl_tax=1,
            line_price_excl_tax=1,
            line_price_before_discounts_incl_tax=1,
            line_price_before_discounts_excl_tax=1,
        )
    return placed


def test_orders_of_children_show_pages_together(shop):
    """Lines name the size that was bought; shelves show the shirt."""
    small = child_of(shop.navy, "Small")
    for number in range(4):
        order(shop, small, shop.novels[0], email=f"reader{number}@example.com")
        order(shop, shop.novels[1], email=f"other{number}@example.com")
    full.count_all()
    assert pages(bought_together(shop.navy, limit=1)) == ["The cotton murder"]
    assert pages(bought_together(small, limit=1)) == ["The cotton murder"]
    assert pages(bought_together(shop.novels[0], limit=1)) == ["Navy cotton t-shirt"]


def test_one_guest_is_one_shopper_and_cancelled_orders_are_none(shop):
    small = child_of(shop.navy, "Small")
    for _number in range(4):
        order(shop, small, shop.novels[0], email="Reader@example.com ")
    for number in range(4):
        order(shop, small, shop.novels[1], email=f"r{number}@example.com", status="Cancelled")
    full.count_all()
    assert not [hit for hit in bought_together(shop.navy) if hit.tier == "copurchase"]


def test_a_card_costs_what_the_shops_own_page_says(shop):
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    request.strategy = strategy.UK(request)
    products = {one.pk: one for one in get_adapter().for_display(get_adapter().eligible())}
    book = get_adapter().card(products[shop.novels[0].pk], request)
    assert (book.price, book.currency) == (Decimal("11.40"), "GBP")
    request.strategy = strategy.Default(request)
    shirt = get_adapter().card(products[shop.navy.pk], request)
    assert shirt.price in (Decimal("20.00"), Decimal("24.00"))
    assert shirt.url == shop.navy.get_absolute_url()


def test_cards_of_a_shelf_cost_no_query_each(shop, django_assert_max_num_queries):
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    request.strategy = strategy.Default(request)
    products = list(get_adapter().for_display(get_adapter().eligible()))
    with django_assert_max_num_queries(0):
        cards = [get_adapter().card(product, request) for product in products]
    assert all(card.price is not None for card in cards)


@pytest.fixture(params=["signals", "triggers"])
def capture(request, shop, settings):
    settings.SIMILARITY = {**settings.SIMILARITY, "CAPTURE": request.param}
    if request.param == "triggers":
        triggers.install()
    return request.param


def pending():
    return set(PendingProduct.objects.values_list("product_key", flat=True))


def keys(*products):
    return {str(product.pk) for product in products}


def family(product):
    return keys(product, *product.children.all())


def change(shop, what):
    """Changes as Oscar's dashboard makes them → the products that must be read again."""
    medium = child_of(shop.navy, "Medium")
    if what == "title of a parent":
        shop.navy.title = "Dark blue cotton t-shirt"
        shop.navy.save()
        return family(shop.navy)
    if what == "code of a child":
        medium.stockrecords.get().delete()
        catalogue.sell(shop, medium, "NEW-1", 4)
        return keys(shop.navy, medium)
    if what == "category of a parent":
        shop.navy.categories.set([shop.crime])
        return family(shop.navy)
    if what == "name of a category above":
        root = shop.tees.get_parent()
        root.name = "Wear"
        root.save()
        return family(shop.navy) | family(shop.grey) | family(shop.white)
    if what == "name of an option":
        shop.sizes["Medium"].option = "Middle"
        shop.sizes["Medium"].save()
        return keys(*Product.objects.filter(upc__endswith="Medium"))
    if what == "photo of a parent":
        shop.navy.images.create(original="images/navy.jpg", display_order=0)
        return family(shop.navy)
    assert what == "child deleted"
    medium.delete()
    return keys(shop.navy)


@pytest.mark.parametrize(
    "what",
    [
        "title of a parent",
        "code of a child",
        "category of a parent",
        "name of a category above",
        "name of an option",
        "photo of a parent",
        "child deleted",
    ],
)
def test_a_change_reaches_parents_and_children(shop, capture, what):
    if (capture, what) == ("triggers", "name of a category above"):
        pytest.skip("the tree is a text, which triggers do not follow; reconcile finds it")
    assert pending() == set()
    expected = change(shop, what)
    assert expected <= pending()
    assert len(pending()) <= len(expected) + 4, "and not the whole shop"


def test_a_save_in_the_dashboard_makes_new_vectors(shop, client):
    staff = get_user_model().objects.create_superuser("staff", "staff@example.com", "secret")
    client.force_login(staff)
    book = shop.novels[0]
    address = reverse("dashboard:catalogue-product", kwargs={"pk": book.pk})
    form = client.get(address)
    assert form.status_code == 200
    data = fields_of(form.context) | {"title": "The linen murder", "action": "save"}
    saved = client.post(address, data)
    assert saved.status_code == 302, errors_of(saved.context)
    assert str(book.pk) in pending()
    draining.drain()
    assert [hit.product.pk for hit in search("linen murder", hybrid=False).hits][:1] == [book.pk]


def errors_of(context):
    named = {name: value for layer in context for one in layer for name, value in one.items()}
    return {name: value.errors for name, value in named.items() if getattr(value, "errors", None)}


def fields_of(context):
    """What a browser would send back of the dashboard's form and its formsets."""
    data = {}
    forms = [context["form"]]
    named = {name: value for layer in context for one in layer for name, value in one.items()}
    for name, value in named.items():
        if name.endswith("formset") and hasattr(value, "management_form"):
            forms += [value.management_form, *value.initial_forms]
    for form in forms:
        for field in form:
            value = field.value()
            if value is None or value is False or getattr(value, "name", value) in ("", None):
                continue
            is_many = isinstance(value, list | tuple)
            data[field.html_name] = [getattr(v, "pk", v) for v in value] if is_many else value
    for name in [name for name in data if name.endswith("-TOTAL_FORMS")]:
        data[name] = data[name.replace("TOTAL", "INITIAL")]
    return {name: getattr(value, "pk", value) for name, value in data.items()}


def test_the_product_page_shows_the_shelf(shop, client):
    page = client.get(shop.navy.get_absolute_url())
    assert page.status_code == 200
    text = page.content.decode()
    assert "Grey cotton t-shirt" in text
    assert shop.grey.get_absolute_url() in text
