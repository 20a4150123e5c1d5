"""What the exports of other shops mean by their columns."""

from decimal import Decimal
from io import StringIO

import pytest

from shop.models import Brand, Product

from .test_feeds_images import photo
from .test_import_catalog import count, run  # noqa: F401

pytestmark = pytest.mark.django_db

SHOPIFY = ["Handle", "Title", "Type", "Vendor", "Option1 Name", "Option1 Value", "Variant SKU",
           "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Inventory Policy",
           "Variant Price", "Variant Barcode", "Status"]  # fmt: skip
WOO = ["ID", "Type", "SKU", "Name", "Published", "Visibility in catalog", "Description",
       "In stock?", "Stock", "Backorders allowed?", "Sale price", "Regular price",
       "Date sale price ends", "Categories", "Parent", "Attribute 1 name",
       "Attribute 1 value(s)"]  # fmt: skip
GOOGLE = ["id", "title", "price", "availability", "quantity", "gtin", "mpn", "brand"]


def shopify(handle, option="", sku="", **cells) -> list[str]:
    row = {
        "Handle": handle, "Title": handle.title(), "Option1 Name": "Size" if option else "Title",
        "Option1 Value": option or "Default Title", "Variant SKU": sku, "Variant Price": "20.00",
        "Variant Inventory Tracker": "shopify", "Variant Inventory Qty": "5",
        "Variant Inventory Policy": "deny", "Status": "active",
    }  # fmt: skip
    row.update({name.replace("_", " "): cell for name, cell in cells.items()})
    return [row.get(name, "") for name in SHOPIFY]


def woo(ID, Type="simple", **cells) -> list[str]:
    row = {"ID": ID, "Type": Type, "Published": "1", "Visibility in catalog": "visible",
           "In stock?": "1", "Regular price": "20", "Name": f"Product {ID}"}  # fmt: skip
    row.update({name.replace("_", " "): cell for name, cell in cells.items()})
    return [row.get(name, "") for name in WOO]


def stock_of(sku) -> int:
    return Product.objects.get(sku=sku).stock


@pytest.mark.parametrize(
    ("tracker", "quantity", "policy", "stock"),
    [
        ("", "0", "deny", 25), ("", "-7", "", 25), ("", "12", "deny", 25),
        ("shopify", "0", "deny", 0), ("shopify", "-2", "deny", 0), ("shopify", "12", "deny", 12),
        ("shopify", "-2", "continue", 25), ("shopify", "12", "continue", 12),
        ("amazon_marketplace_web", "0", "deny", 0),
    ],
)  # fmt: skip
def test_tracker_and_policy_decide_what_the_quantity_means(run, tracker, quantity, policy, stock):  # noqa: F811
    row = shopify("cake", sku="C", Variant_Inventory_Tracker=tracker,
                  Variant_Inventory_Qty=quantity, Variant_Inventory_Policy=policy)  # fmt: skip
    run(SHOPIFY, [row])
    assert stock_of("C") == stock
    Product.objects.update(stock=3)
    run(SHOPIFY, [row])
    assert stock_of("C") == (stock if stock != 25 else 3), "what was sold meanwhile was undone"


def test_a_variant_is_known_by_handle_and_options_whatever_its_sku(run):  # noqa: F811
    rows = [shopify("top", "S", "X"), shopify("top", "M", "X"), shopify("bag", sku="X"),
            shopify("hat", sku="H")]  # fmt: skip
    assert count(run(SHOPIFY, rows), "created") == 4
    assert count(run(SHOPIFY, rows), "unchanged") == 4
    before = dict(Product.objects.values_list("feed_key", "pk"))
    assert Product.objects.filter(codes=["X"]).count() == 3
    # Rows in another order, SKUs corrected, the one that was unique repeated now.
    rows = [shopify("hat", sku="H"), shopify("cap", sku="H"), shopify("bag", sku="BAG"),
            shopify("top", "M", "TOP-M"), shopify("top", "S", "TOP-S")]  # fmt: skip
    printed = run(SHOPIFY, rows)
    assert (count(printed, "created"), count(printed, "refused")) == (1, 0)
    after = dict(Product.objects.values_list("feed_key", "pk"))
    assert {key: after[key] for key in before} == before
    assert set(Product.objects.values_list("sku", flat=True)) == {
        "H", "cap", "BAG", "TOP-M", "TOP-S",
    }  # fmt: skip
    printed = run(SHOPIFY, rows[:2], deactivate_missing=True)
    assert count(printed, "deactivated") == 3


def test_an_export_without_skus(run):  # noqa: F811
    columns = [at for at, name in enumerate(SHOPIFY) if name != "Variant SKU"]
    rows = [[row[at] for at in columns] for row in (shopify("top", "S"), shopify("hat"))]
    header = [SHOPIFY[at] for at in columns]
    assert count(run(header, rows), "created") == 2
    assert count(run(header, rows), "unchanged") == 2
    assert set(Product.objects.values_list("sku", flat=True)) == {"top-S", "hat"}


def test_a_feed_in_xml_and_one_in_another_code_page(run, tmp_path):  # noqa: F811
    from django.core.management import call_command

    item = "<item><g:id>1</g:id><g:title>Oak</g:title><g:price>12.500 KWD</g:price></item>"
    (tmp_path / "feed.xml").write_text(f"<rss><channel>{item}</channel></rss>")
    call_command("import_catalog", tmp_path / "feed.xml", stdout=StringIO())
    assert Product.objects.get().price == Decimal("12.50")
    text = "id;title;price\n1;Платье синее шерстяное;1 990,50 руб.\n"
    (tmp_path / "feed.csv").write_bytes(text.encode("cp1251"))
    out = StringIO()
    call_command("import_catalog", tmp_path / "feed.csv", stdout=out)
    assert "Read as cp1251, which is a guess" in out.getvalue()
    product = Product.objects.get()
    assert (product.name, product.price) == ("Платье синее шерстяное", Decimal("1990.50"))


def test_keys_that_look_alike_are_two_products(run):  # noqa: F811
    rows = [shopify("a-b", "c"), shopify("a", "b-c"), shopify("a-b", "c")]
    printed = run(SHOPIFY, rows)
    assert (count(printed, "created"), count(printed, "refused")) == (2, 1)
    assert count(run(SHOPIFY, rows), "unchanged") == 2


def test_a_product_that_was_imported_without_a_key_is_the_same(run):  # noqa: F811
    run(SHOPIFY, [shopify("hat", sku="H")])
    Product.objects.update(feed_key="")
    assert count(run(SHOPIFY, [shopify("hat", sku="H")]), "created") == 0


def test_rows_of_a_handle_need_not_stand_together(run):  # noqa: F811
    rows = [shopify("tee", "S", "T-S", Vendor="Loom"), shopify("mug", sku="M"),
            shopify("tee", "M", "T-M", Title="", Option1_Name=""), shopify("cup", sku="C"),
            shopify("tee", "L", "T-L", Title="", Variant_Price="x")]  # fmt: skip
    printed = run(SHOPIFY, rows)
    assert (count(printed, "created"), count(printed, "refused")) == (4, 1)
    medium = Product.objects.get(sku="T-M")
    assert (medium.name, medium.group, medium.brand.name) == ("Tee – M", "tee", "Loom")


def test_a_text_mark_is_no_part_of_a_code(run):  # noqa: F811
    run(SHOPIFY, [shopify("a", "'08", "'0101", Variant_Barcode="'4006381333931")])
    run(SHOPIFY, [shopify("a", "08", "0101", Variant_Barcode="4006381333931")])
    product = Product.objects.get()
    assert (product.sku, product.codes, product.attributes["size"]) == (
        "0101", ["4006381333931"], "08",
    )  # fmt: skip


def test_codes_are_found_by_search(run, index):  # noqa: F811
    from similarity.search import search

    run(GOOGLE, [["1", "Pan", "5 EUR", "in stock", "", "4006381333931", "AB-77", "N/A"],
                 ["2", "Pot", "5 EUR", "in stock", "", "4,00638E+12", "-", "none"]])  # fmt: skip
    pan, pot = Product.objects.order_by("sku")
    assert (pan.codes, pot.codes) == (["4006381333931", "AB-77"], [])
    assert "rounded by a spreadsheet" in run.printed
    index()
    for query in ("4006381333931", "ab77"):
        assert [hit.product for hit in search(query, hybrid=False).hits][:1] == [pan]


@pytest.mark.parametrize(
    ("availability", "quantity", "stock"),
    [
        ("preorder", "0", 25), ("backorder", "", 25), ("https://schema.org/BackOrder", "-1", 25),
        ("preorder", "7", 7), ("in_stock", "0", 0), ("out_of_stock", "7", 0), ("", "sold out", 0),
        ("in_stock", "100 ML", 25), ("", "1.000", 1000), ("", "unlimited", 25),
    ],
)  # fmt: skip
def test_availability_decides_what_a_quantity_of_zero_means(run, availability, quantity, stock):  # noqa: F811
    run(GOOGLE, [["1", "Pan", "5 EUR", availability, quantity, "", "", ""]])
    assert stock_of("1") == stock


def test_spellings_of_a_brand_are_one_and_words_for_none_are_none(run):  # noqa: F811
    names = ["Levi's", "LEVIS", "levi’s®", "Lancôme", "Lancome", "N/A", "-", "no brand", "!!!"]
    rows = [[str(at), "Pan", "5 EUR", "", "", "", "", name] for at, name in enumerate(names)]
    run(GOOGLE, rows)
    assert set(Brand.objects.values_list("name", flat=True)) == {"Levi's", "Lancôme", "!!!"}
    assert count(run(GOOGLE, rows), "unchanged") == len(rows)


def test_variations_take_from_their_parent_what_they_lack(run):  # noqa: F811
    rows = [
        woo("7", "variation", SKU="s-red", Name="x", Parent="id:44", Attribute_1_value_s_="Red"),
        woo("44", "variable", Name="Shirt", Description="One\\nTwo", Regular_price="",
            Categories="Clothing > Shirts, Sale", Attribute_1_name="Color"),
        woo("8", "variation, virtual", Parent="id:44", Published="1"),
        woo("9", "variation", Parent="gone"),
    ]  # fmt: skip
    rows[0][WOO.index("Attribute 1 value(s)")] = "Red"
    rows[1][WOO.index("Attribute 1 value(s)")] = r"Red, Blue\, dark"
    printed = run(WOO, rows)
    assert (count(printed, "created"), count(printed, "refused")) == (2, 1)
    assert "parent 'gone' is not in the file" in printed
    red, other = Product.objects.order_by("-sku")
    assert (red.name, red.description, red.group) == ("Shirt – Red", "One\nTwo", "44")
    assert (red.category.path, red.attributes["colour"]) == ("Clothing > Shirts", "Red")
    assert (other.sku, other.name, other.attributes["colour"]) == ("8", "Shirt", "Red, Blue, dark")


def test_a_draft_is_never_made_and_takes_off_sale(run):  # noqa: F811
    assert count(run(WOO, [woo("1"), woo("2")]), "created") == 2
    printed = run(WOO, [woo("1", Published="-1"), woo("2", Visibility_in_catalog="hidden"),
                        woo("3", Published="-1")])  # fmt: skip
    assert count(printed, "drafts left out") == 1
    assert not Product.objects.filter(is_active=True).exists()
    assert Product.objects.count() == 2


def test_stock_and_sales_of_woocommerce(run):  # noqa: F811
    rows = [
        woo("1", In_stock_="1"), woo("2", Stock="0"), woo("3", Stock="-2"),
        woo("4", Sale_price="0"), woo("5", Sale_price="15", Date_sale_price_ends="2099-01-01"),
        woo("6", Sale_price="15", Date_sale_price_ends="2020-01-01"),
    ]  # fmt: skip
    rows[2][WOO.index("Backorders allowed?")] = "notify"
    run(WOO, rows)
    assert [stock_of(sku) for sku in "123"] == [25, 0, 25]
    assert list(
        Product.objects.filter(sku__in="456").order_by("sku").values_list("price", flat=True)
    ) == [Decimal(20), Decimal(15), Decimal(20)]


def test_magento_leaves_store_views_and_configurable_products_out(run):  # noqa: F811
    header = ["sku", "store_view_code", "attribute_set_code", "product_type", "categories", "name",
              "price", "special_price", "special_price_to_date", "product_online", "qty",
              "is_in_stock", "allow_backorders", "base_image", "additional_attributes"]  # fmt: skip
    rows = [
        ["T", "", "Top", "configurable", "", "Tee", "", "", "", "1", "0", "1", "0", "", ""],
        ["T-S", "", "Top", "simple", "Default/Tops", "Tee S", "22.000000", "11.000000",
         "2020-01-01", "1", "100.0000", "1", "0", "/t/s.jpg", "color=Blue,climate=Hot|Warm"],
        ["T-S", "de", "Top", "simple", "", "Tee S blau", "", "", "", "", "", "", "", "", ""],
    ]  # fmt: skip
    printed = run(header, rows)
    assert "2 rows were left out" in printed
    assert (count(printed, "created"), count(printed, "refused")) == (1, 0)
    product = Product.objects.get()
    assert (product.name, product.price, product.stock) == ("Tee S", 22, 100)
    assert product.attributes == {"colour": "Blue", "climate": "Hot, Warm"}


def test_what_is_assumed_and_not_read_is_told(run, tmp_path):  # noqa: F811
    report = tmp_path / "report.csv"
    header = ["id", "title", "price", "Colour of the year", "empty", "image", "image"]
    printed = run(header, [["1", "Pan", "5", "red", "", "a.jpg", "b.jpg"]], report=report)
    assert "Columns that are not read: Colour of the year." in printed
    assert "Colour of the year" in report.read_text()
    assert count(printed, "images failed") == 2
    (tmp_path / "c.jpg").write_bytes(photo())
    printed = run(header, [["1", "Pan", "5", "", "", "https://x.example/1/c.jpg", ""]])
    assert "such as the file name alone: 1." in printed


def test_a_swallowed_row_takes_nothing_off_sale(run, tmp_path):  # noqa: F811
    from django.core.management import CommandError, call_command

    run(GOOGLE[:4], [[str(at), "Pan", "5", "in stock"] for at in range(4)])
    path = tmp_path / "broken.csv"
    path.write_text(
        'id,title,price,availability\n0,"Pan,5,x\n1,Pan,5,x\n2,Pan",5,in stock\n3,a,5,x\n'
    )
    with pytest.raises(CommandError, match="text of other rows"):
        call_command("import_catalog", path, deactivate_missing=True)
    assert Product.objects.filter(is_active=True).count() == 4


def test_values_with_the_position_that_prestashop_writes(run, tmp_path):  # noqa: F811
    mapping = tmp_path / "presta.toml"
    mapping.write_text(
        '[columns]\nsku = "ref"\ntitle = "name"\nprice = "price"\n'
        '[pairs]\ncolumn = "features"\nbetween = ","\nassign = ":"\n'
    )
    features = "Composition:Cotton:1,Scale:1:43,Opens:12:30"
    run(["ref", "name", "price", "features"], [["1", "Car", "5", features]], mapping=mapping)
    assert Product.objects.get().attributes == {
        "Composition": "Cotton", "Scale": "1:43", "Opens": "12:30",
    }  # fmt: skip
