"""Write the products of a file to the shop's tables, only where they differ."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Q

from shop.feeds.gallery import Gallery
from shop.feeds.images import ImageFolder
from shop.feeds.product import FeedProduct, Refusal, RowRefused
from shop.feeds.taxonomy import Taxonomy, slug_candidates
from shop.models import Product

IMPORT_LOCK = 0x73686F70  # only one import writes at a time, or both would create the same category


@dataclass(frozen=True)
class WriteOptions:
    """Values of new products that the file lacks."""

    default_stock: int = 25
    default_price: Decimal | None = None
    currency: str = ""
    activate: bool = False  # products are active unless the file says otherwise
    dry_run: bool = False


@dataclass
class Written:
    """The result of a chunk."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    images_added: int = 0
    prices_made_up: int = 0
    drafts: int = 0
    refusals: list[Refusal] = field(default_factory=list)


class CatalogWriter:
    """A writer that stores products in chunks, each in its own transaction."""

    def __init__(self, images: ImageFolder, options: WriteOptions) -> None:
        self.images = images
        self.options = options
        self._taxonomy = Taxonomy()
        self._taken: set[int] = set()  # primary keys of products that are in the file

    def write(self, chunk: Sequence[FeedProduct]) -> Written:
        """Create or update the products of ``chunk``, whose SKUs differ.

        Report a product that the database refuses, and continue. Call ``save()`` only for
        changed products.
        """
        written = Written()
        with transaction.atomic():
            self._lock()
            self._taxonomy.prepare((p.category for p in chunk), (p.brand or "" for p in chunk))
            known = self._known(chunk)
            slugs = _free_slugs([item for item, product in known if product is None])
            for item, product in known:
                if product is None and item.is_draft:
                    written.drafts += 1
                else:
                    self._write(item, product, slugs.get(item.sku, ""), written)
            if self.options.dry_run:
                transaction.set_rollback(True)
        if self.options.dry_run:
            self._taxonomy.forget()
        return written

    def _known(self, chunk: Sequence[FeedProduct]) -> list[tuple[FeedProduct, Product | None]]:
        """Match each product of the file with the shop's, by its key or else by its SKU.

        If a product with the SKU belongs to another row of the file, its SKU gets a suffix.
        """
        keys = [item.feed_key for item in chunk if item.feed_key]
        skus = [item.sku for item in chunk]
        found = Product.objects.filter(Q(sku__in=skus) | Q(feed_key__in=keys))
        products = list(found.prefetch_related("images"))
        by_key = {product.feed_key: product for product in products if product.feed_key}
        by_sku = {product.sku: product for product in products}
        self._taken.update(by_key[key].pk for key in keys if key in by_key)
        known: list[tuple[FeedProduct, Product | None]] = []
        for item in chunk:
            product = by_key.get(item.feed_key)
            other = by_sku.get(item.sku)
            if product is None and other is not None and other.pk not in self._taken:
                product = other
                self._taken.add(other.pk)
            keeps = product is not None and (item.sku_is_made_up or other not in (None, product))
            if product is not None and keeps:
                item = replace(item, sku=product.sku)
            elif product is None and other is not None:
                digest = hashlib.sha256(item.feed_key.encode()).hexdigest()[:8]
                item = replace(item, sku=f"{item.sku[:90]}-{digest}")
            known.append((item, product))
        return known

    def _lock(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])

    def _write(
        self, item: FeedProduct, product: Product | None, slug: str, written: Written
    ) -> None:
        created = product is None
        try:
            product, changes = self._planned(item, product, slug)
            gallery = Gallery(item, product, self.images)
            written.refusals += gallery.refusals
            if not changes and not gallery.differs:
                written.unchanged += 1
                return
            with transaction.atomic():
                if changes:
                    product.save(update_fields=None if created else [*changes, "updated_at"])
                added = gallery.save()
        except RowRefused as refused:
            written.refusals.append(Refusal(item.line, item.sku, str(refused)))
        except (DataError, IntegrityError) as error:
            reason = f"the database refused it: {str(error).splitlines()[0]}"
            written.refusals.append(Refusal(item.line, item.sku, reason))
        else:
            written.created += created
            written.updated += not created
            written.images_added += added
            written.prices_made_up += created and item.price is None

    def _planned(
        self, item: FeedProduct, product: Product | None, slug: str
    ) -> tuple[Product, list[str]]:
        """Return the unsaved product with its new values, and the names of changed fields."""
        wanted = self._wanted(item, product)
        if product is None:
            return Product(slug=slug, **wanted), list(wanted)
        changes = [name for name, value in wanted.items() if getattr(product, name) != value]
        for name in changes:
            setattr(product, name, wanted[name])
        return product, changes

    def _wanted(self, item: FeedProduct, product: Product | None) -> dict[str, Any]:
        brand = self._taxonomy.brand(item.brand or "")
        active = item.active if item.active is not None else (self.options.activate or None)
        active = False if item.is_draft else active
        price = item.price if product or item.price is not None else self._default_price(item)
        wanted = {
            "sku": item.sku,
            "name": item.title,
            "description": item.description,
            "category_id": self._taxonomy.category(item.category).pk,
            "price": price,
            "currency": (item.currency or self.options.currency) if price is not None else "",
            "stock": self._stock(item, product),
            "is_active": active,
            "attributes": item.attributes,
            "group": item.group,
            "codes": None if item.codes is None else list(item.codes),
            "feed_key": item.feed_key or None,
        }
        said = {name: value for name, value in wanted.items() if value is not None}
        if not said["currency"]:
            del said["currency"]
        if item.brand is not None:
            said["brand_id"] = brand.pk if brand else None
        return said

    def _stock(self, item: FeedProduct, product: Product | None) -> int | None:
        """Return the file's stock; a bare "in stock" does not undo sales since then."""
        if item.orderable is False:
            return 0
        if item.stock is not None:
            return item.stock
        if product is None and item.stock_if_new is not None:
            return item.stock_if_new
        sold_out = product is not None and product.stock == 0 and item.orderable
        return self.options.default_stock if product is None or sold_out else None

    def _default_price(self, item: FeedProduct) -> Decimal:
        price = self.options.default_price
        if price is None:
            price = item.price_if_new
        if price is None:
            raise RowRefused("has no price; --default-price gives one to such products")
        return price


def _free_slugs(items: Sequence[FeedProduct]) -> dict[str, str]:
    """Return an unused slug for each of the new products, by SKU."""
    candidates = {item.sku: slug_candidates(item.title, item.sku) for item in items}
    every = [slug for slugs in candidates.values() for slug in slugs]
    taken = set(Product.objects.filter(slug__in=every).values_list("slug", flat=True))
    chosen = {}
    for sku, slugs in candidates.items():
        chosen[sku] = next(slug for slug in slugs if slug not in taken)
        taken.add(chosen[sku])
    return chosen
