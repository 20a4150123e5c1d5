"""A catalogue as Oscar's sandbox has it: parents with children, books, a download, stock."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from oscar.core.loading import get_model

Category = get_model("catalogue", "Category")
Product = get_model("catalogue", "Product")
ProductAttribute = get_model("catalogue", "ProductAttribute")
AttributeOptionGroup = get_model("catalogue", "AttributeOptionGroup")
ProductClass = get_model("catalogue", "ProductClass")
Partner = get_model("partner", "Partner")
StockRecord = get_model("partner", "StockRecord")


def build() -> SimpleNamespace:
    """T-shirts in sizes, books, and a download whose stock is not tracked."""
    shop = SimpleNamespace()
    shop.partner = Partner.objects.create(name="Warehouse")
    shop.shirts = ProductClass.objects.create(name="Shirts", track_stock=True)
    shop.books = ProductClass.objects.create(name="Books", track_stock=True)
    shop.downloads = ProductClass.objects.create(name="Downloads", track_stock=False)
    sizes = AttributeOptionGroup.objects.create(name="Sizes")
    shop.sizes = {size: sizes.options.create(option=size) for size in ("Small", "Medium", "Large")}
    new = ProductAttribute.objects.create
    new(product_class=shop.shirts, code="size", name="Size", type="option", option_group=sizes)
    new(product_class=shop.shirts, code="colour", name="Colour", type="text")
    new(product_class=shop.books, code="pages", name="Pages", type="integer")
    new(product_class=shop.books, code="signed", name="Signed", type="boolean")
    clothing = Category.add_root(name="Clothing")
    shop.tees = clothing.add_child(name="T-shirts")
    fiction = Category.add_root(name="Books").add_child(name="Fiction")
    shop.crime = fiction.add_child(name="Crime")
    shop.navy = shirt(shop, "Navy cotton t-shirt", "navy")
    shop.grey = shirt(shop, "Grey cotton t-shirt", "grey")
    shop.white = shirt(shop, "White cotton t-shirt", "white")
    titles = ("The cotton murder", "Murder in navy", "The quiet garden murder")
    shop.novels = [book(shop, title, pages=100 * n) for n, title in enumerate(titles, 1)]
    shop.ebook = Product.objects.create(title="Murder, the e-book", product_class=shop.downloads)
    sell(shop, shop.ebook, "EBOOK-1", 0)
    for page in ("navy", "grey", "white"):
        getattr(shop, page).refresh_from_db()
    return shop


def shirt(shop: SimpleNamespace, title: str, colour: str) -> Any:
    parent = Product.objects.create(
        title=title,
        description=f"<p>A {colour} shirt of <b>soft</b> cotton.</p>",
        product_class=shop.shirts,
        structure=Product.PARENT,
        upc=f"TEE1-{colour}",
    )
    parent.categories.add(shop.tees)
    parent.attr.colour = colour
    parent.save()
    for number, size, stock in ((1, "Small", 5), (2, "Medium", 5), (3, "Large", 0)):
        child = Product(parent=parent, structure=Product.CHILD, upc=f"TEE1-{colour}-{size}")
        child.attr.size = shop.sizes[size]
        child.save()
        sell(shop, child, f"W-{colour}-{number}", stock, price=Decimal(20 if number == 1 else 24))
    return parent


def book(shop: SimpleNamespace, title: str, pages: int) -> Any:
    product = Product(title=title, product_class=shop.books)
    product.attr.pages = pages
    product.attr.signed = pages > 200
    product.save()
    product.categories.add(shop.crime)
    sell(shop, product, f"BOOK-{pages}", 3, price=Decimal("9.50"))
    return product


def sell(
    shop: SimpleNamespace, product: Any, sku: str, stock: int, price: Decimal = Decimal("5.00")
) -> Any:
    return StockRecord.objects.create(
        product=product,
        partner=shop.partner,
        partner_sku=sku,
        price=price,
        price_currency="GBP",
        num_in_stock=stock,
    )
