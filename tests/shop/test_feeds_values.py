"""Prices, text and flags as files write them."""

from decimal import Decimal

import pytest

from shop.feeds import values
from shop.feeds.money import parse_price
from shop.feeds.product import RowRefused


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("19.99 EUR", "19.99", "EUR"),
        ("USD 5", "5.00", "USD"),
        ("$1,299.00", "1299.00", "USD"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("1\u00a0299,95 zł", "1299.95", "PLN"),
        ("CHF 1'299.50", "1299.50", "CHF"),
        ("₹1,29,999.00", "129999.00", "INR"),
        ("1.299", "1299.00", ""),
        ("0.995", "1.00", ""),
        ("12,5", "12.50", ""),
        ("19,–", "19.00", ""),
        ("£ 7", "7.00", "GBP"),
        ("52", "52.00", ""),
    ],
)
def test_price_is_read_however_it_is_written(text, amount, currency):
    assert parse_price(text) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    "text", ["free", "-5 EUR", "10-20", "1,2,3", "12.34.5", "999999999999", "NaN", "1e9"]
)
def test_what_is_no_price_is_refused_with_its_text(text):
    with pytest.raises(RowRefused, match="price"):
        parse_price(text)


def test_an_empty_price_is_no_price():
    assert parse_price("  ") is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Home > Kitchen > Pans", ("Home", "Kitchen", "Pans")),
        ("Men/Tops/Tees", ("Men", "Tops", "Tees")),
        ("A/B > C", ("A/B", "C")),
        ("212", ()),
        (" > ", ()),
    ],
)
def test_category_paths(text, path):
    assert values.parse_path(text) == path


def test_availability_flags_and_stock():
    assert values.parse_availability("in stock") is True
    assert values.parse_availability("https://schema.org/OutOfStock") is False
    assert values.parse_availability("backorder") is True
    assert values.parse_availability("") is None
    assert values.parse_flag("draft", "status") is False
    assert values.parse_stock("-3") == 0
    assert values.parse_stock("12.0") == 12
    for parse, text in [(values.parse_availability, "soon"), (values.parse_stock, "many")]:
        with pytest.raises(RowRefused, match=text):
            parse(text)


def test_a_sale_runs_only_between_its_dates():
    assert values.runs_now("2020-01-01T00:00+0000/2099-01-01T00:00+0000")
    assert not values.runs_now("2020-01-01/2020-02-01")
    with pytest.raises(RowRefused, match="soon"):
        values.runs_now("soon")
