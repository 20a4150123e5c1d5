"""The adapter for a catalogue that a mapping of fields describes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.db.models import Model, Prefetch, QuerySet
from django.http import HttpRequest

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.card import Card, image_alt, image_url, page_url
from similarity.catalog.content import ImageRef, ProductContent
from similarity.catalog.paths import Path, image_refs, text_value
from similarity.exceptions import ConfigurationError


class FieldMappingAdapter(CatalogAdapter):
    """Reads products by a mapping of fields, without code.

    ``title``, ``description``, ``price``, ``currency``, ``group`` and ``cost`` name a field of the
    product model, a property, or a path over relations and JSON keys in Django's own
    notation (``brand__name``, ``attributes__colour``). ``images`` names a file field or a
    path to one (``images__image``). ``attributes`` maps an attribute's name to such a
    path; the name ``*`` stands for a JSON field whose every key becomes an attribute.
    ``codes`` names a path to a code that is searched for (``sku``), or a list of them.
    ``eligible`` and ``in_stock`` hold the filters of what may be shown now and of what is
    in stock, as keyword arguments of ``QuerySet.filter``.

    Raises :class:`ConfigurationError` for a key it does not know or a value of the wrong type.
    """

    TEXT_KEYS = ("title", "description", "price", "currency", "group", "images", "cost")
    DICT_KEYS = ("attributes", "eligible", "in_stock")

    def __init__(self, **mapping: Any) -> None:
        known = (*self.TEXT_KEYS, *self.DICT_KEYS, "codes")
        for key, value in mapping.items():
            if key not in known:
                raise ConfigurationError(
                    f"SIMILARITY['CATALOG'] has the unknown key {key!r}; "
                    f"known are {', '.join(known)}."
                )
            if key == "codes":
                _require_paths(value)
            elif not isinstance(value, str if key in self.TEXT_KEYS else Mapping):
                wanted = "a path such as 'brand__name'" if key in self.TEXT_KEYS else "a dict"
                raise ConfigurationError(
                    f"SIMILARITY['CATALOG'][{key!r}] is {value!r}; it must be {wanted}."
                )
        for name, path in mapping.get("attributes", {}).items():
            if not isinstance(path, str):
                raise ConfigurationError(
                    f"SIMILARITY['CATALOG']['attributes'][{name!r}] is {path!r}; it must be a path "
                    "such as 'brand__name'."
                )
        self.mapping: dict[str, Any] = {"title": "name", "description": "description", **mapping}

    def content(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        alias = self.write_alias
        products = self.model._base_manager.using(alias).filter(pk__in=list(keys))
        products = self._with_related(products, alias)
        for product in products:
            yield ProductContent(
                key=str(product.pk),
                title=self._text(product, "title"),
                description=self._text(product, "description"),
                attributes=self._attributes(product),
                price=self._money(product, "price"),
                currency=self._text(product, "currency"),
                images=self._images(product),
                group=self._text(product, "group"),
                codes=self._codes(product),
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
            price=self._money(product, "price"),
            currency=self._text(product, "currency"),
            image_url=image_url(photo),
            image_alt=image_alt(photo) or title,
        )

    def cost(self, product: Model) -> Decimal | None:
        return self._money(product, "cost")

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

    def columns_read(self, model: type[Model]) -> Collection[str] | None:
        """Of every path but those to a price, which fingerprints leave out on purpose."""
        concrete = model._meta.concrete_model
        columns = {
            column
            for path in self._told
            for owner, column in path.columns(self.model)
            if owner._meta.concrete_model is concrete
        }
        return None if None in columns else {column for column in columns if column is not None}

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
        return [*self._told, *self._single_paths("price", "currency", "cost")]

    @cached_property
    def _told(self) -> list[Path]:
        """What fingerprints and search documents are made of."""
        single = self._single_paths("title", "description", "group", "images")
        return [*single, *self._attribute_paths.values(), *self._code_paths]

    def _single_paths(self, *keys: str) -> list[Path]:
        return [Path(self.mapping[key]) for key in keys if key in self.mapping]

    @cached_property
    def _attribute_paths(self) -> dict[str, Path]:
        return {name: Path(p) for name, p in self.mapping.get("attributes", {}).items()}

    @cached_property
    def _code_paths(self) -> list[Path]:
        named = self.mapping.get("codes", ())
        return [Path(path) for path in ([named] if isinstance(named, str) else named)]

    def _with_related(self, products: QuerySet[Any], alias: str | None = None) -> QuerySet[Any]:
        """With ``alias``, what is prefetched is read from that database, whatever routers say."""
        joined: list[str] = []
        prefetched: list[str | Prefetch] = []
        for path in self.paths:
            join, prefetch = path.related(self.model, alias)
            joined += join
            prefetched += prefetch
        products = products.prefetch_related(*dict.fromkeys(prefetched))
        return products.select_related(*dict.fromkeys(joined)) if joined else products

    def _text(self, product: Model, key: str) -> str:
        return text_value(Path(self.mapping[key]).values(product)) if key in self.mapping else ""

    def _money(self, product: Model, key: str) -> Decimal | None:
        text = self._text(product, key)
        try:
            amount = Decimal(text) if text else None
        except InvalidOperation:
            return None
        return amount if amount is not None and amount.is_finite() else None

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

    def _codes(self, product: Model) -> Sequence[str]:
        codes = (str(value) for path in self._code_paths for value in path.values(product))
        return tuple(dict.fromkeys(code for code in codes if code))

    def _images(self, product: Model) -> Sequence[ImageRef]:
        if "images" not in self.mapping:
            return ()
        files = Path(self.mapping["images"]).values(product)
        return image_refs(files, most=conf.get("IMAGES_PER_PRODUCT"))


def _require_paths(value: Any) -> None:
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str) for path in paths):
        raise ConfigurationError(
            f"SIMILARITY['CATALOG']['codes'] is {value!r}; it must be a path such as 'sku', or a "
            "list of paths."
        )
