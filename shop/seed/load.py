"""Add the planned catalogue and its orders to the shop, and delete them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from tqdm import tqdm

from shop.models import Brand, Category, Customer, Order, OrderLine, Product, ProductImage
from shop.seed import accounts, orders
from shop.seed.brands import BRANDS
from shop.seed.catalogue import KINDS, PREFIX, Item, plan
from shop.seed.photos import drawn
from similarity.orders import enqueue_orders


@dataclass
class Added:
    """The number of added rows of each kind."""

    products: int = 0
    pictures: int = 0
    customers: int = 0
    orders: int = 0
    acts: int = 0

    def __bool__(self) -> bool:
        return any((self.products, self.pictures, self.customers, self.orders, self.acts))


class DemoInUse(Exception):
    """The demo products cannot be deleted, because the shop's own orders hold them."""


def load(products: int, seed: int, *, pictures: bool = True, progress: bool = True) -> Added:
    """Add the missing parts of a seed's catalogue, its pictures, customers and orders.

    Each product is saved with its pictures in one transaction, so a stopped run resumes.
    If products were added, create the orders again, because they may hold any product.
    """
    items = plan(products, seed)
    added = Added()
    _save_products(items, added, pictures, progress)
    if added.products or not Order.objects.filter(number__startswith=f"{PREFIX}{seed}-").exists():
        _save_orders(items, seed, added)
        added.acts = accounts.save_shoppers(items, seed, _today(), progress=progress)
    return added


def _today() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _save_products(items: Sequence[Item], added: Added, pictures: bool, progress: bool) -> None:
    known = {
        product.sku: product
        for product in Product.objects.filter(sku__startswith=PREFIX).prefetch_related("images")
    }
    wanting = [
        item
        for item in items
        if item.sku not in known or (pictures and not known[item.sku].images.all())
    ]
    jobs = [(item.look, view) for item in wanting for view, _ in item.photos] if pictures else []
    files = drawn(jobs)
    shelves = _Shelves()
    for item in tqdm(wanting, desc="Products", unit="product", disable=not progress or not wanting):
        photos = [next(files) for _ in item.photos] if pictures else []
        with transaction.atomic():
            product = known.get(item.sku)
            if product is None:
                product = shelves.save(item)
                added.products += 1
            _save_photos(product, item, photos)
            added.pictures += len(photos)


def _save_photos(product: Product, item: Item, photos: Sequence[bytes]) -> None:
    for position, (photo, (_, alt)) in enumerate(zip(photos, item.photos, strict=False)):
        image = ProductImage(product=product, alt=alt, position=position)
        name = item.photo_name(position)
        stored = image.image.field.generate_filename(image, name)
        if image.image.storage.exists(stored):  # left by a deleted database
            image.image.storage.delete(stored)
        image.image.save(name, ContentFile(photo), save=True)


def cost_of(item: Item) -> Decimal:
    """Return the shop's cost for a demo product: half to two thirds of its price, by SKU."""
    share = Decimal(50 + sum(item.sku.encode()) % 17) / 100
    return (item.price * share).quantize(Decimal("0.01"))


class _Shelves:
    """Categories and brands, created when first needed."""

    def __init__(self) -> None:
        self.categories: dict[str, Category] = {}
        self.brands: dict[str, Brand] = {}

    def save(self, item: Item) -> Product:
        return Product.objects.create(
            sku=item.sku,
            name=item.name,
            slug=item.slug,
            description=item.description,
            category=self._category(item.kind.category, item.kind.department),
            brand=self._brand(item.brand.name),
            price=item.price,
            cost=cost_of(item),
            stock=item.stock,
            is_active=item.active,
            attributes=item.attributes,
            group=item.group,
        )

    def _category(self, name: str, parent: str = "") -> Category:
        if name not in self.categories:
            above = self._category(parent) if parent else None
            self.categories[name], _ = Category.objects.get_or_create(
                slug=slugify(name), defaults={"name": name, "parent": above}
            )
        return self.categories[name]

    def _brand(self, name: str) -> Brand:
        if name not in self.brands:
            self.brands[name], _ = Brand.objects.get_or_create(
                slug=slugify(name), defaults={"name": name}
            )
        return self.brands[name]


@transaction.atomic
def _save_orders(items: Sequence[Item], seed: int, added: Added) -> None:
    _delete_orders(f"{PREFIX}{seed}-")
    people = orders.buyers(seed)
    emails = [person.email for person in people]
    before = Customer.objects.filter(email__in=emails).count()
    Customer.objects.bulk_create(
        [Customer(name=person.name, email=person.email) for person in people],
        ignore_conflicts=True,
    )
    added.customers = len(people) - before
    customers = {customer.email: customer for customer in Customer.objects.filter(email__in=emails)}
    products = {
        product.sku: product
        for product in Product.objects.filter(sku__in=[item.sku for item in items])
    }
    planned = orders.baskets(items, seed, _today(), customers=len(people))
    made = Order.objects.bulk_create(
        [_order(basket, people, customers) for basket in planned], batch_size=500
    )
    lines = [
        OrderLine(
            order=order, product=products[sku], quantity=quantity, unit_price=products[sku].price
        )
        for order, basket in zip(made, planned, strict=True)
        for sku, quantity in basket.lines
    ]
    OrderLine.objects.bulk_create(lines, batch_size=1000)
    enqueue_orders(made)  # Django sends no signal for bulk_create
    added.orders = len(made)


def _order(basket: orders.Basket, people: Sequence[orders.Buyer], customers) -> Order:
    person = basket.guest or people[basket.buyer]
    return Order(
        number=basket.number,
        customer=None if basket.guest else customers[person.email],
        email=person.email,
        name=person.name,
        address=person.address,
        status=basket.status,
        placed_at=basket.at,
    )


def flush() -> int:
    """Delete demo products, pictures, orders and customers; return the number of products.

    Raise :class:`DemoInUse` if orders placed in the shop itself hold demo products.
    """
    held = Order.objects.exclude(number__startswith=PREFIX).filter(
        lines__product__sku__startswith=PREFIX
    )
    numbers = sorted(set(held.values_list("number", flat=True)))
    if numbers:
        raise DemoInUse(
            f"{len(numbers)} orders placed in the shop hold demo products "
            f"({', '.join(numbers[:5])}); delete these orders first."
        )
    images = list(ProductImage.objects.filter(product__sku__startswith=PREFIX))
    with transaction.atomic():
        accounts.delete_shoppers()
        _delete_orders(PREFIX)
        # names of the form first.last.SEED-NUMBER come only from orders.buyers()
        Customer.objects.filter(
            user=None, orders=None, email__regex=r"^[a-z]+\.[a-z]+\.\d+-\d+@example\.com$"
        ).delete()
        products = Product.objects.filter(sku__startswith=PREFIX)
        gone = products.count()
        products.delete()
        _delete_empty_shelves()
    for image in images:
        image.image.storage.delete(image.image.name)
    return gone


def _delete_orders(prefix: str) -> None:
    OrderLine.objects.filter(order__number__startswith=prefix).delete()
    Order.objects.filter(number__startswith=prefix).delete()


def _delete_empty_shelves() -> None:
    Brand.objects.filter(name__in=[brand.name for brand in BRANDS], products=None).delete()
    Category.objects.filter(
        name__in=[kind.category for kind in KINDS], products=None, children=None
    ).delete()
    Category.objects.filter(
        name__in=[kind.department for kind in KINDS], products=None, children=None
    ).delete()
