"""Whatever a host's product, photo or adapter raises costs that part of that card alone."""

import logging
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.urls import reverse

import similarity
from similarity import logs
from similarity.catalog import card as cards
from similarity.catalog.adapter import get_adapter
from similarity.catalog.card import Card, card_of, title_of
from similarity.catalog.mapping import FieldMappingAdapter
from similarity.catalog.money import amount_of, currency_of
from similarity.templatetags.similarity import asset
from tests.host.models import Product, ProductImage

PARTS = ("get_absolute_url", "photo_url", "price", "title", "card", "text")


@pytest.fixture
def break_part(monkeypatch):
    """Has a part of one product raise, as a host's own code may."""

    def raising(owner, name, of, pk):
        untouched = getattr(owner, name)

        def method(self, *args, **kwargs):
            if of(self, *args) == pk:
                raise AttributeError(f"{name} of {pk}")
            return untouched(self, *args, **kwargs)

        monkeypatch.setattr(owner, name, method)

    def broken(part, product):
        first = lambda self, *args: args[0].pk  # noqa: E731
        own = lambda self, *args: self.pk  # noqa: E731
        if part == "photo_url":
            raising(
                ProductImage._meta.get_field("image").attr_class,
                "_require_file",
                lambda self: self.instance.product_id,
                product.pk,
            )
        elif part == "price":
            raising(FieldMappingAdapter, "_money", first, product.pk)
        elif part in ("title", "card"):
            raising(FieldMappingAdapter, part, first, product.pk)
        elif part == "text":
            raising(FieldMappingAdapter, "title", first, product.pk)
            raising(Product, "__str__", own, product.pk)
        else:
            raising(Product, part, own, product.pk)

    return broken


@pytest.fixture
def shelf(make_product, photo):
    """Products without vectors: each is on the other's shelf."""
    products = [make_product(name=f"Red mug {at}") for at in range(4)]
    for product in products:
        product.images.create(image=photo())
    return products


@pytest.mark.parametrize("part", PARTS)
class TestOneBadRow:
    def test_a_shelf_shows_every_product(self, shelf, break_part, part, rf):
        source, bad, *_others = shelf
        break_part(part, bad)
        template = Template("{% load similarity %}{% similar_products product %}")
        html = template.render(Context({"product": source, "request": rf.get("/")}))
        assert html.count('<li class="similarity-item"') == 3
        assert html.count("<img") == (2 if part in ("photo_url", "card") else 3)
        assert html.count("20.00") == (2 if part in ("price", "card") else 3)

    def test_the_api_answers_with_every_product(self, shelf, break_part, part, client):
        source, bad, *_others = shelf
        break_part(part, bad)
        address = reverse("similarity:similar", args=[source.pk])
        results = client.get(address).json()["results"]
        assert len(results) == 3
        [broken] = [hit for hit in results if hit["id"] == bad.pk]
        assert bool(broken["url"]) == (part != "get_absolute_url")
        assert broken["title"] == (str(bad.pk) if part == "text" else bad.name)

    def test_staff_see_the_page_of_a_bad_product(self, shelf, break_part, part, admin_client):
        break_part(part, shelf[0])
        page = admin_client.get(
            reverse("admin:similarity_encoderversion_neighbours", args=[shelf[0].pk])
        )
        assert page.status_code == 200


def test_a_storage_without_the_style_sheet_costs_no_shelf(shelf, rf, monkeypatch, caplog):
    """As WhiteNoise's raises before ``collectstatic``."""
    from django.contrib.staticfiles.storage import staticfiles_storage

    def missing(name):
        raise ValueError(f"Missing staticfiles manifest entry for {name!r}")

    monkeypatch.setattr(staticfiles_storage, "url", missing)
    assert asset("similarity/similarity.css") == ""
    assert "collectstatic" in caplog.text
    template = Template("{% load similarity %}{% similar_products product lazy=True %}")
    assert "similarity-lazy" in template.render(
        Context({"product": shelf[0], "request": rf.get("/")})
    )


def test_a_price_has_the_decimals_of_its_field(make_product):
    product = make_product()
    product.price = 10  # as assigned, not as read
    assert str(card_of(get_adapter(), product).price) == "10.00"
    product.price = Decimal("10.005")
    assert str(card_of(get_adapter(), product).price) == "10.005"


class TestCardOf:
    def test_a_card_that_is_none_is_title_and_address(self, make_product, monkeypatch):
        monkeypatch.setattr(FieldMappingAdapter, "card", lambda self, product, request=None: None)
        product = make_product(name="Mug")
        assert card_of(get_adapter(), product) == Card("Mug", product.get_absolute_url())

    def test_an_object_of_money_becomes_amount_and_currency(self, make_product, monkeypatch):
        money = SimpleNamespace(amount=Decimal("5.00"), currency=SimpleNamespace(code="EUR"))
        monkeypatch.setattr(
            FieldMappingAdapter,
            "card",
            lambda self, product, request=None: Card("Mug", price=money),
        )
        card = card_of(get_adapter(), make_product())
        assert (card.price, card.currency) == (Decimal("5.00"), "EUR")

    def test_it_reads_the_request(self, make_product, monkeypatch, rf):
        asked = []
        monkeypatch.setattr(
            FieldMappingAdapter,
            "card",
            lambda self, product, request=None: asked.append(request) or Card("Mug"),
        )
        request = rf.get("/")
        card_of(get_adapter(), make_product(), request)
        assert asked == [request]


@pytest.mark.parametrize(
    ("value", "amount", "currency"),
    [
        (Decimal("1.50"), "1.50", ""),
        (1.5, "1.5", ""),
        (" 3.00 ", "3.00", ""),
        (SimpleNamespace(amount=Decimal(7), currency="GBP"), "7", "GBP"),
        (SimpleNamespace(gross=SimpleNamespace(amount=8, currency="GBP")), "8", "GBP"),
        ("€ 3", None, ""),
        (Decimal("NaN"), None, ""),
        (float("inf"), None, ""),
        (True, None, ""),
        (None, None, ""),
    ],
)
def test_amounts_of_what_hosts_keep_prices_in(value, amount, currency):
    assert amount_of(value) == (None if amount is None else Decimal(amount))
    assert currency_of(value) == currency


class TestLog:
    def test_an_error_is_logged_once_a_minute_with_the_first_key(
        self, make_product, monkeypatch, caplog
    ):
        monkeypatch.setattr(Product, "get_absolute_url", lambda self: 1 / 0)
        one, two = make_product(), make_product()
        for product in (one, two, one):
            assert cards.page_url(product) == ""
        [record] = caplog.records
        assert record.exc_info
        assert record.getMessage() == f"The address of host.Product {one.pk} cannot be read."
        now = logs.time.monotonic()
        monkeypatch.setattr(logs.time, "monotonic", lambda: now + logs.QUIET_S + 1)
        cards.page_url(two)
        assert "(and 2 more times since the last report)" in caplog.records[-1].getMessage()

    def test_another_error_is_another_entry(self, caplog):
        logger = logging.getLogger("similarity.tests")
        for kind in (KeyError, ValueError, KeyError):
            try:
                raise kind("no")
            except kind as error:
                logs.log_error(logger, error, "It failed.")
        assert len(caplog.records) == 2

    def test_what_is_remembered_is_bounded(self, monkeypatch):
        monkeypatch.setattr(logs, "REMEMBERED", 3)
        logger = logging.getLogger("similarity.tests")
        for at in range(9):
            logs.log_error(logger, ValueError(), f"Failure {at}.")
        assert len(logs._seen) == 3


def test_nothing_reads_a_card_or_a_title_without_containment():
    """An adapter's own ``card`` and ``title`` are called in one place."""
    plugin = Path(similarity.__file__).parent
    direct = re.compile(r"\b(?:adapter|catalog|catalogue|get_adapter\(\))\.(?:card|title|cost)\(")
    found = {
        str(path.relative_to(plugin)): direct.findall(path.read_text())
        for path in plugin.rglob("*.py")
    }
    calls = {name: calls for name, calls in found.items() if calls}
    assert set(calls) == {"catalog/card.py", "checks/content.py"}, "a check lets it raise"


def test_a_title_is_found_even_where_text_raises(make_product, monkeypatch):
    monkeypatch.setattr(FieldMappingAdapter, "title", lambda self, product: 1 / 0)
    monkeypatch.setattr(Product, "__str__", lambda self: 1 / 0)
    product = make_product()
    assert title_of(get_adapter(), product) == str(product.pk)
