"""The one place that reads the host's products.

``get_adapter()`` gives the adapter ``SIMILARITY["CATALOG"]`` asks for: a dict maps the
product model's fields (:class:`FieldMappingAdapter`), a dotted path names a subclass of
:class:`CatalogAdapter`.
"""

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from similarity import conf
from similarity.catalog.card import Card, image_alt, image_url, page_url
from similarity.catalog.content import ImageRef, ProductContent
from similarity.catalog.paths import Path, image_refs, text_value
from similarity.exceptions import ConfigurationError


class CatalogAdapter(abc.ABC):
    """How the plugin reads a catalogue. ``content`` and ``eligible`` are what a host writes."""

    @property
    def model(self) -> type[Model]:
        """The host's product model."""
        return conf.product_model()

    @abc.abstractmethod
    def content(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        """What the encoders read of each product; a key that is gone yields nothing.

        Also of products that are not eligible now: they may be again tomorrow.
        """

    @abc.abstractmethod
    def eligible(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        """Products that may be shown now (visible, in stock), read live at serve time."""

    def in_stock(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow ``products`` to those in stock; as it is where the host does not say."""
        return products

    def for_display(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Load with ``products`` what :meth:`card` reads, so that a shelf costs no more queries."""
        return products

    def title(self, product: Model) -> str:
        """The product's name for shoppers."""
        return str(product)

    def card(self, product: Model) -> Card:
        """What the default templates show of a product."""
        return Card(title=self.title(product), url=page_url(product))

    def iter_pks(self, after: Any = None, size: int = 1000) -> list[Any]:
        """The next ``size`` primary keys after ``after`` in key order; empty at the end."""
        products = self.model._base_manager.order_by("pk")
        if after is not None:
            products = products.filter(pk__gt=after)
        return list(products.values_list("pk", flat=True)[:size])

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Other models a product's content is read from → lookups from product to them."""
        return {}

    def many_to_many(self) -> Sequence[type[Model]]:
        """Through models whose rows are part of a product's content."""
        return ()

    def dependents(self, instance: Model) -> Iterator[Any]:
        """Primary keys of products whose content is read from ``instance``."""
        for model, lookups in self.related_models().items():
            if isinstance(instance, model):
                for lookup in lookups:
                    # Where the row was written: a read replica may not have it yet.
                    manager = self.model._base_manager.using(instance._state.db)
                    products = manager.filter(**{lookup: instance.pk})
                    yield from products.values_list("pk", flat=True).iterator(chunk_size=5000)

    def groups(self, keys: Iterable[Any]) -> Mapping[Any, str]:
        """Primary key → what its variants share, empty for a product without variants.

        By way of :meth:`content`; a host whose group is a column may read that alone.
        """
        field = self.model._meta.pk
        return {field.to_python(read.key): read.group for read in self.content(keys)}

    def popular(self, products: QuerySet[Any]) -> QuerySet[Any] | None:
        """``products`` by falling sales, or None where the host does not say.

        Products without sales may be left out.
        """
        return None

    def filter_names(self) -> Sequence[str]:
        """Attribute names that :meth:`filter_lookup` knows, for documentation."""
        return ()

    def filter_lookup(self, name: str) -> str | None:
        """The ORM lookup on the product model behind an attribute, or None."""
        return None

    @property
    def price_lookup(self) -> str | None:
        """The ORM lookup of the price, or None where there is none."""
        return None


class FieldMappingAdapter(CatalogAdapter):
    """Reads products by a mapping of fields, without code.

    ``title``, ``description``, ``price``, ``currency`` and ``group`` name a field of the
    product model, a property, or a path over relations and JSON keys in Django's own
    notation (``brand__name``, ``attributes__colour``). ``images`` names a file field or a
    path to one (``images__image``). ``attributes`` maps an attribute's name to such a
    path; the name ``*`` stands for a JSON field whose every key becomes an attribute.
    ``eligible`` and ``in_stock`` hold the filters of what may be shown now and of what is
    in stock, as keyword arguments of ``QuerySet.filter``.

    Raises :class:`ConfigurationError` for a key it does not know or a value of the wrong type.
    """

    TEXT_KEYS = ("title", "description", "price", "currency", "group", "images")
    DICT_KEYS = ("attributes", "eligible", "in_stock")

    def __init__(self, **mapping: Any) -> None:
        known = (*self.TEXT_KEYS, *self.DICT_KEYS)
        for key, value in mapping.items():
            if key not in known:
                raise ConfigurationError(
                    f"SIMILARITY['CATALOG'] has the unknown key {key!r}; "
                    f"known are {', '.join(known)}."
                )
            if not isinstance(value, str if key in self.TEXT_KEYS else Mapping):
                wanted = "a path such as 'brand__name'" if key in self.TEXT_KEYS else "a dict"
                raise ConfigurationError(
                    f"SIMILARITY['CATALOG'][{key!r}] is {value!r}; it must be {wanted}."
                )
        self.mapping: dict[str, Any] = {"title": "name", "description": "description", **mapping}

    def content(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        products = self._with_related(self.model._base_manager.filter(pk__in=list(keys)))
        for product in products:
            yield ProductContent(
                key=str(product.pk),
                title=self._text(product, "title"),
                description=self._text(product, "description"),
                attributes=self._attributes(product),
                price=self._price(product),
                currency=self._text(product, "currency"),
                images=self._images(product),
                group=self._text(product, "group"),
            )

    def eligible(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        return self.model._default_manager.filter(**self.mapping.get("eligible", {}))

    def in_stock(self, products: QuerySet[Any]) -> QuerySet[Any]:
        return products.filter(**self.mapping.get("in_stock", {}))

    def for_display(self, products: QuerySet[Any]) -> QuerySet[Any]:
        return self._with_related(products)

    def title(self, product: Model) -> str:
        return self._text(product, "title") or str(product)

    def card(self, product: Model) -> Card:
        files = Path(self.mapping["images"]).values(product) if "images" in self.mapping else []
        photo = next((file for file in files if file), None)
        title = self.title(product)
        return Card(
            title=title,
            url=page_url(product),
            price=self._price(product),
            currency=self._text(product, "currency"),
            image_url=image_url(photo),
            image_alt=image_alt(photo) or title,
        )

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        related: dict[type[Model], list[str]] = {}
        for path in self.paths:
            for model, lookup in path.relations(self.model):
                if lookup not in related.setdefault(model, []):
                    related[model].append(lookup)
        return related

    def many_to_many(self) -> Sequence[type[Model]]:
        through = [model for path in self.paths for model in path.through_models(self.model)]
        return list(dict.fromkeys(through))

    def groups(self, keys: Iterable[Any]) -> Mapping[Any, str]:
        if "group" not in self.mapping:
            return {}
        lookup = Path(self.mapping["group"]).lookup(self.model)
        if lookup is None:
            return super().groups(keys)
        products = self.model._base_manager.filter(pk__in=list(keys))
        return {key: text_value([group]) for key, group in products.values_list("pk", lookup)}

    def filter_names(self) -> Sequence[str]:
        return [name for name in self._attribute_paths if name != "*" and self.filter_lookup(name)]

    def filter_lookup(self, name: str) -> str | None:
        paths = self._attribute_paths
        if name in paths and name != "*":
            return paths[name].lookup(self.model)
        if "*" in paths and name.isidentifier():
            json_lookup = paths["*"].lookup(self.model)
            return f"{json_lookup}__{name}" if json_lookup else None
        return None

    @property
    def price_lookup(self) -> str | None:
        return Path(self.mapping["price"]).lookup(self.model) if "price" in self.mapping else None

    @cached_property
    def paths(self) -> list[Path]:
        """Every path of the mapping, for prefetching, signals and system checks."""
        single = [Path(self.mapping[key]) for key in self.TEXT_KEYS if key in self.mapping]
        return [*single, *self._attribute_paths.values()]

    @cached_property
    def _attribute_paths(self) -> dict[str, Path]:
        return {name: Path(p) for name, p in self.mapping.get("attributes", {}).items()}

    def _with_related(self, products: QuerySet[Any]) -> QuerySet[Any]:
        joined: list[str] = []
        prefetched: list[str] = []
        for path in self.paths:
            join, prefetch = path.related(self.model)
            joined += join
            prefetched += prefetch
        products = products.prefetch_related(*dict.fromkeys(prefetched))
        return products.select_related(*dict.fromkeys(joined)) if joined else products

    def _text(self, product: Model, key: str) -> str:
        return text_value(Path(self.mapping[key]).values(product)) if key in self.mapping else ""

    def _price(self, product: Model) -> Decimal | None:
        text = self._text(product, "price")
        try:
            price = Decimal(text) if text else None
        except InvalidOperation:
            return None
        return price if price is not None and price.is_finite() else None

    def _attributes(self, product: Model) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, path in self._attribute_paths.items():
            values = path.values(product)
            if name == "*":
                pairs = [
                    pair for value in values if isinstance(value, dict) for pair in value.items()
                ]
                found = {str(key): text_value([value]) for key, value in pairs} | found
            else:
                found[name] = text_value(values)
        return {name: value for name, value in found.items() if value}

    def _images(self, product: Model) -> Sequence[ImageRef]:
        if "images" not in self.mapping:
            return ()
        files = Path(self.mapping["images"]).values(product)
        return image_refs(files, most=conf.get("IMAGES_PER_PRODUCT"))


def get_adapter() -> CatalogAdapter:
    """The configured adapter; a new one each time, for making one is cheap."""
    configured = conf.get("CATALOG")
    if isinstance(configured, str):
        adapter = conf.load(configured)()
        if not isinstance(adapter, CatalogAdapter):
            raise ConfigurationError(
                f"SIMILARITY['CATALOG'] names {configured!r}, which is no CatalogAdapter; "
                "derive it from similarity.catalog.adapter.CatalogAdapter."
            )
        return adapter
    if isinstance(configured, Mapping):
        return FieldMappingAdapter(**configured)
    raise ConfigurationError(
        f"SIMILARITY['CATALOG'] is {configured!r}; it must be a dict of fields or a dotted path."
    )
