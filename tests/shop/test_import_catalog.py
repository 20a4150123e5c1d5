"""`import_catalog` from the command line to the tables."""

import csv
import time
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from shop.feeds import writer
from shop.models import Brand, Category, Product, ProductImage

from .test_feeds_images import photo

pytestmark = pytest.mark.django_db
GOOGLE = ["id", "title", "description", "image link", "availability", "price", "sale_price",
          "brand", "product_type", "item_group_id", "color"]  # fmt: skip
PAN = ["p1", "Pan", "<p>Iron &amp; oak</p>", "pan.jpg", "in_stock", "19.99 EUR", "", "Forge",
       "Home > Kitchen > Pans", "g1", "black"]  # fmt: skip
SHOPIFY = ["Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Tags", "Option1 Name",
           "Option1 Value", "Variant SKU", "Variant Inventory Qty", "Variant Price", "Image Src",
           "Image Position", "Image Alt Text", "Variant Image", "Status"]  # fmt: skip


@pytest.fixture
def run(tmp_path, settings):
    """Writes rows to a CSV file, imports it and returns what was printed."""
    settings.MEDIA_ROOT = tmp_path / "media"

    def run(header, rows, **options) -> str:
        with (tmp_path / "feed.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        out = StringIO()
        try:
            call_command("import_catalog", tmp_path / "feed.csv", stdout=out, **options)
        finally:
            run.printed = out.getvalue()
        return run.printed

    return run


def google(**cells) -> list[str]:
    return [cells.get(name.replace(" ", "_"), cell) for name, cell in zip(GOOGLE, PAN, strict=True)]


def count(printed: str, name: str) -> int:
    return next(
        int(line.removeprefix(name)) for line in printed.splitlines() if line.startswith(name)
    )


def test_google_feed(run, tmp_path):
    (tmp_path / "pan.jpg").write_bytes(photo())
    rows = [
        google(),
        google(id="p2", availability="out of stock", sale_price="9.50 EUR", image_link=""),
        google(id="p3", title="Pan", item_group_id="", image_link="https://cdn.example/no.jpg"),
    ]
    printed = run(GOOGLE, rows)
    pan, small, other = Product.objects.order_by("sku")
    assert (pan.name, pan.description, pan.price, pan.currency) == (
        "Pan", "Iron & oak", Decimal("19.99"), "EUR",
    )  # fmt: skip
    assert (pan.category.path, pan.brand.name, pan.group) == (
        "Home > Kitchen > Pans",
        "Forge",
        "g1",
    )
    assert (pan.stock, pan.attributes, pan.slug) == (25, {"colour": "black"}, "pan")
    assert pan.images.get().alt == "Pan"
    assert (small.stock, small.price, small.group) == (0, Decimal("9.50"), "g1")
    assert len({pan.slug, small.slug, other.slug}) == 3
    assert count(printed, "images failed") == 1
    assert "no.jpg" in printed
    assert Category.objects.count() == 3
    assert Brand.objects.count() == 1


def test_shopify_export_makes_variants_of_one_group(run, tmp_path):
    for name in ("front", "back", "red"):
        (tmp_path / f"{name}.jpg").write_bytes(
            photo({"front": "blue", "back": "green"}.get(name, name))
        )
    cdn = "https://cdn.example/files"
    rows = [
        ["tee", "Tee", "<p>Soft</p>", "Loom", "Clothing > Tees", "summer, soft", "Color", "Red",
         "TEE-R", "3", "20.00", f"{cdn}/back.jpg?v=1", "2", "", f"{cdn}/red.jpg", "active"],
        ["tee", "", "", "", "", "", "", "Blue", "", "-1", "21.00", f"{cdn}/front.jpg", "1",
         "Front", "", ""],
        ["mug", "Mug", "", "Kiln", "Home", "", "Title", "Default Title", "MUG", "5", "9", "", "",
         "", "", "draft"],
    ]  # fmt: skip
    run(SHOPIFY, rows)
    red, blue, mug = (Product.objects.get(sku=s) for s in ("TEE-R", "tee-Blue", "MUG"))
    assert (red.name, red.group, red.stock) == ("Tee – Red", "tee", 3)
    assert (blue.name, blue.group, blue.stock) == ("Tee – Blue", "tee", 0)
    assert blue.attributes == {"colour": "Blue", "tags": "summer, soft"}
    assert (blue.description, blue.category.path, blue.price) == ("Soft", "Clothing > Tees", 21)
    assert [i.alt for i in blue.images.all()] == ["Front", "Tee – Blue, photo 2"]
    assert red.images.count() == 3
    assert (mug.name, mug.group, mug.is_active, mug.attributes) == ("Mug", "", False, {})


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"id": ""}, "has no SKU"),
        ({"id": "x" * 101}, "SKU has 101"),
        ({"id": "a\x07b"}, "control character"),
        ({"title": "<b></b>"}, "has no title"),
        ({"title": "x" * 251}, "title has 251"),
        ({"price": ""}, "has no price"),
        ({"price": "free"}, "not a price"),
        ({"price": "-1"}, "negative"),
        ({"product_type": "x" * 121}, "category has 121"),
        ({"product_type": " > ".join(["x" * 110] * 5)}, "category path has"),
        ({"price": "1.299 EUR"}, "may be 1299 or 1.299"),
        ({"id": "p1", "title": "Twin"}, "already on line 2"),
    ],
)
def test_each_refusal_has_its_line_and_reason(run, tmp_path, cells, reason):
    report = tmp_path / "refused.csv"
    rows = [google(image_link=""), google(**{"id": "p2", "image_link": "", **cells})]
    printed = run(GOOGLE, rows, report=report)
    assert reason in printed
    assert count(printed, "refused") == 1
    assert Product.objects.count() == 1
    with report.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["line"] == "3"
    assert reason in row["reason"]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"description": "x" * 50_001}, "description has 50001"),
        ({"availability": "soon"}, "availability 'soon'"),
        ({"brand": "x" * 121}, "brand has 121"),
        ({"item_group_id": "x" * 101}, "group has 101"),
        ({"color": "x" * 2001}, "attribute 'colour' has 2001"),
        ({"sale_price": "soon"}, "price 'soon' is not a price"),
        ({"sale_price": "1.299 EUR"}, "may be 1299 or 1.299"),
        ({"sale_price": "25 EUR"}, "is above the price"),
        ({"sale_price": "5 USD"}, "in USD"),
        ({"id": "1.23E+12"}, "spreadsheet rounded"),
    ],
)
def test_a_cell_that_cannot_be_read_costs_the_cell_alone(run, tmp_path, cells, reason):
    report = tmp_path / "refused.csv"
    printed = run(GOOGLE, [google(**{"image_link": "", **cells})], report=report)
    assert reason in printed
    assert (count(printed, "refused"), count(printed, "cells remarked on")) == (0, 1)
    assert Product.objects.get().price == Decimal("19.99")
    with report.open(newline="") as file:
        assert [row["kind"] for row in csv.DictReader(file) if row["line"]] == ["cell"]


def test_a_product_of_unknown_availability_is_not_sold_and_one_of_the_shop_is_left_alone(run):
    run(GOOGLE, [google(image_link="")])
    run(GOOGLE, [google(image_link="", availability="hm"), google(id="p2", availability="hm")])
    assert list(Product.objects.order_by("sku").values_list("stock", flat=True)) == [25, 0]


def test_the_report_runs_no_formula_and_the_terminal_no_escape(run, tmp_path):
    report = tmp_path / "refused.csv"
    rows = [google(image_link=""), google(id="=HYPERLINK(1)", price="x"), google(id="\x1b[2J")]
    assert "\x1b" not in run(GOOGLE, rows, report=report)
    assert "'=HYPERLINK(1)" in report.read_text()


def test_a_second_run_writes_nothing_and_asks_little(run, tmp_path):
    (tmp_path / "pan.jpg").write_bytes(photo())
    rows = [google(id=f"p{n}") for n in range(50)]
    run(GOOGLE, rows)
    before = dict(Product.objects.values_list("sku", "updated_at"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        printed = run(GOOGLE, rows)
    assert count(printed, "unchanged") == 50
    assert not [q for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(queries) <= 10
    assert dict(Product.objects.values_list("sku", "updated_at")) == before


def test_an_edited_file_saves_only_what_changed(run, tmp_path):
    (tmp_path / "pan.jpg").write_bytes(photo())
    (tmp_path / "new.jpg").write_bytes(photo("blue"))
    run(GOOGLE, [google(), google(id="p2"), google(id="p3")])
    Product.objects.filter(sku="p1").update(stock=7)
    by_hand = ProductImage.objects.create(
        product=Product.objects.get(sku="p3"), image="products/hand.jpg", position=9
    )
    saved = []

    def note(instance, **kwargs):
        saved.append(instance.sku)

    post_save.connect(note, sender=Product)
    try:
        rows = [google(), google(id="p2", title="Skillet"), google(id="p3", image_link="new.jpg")]
        printed = run(GOOGLE, rows)
    finally:
        post_save.disconnect(note, sender=Product)
    assert saved == ["p2"]
    assert count(printed, "updated") == 2
    assert Product.objects.get(sku="p1").stock == 7, "what was sold meanwhile was undone"
    photos = list(ProductImage.objects.filter(product__sku="p3"))
    assert len(photos) == 2
    assert by_hand in photos


def test_a_wrong_images_folder_does_not_empty_the_shop(run, tmp_path):
    (tmp_path / "pan.jpg").write_bytes(photo())
    run(GOOGLE, [google()])
    (tmp_path / "empty").mkdir()
    printed = run(GOOGLE, [google()], images=tmp_path / "empty")
    assert count(printed, "images failed") == 1
    assert ProductImage.objects.count() == 1


def test_what_the_file_has_no_column_for_stays(run):
    run(["id", "title", "availability", "price"], [["p1", "Pan", "in stock", "5"]])
    Product.objects.update(description="By hand", attributes={"note": "x"}, group="g")
    run(["id", "title", "availability", "price"], [["p1", "Pan", "in stock", "6"]])
    pan = Product.objects.get()
    assert (pan.price, pan.description, pan.group) == (6, "By hand", "g")


def test_dry_run_writes_nothing(run, tmp_path, settings):
    (tmp_path / "pan.jpg").write_bytes(photo())
    printed = run(GOOGLE, [google(), google(id="p2", price="x")], dry_run=True)
    assert (count(printed, "created"), count(printed, "refused")) == (1, 1)
    assert not Product.objects.exists()
    assert not Category.objects.exists()
    assert not settings.MEDIA_ROOT.exists()


def test_deactivate_missing_spares_rows_that_were_refused(run):
    rows = [google(id=f"p{n}", image_link="") for n in (1, 2, 3)]
    run(GOOGLE, rows)
    broken = google(id="p2", price="x")
    printed = run(GOOGLE, [rows[0], broken], deactivate_missing=True)
    assert count(printed, "deactivated") == 1
    assert list(Product.objects.filter(is_active=False).values_list("sku", flat=True)) == ["p3"]
    run(GOOGLE, rows, deactivate_missing=True)
    assert not Product.objects.filter(is_active=False).exists()


def test_stopped_by_ctrl_c_what_was_committed_stays(run, monkeypatch):
    monkeypatch.setattr("shop.feeds.importer.CHUNK", 2)
    write = writer.CatalogWriter.write

    def stopping(self, chunk):
        if chunk[0].sku == "p2":
            raise KeyboardInterrupt
        return write(self, chunk)

    monkeypatch.setattr(writer.CatalogWriter, "write", stopping)
    with pytest.raises(CommandError, match="up to line 3") as stopped:
        run(GOOGLE, [google(id=f"p{n}", image_link="") for n in range(4)])
    assert stopped.value.returncode == 130
    assert Product.objects.count() == 2
    assert count(run.printed, "created") == 2


def test_nothing_imported_is_a_failure(run, tmp_path):
    with pytest.raises(CommandError, match="Nothing"):
        run(GOOGLE, [google(price="x")])
    with pytest.raises(CommandError, match="Nothing"):
        run(GOOGLE, [])
    with pytest.raises(CommandError, match="known format"):
        run(["a", "b"], [["1", "2"]])
    with pytest.raises(CommandError, match=r"none\.csv"):
        call_command("import_catalog", tmp_path / "none.csv")
    with pytest.raises(CommandError, match="--mapping"):
        run(GOOGLE, [google()], format="mapping")
    with pytest.raises(CommandError, match="--limit"):
        run(GOOGLE, [google()], limit=1, deactivate_missing=True)


def test_defaults_for_price_stock_and_currency(run):
    rows = [["p1", "Pan", "in stock", ""], ["p2", "Pot", "", "7"]]
    run(
        ["id", "title", "availability", "price"],
        rows,
        default_price=Decimal("12.50"),
        default_stock=3,
        currency="CHF",
    )
    assert list(Product.objects.order_by("sku").values_list("price", "stock", "currency")) == [
        (Decimal("12.50"), 3, "CHF"),
        (Decimal("7.00"), 3, "CHF"),
    ]


def test_names_without_latin_letters_get_slugs_of_their_own(run):
    rows = [google(id=f"p{n}", title="寿司", product_type="和食", image_link="") for n in (1, 2)]
    run(GOOGLE, rows)
    assert len(set(Product.objects.values_list("slug", flat=True))) == 2
    assert all(Product.objects.values_list("slug", flat=True))


def test_two_thousand_rows_take_seconds(run):
    started = time.monotonic()
    printed = run(GOOGLE, [google(id=f"p{n}", image_link="") for n in range(2000)])
    assert count(printed, "created") == 2000
    assert time.monotonic() - started < 30
