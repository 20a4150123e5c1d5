import pytest
from django.db import connection
from django.urls import reverse

from shop.models import Product
from shop.search import search_products


def names(text):
    return list(search_products(Product.objects.all(), text).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("runner", True),
        ("runn", True),  # the word has only been begun
        ("shoes runner", True),  # stemmed
        ('"trail runner"', True),
        ("runner -trail", False),
        ("boots or runner", True),
        ("!!! & | :*", False),
        ("the", False),
        ("", False),
    ],
)
def test_what_finds_a_trail_runner(make_product, text, found):
    make_product(name="Trail runner", description="A shoe for hills.")
    assert bool(names(text)) is found


def test_a_word_in_the_name_comes_before_one_in_the_description(client, make_product):
    make_product(name="Lamp", description="Stands on a desk.")
    make_product(name="Desk", description="Of oak.")
    page = client.get(reverse("shop:search"), {"q": "desk"}).content.decode()
    assert page.index(">Desk<") < page.index(">Lamp<")
    assert "2 products" in page


def test_search_uses_the_index(make_product):
    """A different expression would scan the table, and nobody would see it but the clock."""
    make_product()
    found = search_products(Product.objects.all(), "linen shirt").order_by()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "product_text_idx" in found.explain()


@pytest.mark.parametrize("text", ["zzzz", "a\x00b", "x" * 201, "   "])
def test_search_without_result_says_so(client, db, text):
    response = client.get(reverse("shop:search"), {"q": text})
    assert response.status_code == 200
    assert b"empty__title" in response.content


def test_brands_and_categories_of_that_name_are_offered(client, make_product):
    make_product(brand="Halden", category="Lamps")
    assert b'href="/b/halden/"' in client.get(reverse("shop:search"), {"q": "hald"}).content
    assert b'href="/c/lamps/"' in client.get(reverse("shop:search"), {"q": "lamp"}).content
