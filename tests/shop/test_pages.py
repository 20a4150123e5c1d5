"""Every page answers, with products and without, whatever the address asks for."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from shop.models import Category, Order, OrderLine

MOST_QUERIES = 20
#: Statements that read nothing: a step's savepoint, and limits set for it alone.
SETTINGS = re.compile(r"(RELEASE )?SAVEPOINT|SELECT (current_setting|set_config)\(")


@pytest.mark.parametrize("name", ["home", "categories", "products", "search", "cart"])
def test_an_empty_shop_still_has_its_pages(client, db, name):
    response = client.get(reverse(f"shop:{name}"))
    assert response.status_code == 200
    assert response.content.count(b"<h1") == 1


@pytest.mark.parametrize(
    ("name", "most"),
    # A search reads words, facets and signals of re-ranking, each once for all products.
    [("home", MOST_QUERIES), ("products", MOST_QUERIES), ("search", 32)],
)
def test_the_number_of_queries_does_not_grow_with_the_products(
    client, make_product, add_photo, index, name, most
):
    for number in range(12):
        add_photo(make_product(name=f"Linen shirt {number}"))
    index()
    with CaptureQueriesContext(connection) as queries:
        response = client.get(reverse(f"shop:{name}"), {"q": "shirt"})
    assert b"Linen shirt 11" in response.content
    read = [one["sql"] for one in queries if not SETTINGS.match(one["sql"])]
    assert len(read) <= most, "\n\n".join(read)


def test_category_lists_what_is_in_its_subcategories_and_only_that(client, make_product):
    top = Category.objects.create(name="Home", slug="home")
    below = Category.objects.create(name="Lamps", slug="lamps", parent=top)
    neighbour = Category.objects.create(name="Homeware", slug="homeware")
    make_product(name="Desk lamp", category=below)
    make_product(name="Tea towel", category=neighbour)
    page = client.get(top.get_absolute_url()).content.decode()
    assert "Desk lamp" in page
    assert "Tea towel" not in page
    assert "Lamps" in page


def test_category_page_has_a_bounded_number_of_queries(
    client, make_product, add_photo, django_assert_max_num_queries
):
    products = [make_product(category="Bags") for _ in range(24)]
    for product in products:
        add_photo(product)
    with django_assert_max_num_queries(MOST_QUERIES):
        client.get(products[0].category.get_absolute_url())


def test_filters_narrow_by_brand_colour_price_and_stock(client, make_product):
    make_product(name="Kept", brand="Halden", attributes={"colour": "Navy"}, price=Decimal("50"))
    make_product(name="OtherBrand", attributes={"colour": "Navy"}, price=Decimal("50"))
    make_product(name="OtherColour", brand="Halden", attributes={"colour": "red"})
    make_product(name="Gone", brand="Halden", attributes={"colour": "navy"}, stock=0)
    query = "?brand=halden&colour=navy&min_price=40&max_price=60&in_stock=on"
    page = client.get(reverse("shop:products") + query).content.decode()
    assert "Kept" in page
    for name in ("OtherBrand", "OtherColour", "Gone"):
        assert name not in page
    assert "Remove filter: </span>Halden" in page


def test_one_value_that_names_two_colours_is_found_under_both(client, make_product):
    make_product(name="Twocolour", attributes={"color": "Black|Orange"})
    for colour in ("black", "orange"):
        page = client.get(reverse("shop:products"), {"colour": colour})
        assert b"Twocolour" in page.content


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("min_price=90&max_price=10", "The highest price (10) is below the lowest (90)."),
        ("min_price=-1", "A price must not be below zero."),
        ("max_price=cheap", "A price must be a number."),
        ("brand=nobody", "No product here has the brand “nobody”."),
        ("sort=sideways", "sideways"),
    ],
)
def test_a_filter_that_makes_no_sense_is_left_out_and_told(client, make_product, query, told):
    make_product(name="Still here")
    page = client.get(f"{reverse('shop:products')}?{query}")
    assert page.status_code == 200
    assert "Still here" in page.content.decode()
    assert told in page.content.decode()


@pytest.mark.parametrize("number", ["0", "-3", "x", "999999999999999999999", ""])
def test_a_page_number_that_does_not_exist_leads_to_one_that_does(client, make_product, number):
    make_product(name="Still here")
    page = client.get(reverse("shop:products"), {"page": number})
    assert b"Still here" in page.content


def test_pages_follow_each_other_and_sorting_is_kept(client, make_product):
    for number in range(25):
        make_product(name=f"Item {number:02}", price=Decimal(number + 1))
    page = client.get(reverse("shop:products"), {"sort": "-price", "page": "2"}).content.decode()
    assert "Item 00" in page
    assert "Item 24" not in page
    assert "sort=-price&amp;page=1" in page


def test_product_page_shows_attributes_and_options_by_what_differs(client, make_product):
    red = make_product(group="g", attributes={"colour": "red", "material": "wool"})
    make_product(group="g", attributes={"colour": "blue", "material": "wool"})
    page = client.get(red.get_absolute_url()).content.decode()
    assert 'aria-current="page">red</a>' in page
    assert ">blue</a>" in page
    assert '<th scope="row">Material</th><td>wool</td>' in page


def test_product_without_photo_brand_description_or_price(client, make_product):
    bare = make_product(name="Bare", brand=None, description="", price=Decimal("0"))
    page = client.get(bare.get_absolute_url()).content.decode()
    assert "Price on request" in page
    assert "Add to cart" not in page
    assert 'aria-label="No photo of Bare"' in page


def test_product_page_addresses(client, make_product):
    product = make_product()
    hidden = make_product(is_active=False)
    wrong = client.get(reverse("shop:product", args=[product.pk, "old-name"]))
    assert (wrong.status_code, wrong.url) == (301, product.get_absolute_url())
    assert client.get(hidden.get_absolute_url()).status_code == 404
    assert client.get(f"/p/{10**30}/x/").status_code == 404


def test_a_failing_shelf_does_not_break_the_product_page(client, make_product, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("no vectors today")

    monkeypatch.setattr("similarity.templatetags.similarity.cached_similar", fail)
    assert client.get(make_product().get_absolute_url()).status_code == 200


def test_best_sellers_come_from_orders_that_were_kept(client, make_product):
    for number, status in enumerate(["placed", "returned"]):
        product = make_product(name=f"Was {status}", category=f"Kind {number}")
        order = Order.objects.create(
            number=status, email="a@example.com", status=status, placed_at=timezone.now()
        )
        OrderLine.objects.create(order=order, product=product, unit_price=1)
    assert [p.name for p in client.get("/").context["best_sellers"]] == ["Was placed"]


def test_not_found_robots_icon_and_policy(client, db):
    missing = client.get("/nowhere/")
    assert missing.status_code == 404
    assert b"could not find that page" in missing.content
    assert b"Disallow: /cart/" in client.get("/robots.txt").content
    assert client.get("/favicon.ico").url.endswith("favicon.svg")
    assert "default-src 'self'" in missing.headers["Content-Security-Policy"]


def test_server_error_page_needs_no_database(rf):
    from django.views.defaults import server_error

    assert b"went wrong on our side" in server_error(rf.get("/")).content
