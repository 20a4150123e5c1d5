"""The catalogue of django-oscar, both the sandbox's and a shop's fork.

    SIMILARITY_PRODUCT_MODEL = "catalogue.Product"
    SIMILARITY = {"CATALOG": "similarity.OscarCatalogue",
                  "ORDERS": "similarity.orders.OscarOrders"}

``get_model`` finds the models, so that forked apps count. docs/oscar.md gives the details.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from oscar.core.loading import get_class, get_model

from similarity import conf
from similarity.catalog import oscar_filters
from similarity.catalog.adapter import PRICE, VALUE
from similarity.catalog.card import Card, image_url, page_url
from similarity.catalog.content import ProductContent
from similarity.catalog.paths import image_refs
from similarity.catalog.variants import VariantAdapter

#: Fields of a stock record that hold article numbers. Price and stock are read live.
CODES_READ = ("product", "partner_sku")
#: Product fields that neither content nor codes read.
UNREAD = ("rating", "date_updated", "date_created", "priority", "is_discountable", "slug")


class OscarCatalogue(VariantAdapter):
    """An adapter whose shelves show parents and stand-alone products, published and available.

    A category is written as its path from the root. A card shows the price of the shop's own
    strategy for the shopper of the request. A shop that sells part of its partners' stock overrides
    :meth:`stock_records`.
    """

    def content(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        return copy(self)._read_anew(keys)  # safe beside readers in other threads

    def _read_anew(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        """Yield the content with the current category names."""
        self.__dict__.pop("category_paths", None)
        return super().content(keys)

    def read(self, product: Any) -> ProductContent:
        files = [image.original for image in product.images.all()]
        return ProductContent(
            key=str(product.pk),
            title=product.title,
            description=product.description,
            attributes=self._attributes(product),
            images=image_refs(files, most=conf.get("IMAGES", "PER_PRODUCT")),
        )

    def codes_of(self, product: Any) -> Sequence[str]:
        codes = [product.upc, getattr(product, "code", None)]
        codes += [record.partner_sku for record in product.stockrecords.all()]
        return [str(code) for code in codes if code]

    def price_of(self, product: Any) -> tuple[Decimal | None, str]:
        priced = (one for one in product.stockrecords.all() if one.price is not None)
        record = next(priced, None)
        return (record.price, record.price_currency) if record else (None, "")

    def children_of(self, product: Any) -> Sequence[Any]:
        return [child for child in super().children_of(product) if child.is_public]

    def load(self, products: QuerySet[Any]) -> QuerySet[Any]:
        value = "attribute_values__"
        parts = ["images", "categories", f"{value}attribute"]
        parts += [f"{value}value_option", f"{value}value_multi_option"]
        return products.select_related("product_class", "parent__product_class").prefetch_related(
            *(f"{owner}{part}" for owner in ("", "parent__") for part in parts),
            *("stockrecords", "children__stockrecords"),
        )

    def eligible(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        return self.in_stock(self.model._default_manager.filter(parent=None, is_public=True))

    def viewable(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        """Return public products, also if sold out, and variants, which have their own pages."""
        parent_is_public = Q(parent=None) | Q(parent__is_public=True)
        return self.model._default_manager.filter(parent_is_public, is_public=True)

    def stock_records(self) -> QuerySet[Any]:
        """Return the stock records to sell from; override it to narrow them, such as by site."""
        return get_model("partner", "StockRecord")._default_manager.all()

    def in_stock(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Keep products with unallocated stock; untracked products need only any record."""
        untracked = Q(product_class__track_stock=False)
        untracked |= Q(product_class=None, parent__product_class__track_stock=False)
        records = self.stock_records()
        free = records.filter(num_in_stock__gt=Coalesce(F("num_allocated"), 0))
        return products.filter(_sold_by(free) | (untracked & _sold_by(records)))

    def title(self, product: Any) -> str:
        return str(product.get_title())

    def card(self, product: Any, request: HttpRequest | None = None) -> Card:
        photo = next(iter(product.images.all()), None)
        if photo is None and product.parent_id:
            photo = next(iter(product.parent.images.all()), None)
        price, currency = self._strategy_price(product, request)
        title = self.title(product)
        return Card(
            title=title,
            url=page_url(product),
            price=price,
            currency=currency,
            image_url=image_url(photo.original) if photo else "",
            image_alt=photo.caption if photo and photo.caption else title,
        )

    def for_display(self, products: QuerySet[Any]) -> QuerySet[Any]:
        return products.select_related("product_class", "parent__product_class").prefetch_related(
            "images", "parent__images", "stockrecords", "children__stockrecords"
        )

    def _strategy_price(
        self, product: Any, request: HttpRequest | None
    ) -> tuple[Decimal | None, str]:
        """Return the price that the shop's product page shows: with tax if the tax is known."""
        strategy = getattr(request, "strategy", None)
        if strategy is None:
            selector = get_class("partner.strategy", "Selector")()
            strategy = selector.strategy(request=request, user=getattr(request, "user", None))
        if product.is_parent:
            price = _parent_price(strategy, product, self.children_of(product))
        else:
            price = strategy.fetch_for_product(product).price
        if not price.exists:
            return None, ""
        amount = price.incl_tax if price.is_tax_known else price.excl_tax
        return amount, price.currency

    def popular(self, products: QuerySet[Any]) -> QuerySet[Any] | None:
        if not hasattr(self.model, "stats"):  # without oscar.apps.analytics
            return None
        sold = products.filter(stats__num_purchases__gt=0)
        return sold.order_by("-stats__num_purchases", "pk")

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        values = get_model("catalogue", "ProductAttributeValue")
        chosen = ("attribute_values__value_option", "attribute_values__value_multi_option")
        return {
            **super().related_models(),
            get_model("catalogue", "ProductImage"): _inherited("images"),
            get_model("catalogue", "ProductCategory"): _inherited("productcategory"),
            get_model("catalogue", "Category"): _inherited("categories"),
            get_model("catalogue", "ProductClass"): _inherited("product_class"),
            values: _inherited("attribute_values"),
            get_model("catalogue", "AttributeOption"): _inherited(*chosen),
            # Only for article numbers; see columns_read.
            get_model("partner", "StockRecord"): ["stockrecords", "children__stockrecords"],
        }

    def columns_read(self, model: type[Model]) -> Collection[str] | None:
        if model is get_model("partner", "StockRecord"):
            return [str(model._meta.get_field(name).column) for name in CODES_READ]
        if model is self.model:
            fields = model._meta.concrete_fields
            return [str(field.column) for field in fields if field.name not in UNREAD]
        return None

    def dependents(self, instance: Model) -> Iterator[Any]:
        """Yield product keys; of a category also from levels below, whose paths hold its name."""
        if isinstance(instance, get_model("catalogue", "Category")):
            below = Q(categories__path__startswith=instance.path)
            below |= Q(parent__categories__path__startswith=instance.path)
            products = self.model._base_manager.using(instance._state.db).filter(below)
            yield from products.order_by().values_list("pk", flat=True).distinct()
        else:
            yield from super().dependents(instance)

    def filter_names(self) -> Sequence[str]:
        return oscar_filters.names()

    def filter_by(self, name: str, values: Sequence[str]) -> Q | None:
        condition = oscar_filters.condition(name, values)
        return None if condition is None else self.either(**condition)

    def annotate_value(self, products: QuerySet[Any], name: str) -> QuerySet[Any] | None:
        value = oscar_filters.value(name)
        return None if value is None else products.annotate(**{VALUE: value})

    def annotate_price(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Annotate the lowest price before tax of the product or its variants."""
        records = self.stock_records().filter(oscar_filters.OF_PRODUCT, price__isnull=False)
        return products.annotate(**{PRICE: Subquery(records.order_by("price").values("price")[:1])})

    def _attributes(self, product: Any) -> dict[str, str]:
        """Return texts, numbers, options and entities by attribute code, but no files."""
        found = {
            value.attribute.code: _text_of(value)
            for value in product.attribute_values.all()
            if value.attribute.type not in ("file", "image")
        }
        category = next(iter(product.categories.all()), None)
        if category is not None:
            found["category"] = self.category_paths.get(category.pk, category.name)
        if product.product_class is not None:
            found["product_class"] = product.product_class.name
        return {name: value for name, value in found.items() if value}

    @cached_property
    def category_paths(self) -> Mapping[Any, str]:
        return oscar_filters.read_category_paths(self.write_alias)


def _sold_by(records: QuerySet[Any]) -> Q:
    """Return a condition for products with a record, of their own or of a public variant."""
    variants = records.filter(product__parent=OuterRef("pk"), product__is_public=True)
    return Q(Exists(records.filter(product=OuterRef("pk")))) | Q(Exists(variants))


def _inherited(*names: str) -> list[str]:
    """Return lookups to parts of a product and of its parent, whose parts its variants show."""
    return [lookup for name in names for lookup in (name, f"parent__{name}")]


def _parent_price(strategy: Any, product: Any, children: Sequence[Any]) -> Any:
    """Return the strategy's price of a parent, from variants that are already loaded."""
    if not hasattr(strategy, "parent_pricing_policy"):
        return strategy.fetch_for_parent(product).price
    stock = [(child, strategy.select_stockrecord(child)) for child in children]
    return strategy.parent_pricing_policy(product, stock)


def _text_of(value: Any) -> str:
    """Return a value as shoppers read it; empty if the attribute has no value."""
    return "" if value.value is None else str(value.value_as_text)
