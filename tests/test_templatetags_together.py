"""{% bought_together %}, {% cart_companions %} and {% bundle_offers %} on a host's page."""

# ruff: noqa: F811 - fixtures that are imported

import logging
import re
from decimal import Decimal
from types import SimpleNamespace
from unittest import mock

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from similarity.catalog.card import Card
from similarity.catalog.mapping import FieldMappingAdapter
from similarity.orders import companions
from similarity.orders.models import Bundle
from similarity.orders.partner_shelf import MAX_CART
from similarity.templatetags.similarity import money
from tests.fixtures_orders import buy, counted  # noqa: F401
from tests.host.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_templates(settings):
    """The plugin's own templates, which the shop overrides with its own."""
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": []}]


@pytest.fixture
def mug(make_product):
    return make_product(name="Mug", price=Decimal("12.50"))


@pytest.fixture
def others(buy, counted, make_product, mug):
    """Bought with the mug, the first most often."""
    found = [make_product(name=f"Other {at}") for at in range(10)]
    for at, other in enumerate(found):
        buy(mug, other, shoppers=20 - at)
    counted(400)
    return found


def render(source, **context):
    request = context.pop("request", RequestFactory().get("/"))
    template = Template("{% load similarity similarity_orders %}" + source)
    return template.render(Context({"request": request, **context})).strip()


def shown(html):
    return re.findall(r'class="similarity-name">([^<]*)<', html)


def test_shelf_of_a_product(others, mug):
    html = render("{% bought_together product limit=3 explain=True %}", product=mug)
    assert shown(html) == ["Other 0", "Other 1", "Other 2"]
    assert "Bought together" in html
    assert "often bought together" in html
    assert f"All together: {money(Decimal('72.50'), 'EUR')}<" in html
    assert f'href="{others[0].get_absolute_url()}"' in html


def test_reasons_are_left_out_unless_asked_for(others, mug):
    assert "orders" not in render("{% bought_together product %}", product=mug)


def test_a_key_will_do_and_costs_no_total(others, mug):
    html = render("{% bought_together key title='With it' %}", key=mug.pk)
    assert "With it" in html
    assert "All together" not in html


def test_shelf_of_a_cart(others, mug):
    tag = "{% cart_companions cart limit=2 %}"
    lines = [SimpleNamespace(product=mug, quantity=2), SimpleNamespace(product=others[0])]
    for cart in (
        [mug, others[0]],
        [mug.pk, str(others[0].pk)],
        lines,
        iter(lines),
        Product.objects.filter(pk__in=[mug.pk, others[0].pk]),
    ):
        html = render(tag, cart=cart)
        assert shown(html) == ["Other 1", "Other 2"]
        assert "Goes with your cart" in html


def test_lines_of_an_order_are_a_cart(others, mug):
    line = mug.order_lines.first()
    html = render("{% cart_companions order.lines limit=1 %}", order=line.order)
    assert shown(html) == ["Other 1"]  # the order holds the first


def test_a_cart_beyond_the_bound_is_asked_by_its_last_products(others, mug, make_product):
    cart = [*range(10**6, 10**6 + MAX_CART), mug]
    assert len(shown(render("{% cart_companions cart %}", cart=cart))) == 4


def test_empty_cart_renders_nothing_and_is_no_mistake(db, caplog):
    assert render("{% cart_companions cart %}", cart=[]) == ""
    assert caplog.text == ""


def test_cached_shelf_shows_nothing_sold_out_and_tops_up(others, mug):
    tag = "{% bought_together product limit=3 %}"
    render(tag, product=mug)
    Product.objects.filter(pk__in=[other.pk for other in others[:2]]).update(stock=0)
    assert shown(render(tag, product=mug)) == ["Other 2", "Other 3", "Other 4"]
    Product.objects.filter(pk__in=[other.pk for other in others[2:7]]).update(stock=0)
    assert shown(render(tag, product=mug)) == ["Other 7", "Other 8", "Other 9"]


def test_second_rendering_looks_up_no_partners(others, mug, monkeypatch):
    first = render("{% bought_together product %}", product=mug)
    monkeypatch.setattr(companions, "bought_together", None)
    assert shown(render("{% bought_together product %}", product=mug)) == shown(first) != []


def test_queries(others, mug, django_assert_num_queries):
    html = "{% bought_together product limit=3 %}"
    render(html, product=mug)
    # The products and their photos, the product's own photos for its card; and the savepoint.
    with django_assert_num_queries(5):
        render(html, product=mug)
    # The groups, partners, products, photos, and vectors; and the savepoint.
    with django_assert_num_queries(7):
        assert shown(render("{% cart_companions cart limit=3 %}", cart=[mug, others[0]]))


def test_reasons_are_kept_apart_by_language(others, mug):
    tag = "{% bought_together product limit=1 explain=True %}"
    assert "ften bought together" in render(tag, product=mug)
    german = translation.trans_real.translation("de")
    known = {
        "often bought together": "oft zusammen gekauft",
        "very often bought together": "sehr oft zusammen gekauft",
    }
    with (
        translation.override("de"),
        mock.patch.dict(german._catalog._catalogs[0], known),
    ):
        assert "zusammen gekauft" in render(tag, product=mug)


def test_what_one_shopper_may_see_is_not_shown_to_another(others, mug, monkeypatch):
    def eligible(self, request=None):
        products = Product.objects.filter(stock__gt=0)
        return products if request.GET.get("trade") else products.exclude(pk=others[0].pk)

    monkeypatch.setattr(FieldMappingAdapter, "eligible", eligible)
    for address, first in (("/?trade=1", "Other 0"), ("/", "Other 1"), ("/?trade=1", "Other 0")):
        for tag in ("{% bought_together product %}", "{% cart_companions cart %}"):
            request = RequestFactory().get(address)
            assert shown(render(tag, product=mug, cart=[mug], request=request))[0] == first


def test_within_narrows(others, mug):
    within = Product.objects.filter(pk__in=[others[4].pk, others[6].pk])
    for tag in ("bought_together product", "cart_companions cart"):
        html = render(f"{{% {tag} within=within %}}", product=mug, cart=[mug], within=within)
        assert shown(html) == ["Other 4", "Other 6"]


@pytest.fixture
def bundle(mug, make_product):
    return Bundle.objects.create(
        name="Tea for two",
        status="published",
        products=[str(mug.pk), str(make_product(name="Pot").pk)],
        price=Decimal("30.00"),
        currency="EUR",
        orders=5,
    )


def test_bundles_of_a_product(bundle, mug):
    html = render("{% bundle_offers product %}", product=mug)
    assert shown(html) == ["Mug", "Pot"]
    assert "Tea for two" in html
    price, saving = (money(Decimal(one), "EUR") for one in ("30.00", "2.50"))
    assert f"Bundle price: {price}, you save {saving}" in html
    Product.objects.filter(name="Pot").update(stock=0)
    assert render("{% bundle_offers product %}", product=mug) == ""


def test_shelves_of_a_page_share_no_id_and_one_style_sheet(bundle, others, mug):
    every = (
        "{% bought_together p %}{% bought_together p %}{% cart_companions c %}{% bundle_offers p %}"
    )
    html = render(every, p=mug, c=[mug])
    found = re.findall(r' id="([^"]*)"', html)
    assert len(found) == len(set(found)) == 4
    assert re.findall(r'aria-labelledby="([^"]*)"', html) == found
    assert html.count('rel="stylesheet"') == 1
    assert render(every, p=mug, c=[mug]) == html  # and the page's ETag stays


TAGS = ("bought_together", "cart_companions", "bundle_offers")


@pytest.mark.parametrize("tag", TAGS)
def test_misspelt_variable_renders_nothing_and_is_told(db, caplog, tag):
    assert render("a{% " + tag + " typo %}b") == "ab"
    assert tag in caplog.text
    assert "misspelt" in caplog.text


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("arguments", ["x limit=0", "x limit='many'", "'nonsense'"])
def test_error_is_logged_and_renders_nothing(mug, caplog, tag, arguments):
    x = [mug] if tag == "cart_companions" else mug
    with caplog.at_level(logging.ERROR):
        assert render("a{% " + tag + " " + arguments + " %}b", x=x) == "ab"
    assert tag in caplog.text


@pytest.mark.parametrize(
    ("tag", "table"),
    [
        ("bought_together", "similarity_counteditem"),
        ("cart_companions", "similarity_counteditem"),
        ("bundle_offers", "similarity_bundle"),
    ],
)
def test_a_failing_query_leaves_the_page_s_transaction_usable(mug, caplog, tag, table):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
    assert render("{% " + tag + " x %}", x=[mug] if tag == "cart_companions" else mug) == ""
    assert "does not exist" in caplog.text
    assert Product.objects.filter(pk=mug.pk).exists()


def test_a_total_is_of_prices_in_one_currency():
    one, two = Card("a", price=Decimal("1.50"), currency="EUR"), Card("b", currency="EUR")
    three, four = Card("c", price=Decimal(2), currency="EUR"), Card("d", price=Decimal(2))
    assert companions.total_of([one, three]) == (Decimal("3.50"), "EUR")
    assert companions.total_of([one, two]) is None  # has no price
    assert companions.total_of([one, four]) is None
    assert companions.total_of([]) is None


def test_no_product_is_twice_on_a_page(others, mug):
    """Shelves before it count, in any template of the page, and the reserve moves up."""
    page = "{% bought_together mug limit=3 %}{% cart_companions cart limit=3 %}"
    assert shown(render(page, mug=mug, cart=[mug])) == [f"Other {at}" for at in range(6)]
    request = RequestFactory().get("/")
    first = render("{% bought_together mug limit=2 %}", mug=mug, request=request)
    second = render("{% bought_together mug limit=2 %}", mug=mug, request=request)
    assert shown(first) + shown(second) == ["Other 0", "Other 1", "Other 2", "Other 3"]


def test_what_one_page_leaves_out_stays_on_the_shared_shelf(others, mug):
    for _cold_and_cached in range(2):
        twice = "{% bought_together mug limit=3 %}{% bought_together mug limit=3 %}"
        assert len(set(shown(render(twice, mug=mug)))) == 6
        alone = shown(render("{% bought_together mug limit=3 %}", mug=mug))
        assert alone == ["Other 0", "Other 1", "Other 2"]


def test_products_of_a_bundle_are_shown(bundle, others, mug):
    bundle.products = [str(mug.pk), str(others[0].pk)]
    bundle.save()
    names = shown(render("{% bundle_offers mug %}{% bought_together mug limit=2 %}", mug=mug))
    assert names == ["Mug", "Other 0", "Other 1", "Other 2"]
