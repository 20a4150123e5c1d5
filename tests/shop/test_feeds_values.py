"""Prices, text and flags as files write them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shop.feeds import values
from shop.feeds.money import parse_price
from shop.feeds.product import CellUnread, RowRefused
from shop.feeds.values import Availability


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
        ("$19.99 USD", "19.99", "USD"),
        ("19.99 eur", "19.99", "EUR"),
        ("US$ 19.99", "19.99", "USD"),
        ("HK$ 99", "99.00", "HKD"),
        ("199 kr.", "199.00", ""),
        ("199:-", "199.00", ""),
        ("1,980円", "1980.00", "JPY"),
        ("1 299 руб.", "1299.00", "RUB"),
        ("Fr. 12.50", "12.50", "CHF"),
        ("R 199.00", "199.00", "ZAR"),
        ("Rp 150.000", "150000.00", "IDR"),
        ("19€99", "19.99", "EUR"),
        (".99", "0.99", ""),
        ("12,500 TND", "12.50", "TND"),
        ("0.750 KWD", "0.75", "KWD"),
        ("1.250 JPY", "1250.00", "JPY"),
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


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12.500 KWD", "12.50"), ("1,299.00 USD", "1299.00"), ("9,99 EUR", "9.99"),
        ("1,299 EUR", "1299.00"), ("19.9900 EUR", "19.99"), ("1.500 JPY", "1500.00"),
    ],
)  # fmt: skip
def test_where_the_format_prescribes_the_dot(text, amount):
    assert parse_price(text, ".").amount == Decimal(amount)


@pytest.mark.parametrize("text", ["1.299 EUR", "1,299 KWD"])
def test_neither_a_thousandth_nor_a_thousand_is_guessed(text):
    with pytest.raises(RowRefused, match=r"may be 1299 or 1\.299"):
        parse_price(text, ".")


def test_a_symbol_of_several_currencies_is_that_of_the_shop():
    assert parse_price("$5", currency="CAD").currency == "CAD"
    assert parse_price("5 kr", currency="SEK").currency == "SEK"
    assert parse_price("$5", currency="EUR").currency == "USD"


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
    assert values.parse_availability("") is None
    assert values.parse_flag("draft", "status") is False
    for parse, text in [(values.parse_availability, "soon"), (values.parse_stock, "many")]:
        with pytest.raises(CellUnread, match=text):
            parse(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("in stock", Availability.IN_STOCK),
        ("https://schema.org/LimitedAvailability", Availability.IN_STOCK),
        ("OnlineOnly", Availability.IN_STOCK),
        ("sofort lieferbar", Availability.IN_STOCK),
        ("https://schema.org/OutOfStock", Availability.OUT),
        ("Sold out!", Availability.OUT),
        ("нет в наличии", Availability.OUT),
        ("backorder", Availability.AHEAD),
        ("http://schema.org/PreSale", Availability.AHEAD),
        ("MadeToOrder", Availability.AHEAD),
    ],
)
def test_availability_in_the_words_of_feeds_and_people(text, kind):
    assert values.parse_availability(text) is kind


@pytest.mark.parametrize(
    ("text", "stock"),
    [
        ("-3", 0), ("12.0", 12), ("100.0000", 100), ("3,0", 3), ("1.000", 1000), ("1 000", 1000),
        ("> 10", 10), ("10+", 10), ("5 Stk.", 5), ("12 left", 12), ("", None), ("−4", 0),
        ("sold out", Availability.OUT), ("unlimited", Availability.IN_STOCK),
    ],
)  # fmt: skip
def test_stock_as_people_write_it(text, stock):
    assert values.parse_stock(text) == stock


@pytest.mark.parametrize("text", ["100 ML", "1e6", "12.34.5", "4-6", "99999999999999"])
def test_what_is_no_number_of_pieces_is_none(text):
    with pytest.raises(CellUnread, match="stock"):
        values.parse_stock(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("'0101", "0101"), ('="0101"', "0101"), (" AB\u00a0 1 ", "AB 1"), ("\u200bA1", "A1"),
        ("'x'", "'x'"), ("cafe\u0301", "café"), ("'", "'"),
    ],
)  # fmt: skip
def test_codes_have_one_form(text, code):
    assert values.identity(text) == code
    assert values.identity(code) == code


def test_a_number_that_a_spreadsheet_rounded_is_known():
    assert values.is_spoilt("1.23E+12")
    assert values.is_spoilt("4,00638E+12")
    assert not values.is_spoilt("E12")


@pytest.mark.parametrize("text", ["N/A", "-", "--", "none", "n.a.", "#N/A", "Null", ""])
def test_words_for_nothing(text):
    assert values.is_none(text)
    assert not values.is_none(f"{text}x")


def test_a_sale_runs_only_between_its_dates():
    assert values.runs_now("2020-01-01T00:00+0000", "2099-01-01T00:00+0000")
    assert values.runs_now("", "")
    assert values.runs_now("", "2099-01-01")
    assert not values.runs_now("2020-01-01", "2020-02-01")
    assert not values.runs_now("2099-01-01", "")
    for text in ("soon", "2020-13-01"):
        with pytest.raises(CellUnread, match=text):
            values.runs_now(text, "")


@pytest.mark.parametrize(
    "text", ["2020-01-01/2020-02-01", "2020-01-01 - 2020-02-01", "2020-01-01 to 2020-02-01"]
)
def test_the_two_dates_of_a_sale(text):
    assert values.parse_interval(text) == ("2020-01-01", "2020-02-01")


def test_one_date_alone_is_no_interval():
    with pytest.raises(CellUnread, match="soon"):
        values.parse_interval("soon")


@pytest.mark.parametrize(
    ("zone", "hour_utc", "runs"),
    [
        ("Europe/Berlin", 21, True),  # 23:00 there, of the last day
        ("Europe/Berlin", 23, False),  # the next day there
        ("America/New_York", 3, True),  # the evening before there
        ("UTC", 23, True),
    ],
)
def test_the_last_day_of_a_sale_counts_in_the_zone_of_the_shop(
    settings, monkeypatch, zone, hour_utc, runs
):
    settings.TIME_ZONE = zone
    day = 2 if zone.startswith("America") else 1
    now = datetime(2026, 7, day, hour_utc, tzinfo=UTC)
    monkeypatch.setattr(values.timezone, "now", lambda: now)
    assert values.runs_now("2026-06-01", "2026-07-01") is runs
    assert values.runs_now("01.06.2026", "01.07.2026") is runs
