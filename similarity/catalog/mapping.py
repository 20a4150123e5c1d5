"""The catalogue adapter that reads products by a mapping of fields."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Model, Prefetch, Q, QuerySet
from django.http import HttpRequest

from similarity import conf
from similarity.catalog import narrowing
from similarity.catalog.adapter import PRICE, VALUE, CatalogAdapter
from similarity.catalog.card import Card, image_alt, image_url, page_url, read_part, title_of
from similarity.catalog.content import ImageRef, ProductContent
from similarity.catalog.money import amount_of, currency_of
from similarity.catalog.paths import Path, image_refs, text_value
from similarity.catalog.sources import (
    Source,
    each_value,
    first_value,
    parse,
    read_first,
    values_filter,
)
from similarity.exceptions import ConfigurationError

#: Keys behind ``*`` that are public without being listed in ``facets``.
PUBLIC = ("category", "brand")

#: Fields with one value for each product. If a path leads to several, the first counts.
SINGLE = ("title", "price", "currency", "group", "cost", "category")


class FieldMappingAdapter(CatalogAdapter):
    """An adapter that reads products by a mapping of fields, without code.

    ``title``, ``description``, ``price``, ``currency``, ``group`` and ``cost`` name a field of the
    product model, a property, or a path over relations and JSON keys in Django's own notation
    (``brand__name``, ``attributes__colour``). ``attributes`` maps an attribute's name to such a
    path; the name ``*`` stands for a JSON field whose every key becomes an attribute. Each of these
    may name a rule and rows instead (:func:`similarity.catalog.sources.parse`). ``images`` names a
    file field or a path to a file field (``images__image``). ``codes`` names a path to a code that
    shoppers search for (``sku``), or a list of paths. ``eligible`` chooses the products that may be
    shown now, ``in_stock`` the products in stock, and ``viewable`` the products that a request may
    name (:mod:`similarity.catalog.narrowing`). ``facets`` lists the keys behind ``*`` that shoppers
    may filter by and count. The other keys stay private to the shop.

    Raises :class:`ConfigurationError` for an unknown key or a value of the wrong type.
    """

    TEXT_KEYS = ("title", "description", "price", "currency", "group", "cost")
    NARROWING_KEYS = ("eligible", "viewable", "in_stock")
    KEYS = (*TEXT_KEYS, "images", "attributes", "facets", *NARROWING_KEYS, "codes")

    def __init__(self, **mapping: Any) -> None:
        for key, value in mapping.items():
            if key not in self.KEYS:
                raise ConfigurationError(
                    f"SIMILARITY['CATALOG'] has the unknown key {key!r}; "
                    f"known are {', '.join(self.KEYS)}."
                )
            if key in ("codes", "facets"):
                _require_paths(key, value)
            elif key in self.NARROWING_KEYS:
                narrowing.require(key, value)
            elif key == "images" and not isinstance(value, str):
                raise _wrong("['images']", f"is {value!r}; it must be a path.")
            elif key == "attributes" and not isinstance(value, Mapping):
                raise _wrong("['attributes']", f"is {value!r}; it must be a dict.")
        self.mapping: dict[str, Any] = {"title": "name", "description": "description", **mapping}
        self._sources = {
            key: _parse(f"[{key!r}]", self.mapping[key], _rule(key))
            for key in self.TEXT_KEYS
            if key in self.mapping
        }
        self._named = {
            name: _parse(f"['attributes'][{name!r}]", value, _rule(name))
            for name, value in self.mapping.get("attributes", {}).items()
        }

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
                currency=self._currency(product),
                images=self._images(product),
                group=self._text(product, "group"),
                codes=self._codes(product),
            )

    def eligible(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        products = self.model._default_manager.all()
        return narrowing.narrow(products, "eligible", self.mapping.get("eligible"), request)

    def viewable(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        """Apply ``viewable``; without it, ``eligible`` less the conditions of ``in_stock``."""
        shown, stock = self.mapping.get("eligible"), self.mapping.get("in_stock")
        if isinstance(shown, Mapping) and isinstance(stock, Mapping):
            shown = {
                at: asked for at, asked in shown.items() if at not in stock or stock[at] != asked
            }
        products = self.model._default_manager.all()
        return narrowing.narrow(products, "viewable", self.mapping.get("viewable", shown), request)

    @property
    def sells_only_stock(self) -> bool:
        shown, stock = self.mapping.get("eligible"), self.mapping.get("in_stock")
        if not (isinstance(shown, Mapping) and isinstance(stock, Mapping)):
            return False
        return stock.items() <= shown.items()

    def in_stock(self, products: QuerySet[Any]) -> QuerySet[Any]:
        return narrowing.narrow(products, "in_stock", self.mapping.get("in_stock"), None)

    def for_display(self, products: QuerySet[Any]) -> QuerySet[Any]:
        chosen: str | None = products._db  # type: ignore[attr-defined]  # holds for photos too
        return self._with_related(products, chosen)

    def title(self, product: Model) -> str:
        return self._text(product, "title") or str(product)

    def card(self, product: Model, request: HttpRequest | None = None) -> Card:
        photo = read_part(product, "photo", lambda: self._photo(product), None)
        title = title_of(self, product)
        return Card(
            title=title,
            url=page_url(product),
            price=read_part(product, "price", lambda: self._money(product, "price"), None),
            currency=read_part(product, "currency", lambda: self._currency(product), ""),
            image_url=image_url(photo),
            image_alt=image_alt(photo) or title,
            brand=read_part(product, "brand", lambda: self._attribute(product, "brand"), ""),
        )

    def _attribute(self, product: Model, name: str) -> str:
        return text_value(read_first(self._sources_of(name), product))

    def _photo(self, product: Model) -> Any:
        files = self._image_path.values(product) if self._image_path else []
        return next((file for file in files if file), None)

    def cost(self, product: Model) -> Decimal | None:
        return self._money(product, "cost")

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Return the models of every path but the price's, left out of fingerprints on purpose."""
        related: dict[type[Model], list[str]] = {}
        for path in self._told:
            for model, lookup in path.relations(self.model):
                if lookup not in related.setdefault(model, []):
                    related[model].append(lookup)
        return related

    def many_to_many(self) -> Sequence[type[Model]]:
        through = [model for path in self._told for model in path.through_models(self.model)]
        return list(dict.fromkeys(through))

    def columns_read(self, model: type[Model]) -> Collection[str] | None:
        """Return the columns of every path but the price's, left out of fingerprints on purpose."""
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
        products = self.model._base_manager.using(self.write_alias).filter(pk__in=list(keys))
        group = self._value(self._sources["group"])
        if group is None:
            return super().groups(keys)
        rows = products.annotate(**{VALUE: group}).values_list("pk", VALUE)
        return {key: text_value(each_value([value])[:1]) for key, value in rows}

    def filter_names(self) -> Sequence[str]:
        names = [*(name for name in self._named if name != "*"), *self._facets]
        return [name for name in names if self.filter_by(name, ()) is not None]

    def filter_by(self, name: str, values: Sequence[str]) -> Q | None:
        return values_filter(self.model, self._sources_of(name), name, values)

    def annotate_value(self, products: QuerySet[Any], name: str) -> QuerySet[Any] | None:
        sources = self._sources_of(name)
        # A category filter finds a product in each of its categories, not only the first.
        every = name == "category" and len(sources) == 1
        value = sources[0].expression(self.model, every=True) if every else self._value(sources)
        return None if value is None else products.annotate(**{VALUE: value})

    def annotate_price(self, products: QuerySet[Any]) -> QuerySet[Any]:
        price = self._value(self._sources.get("price", []))
        return products if price is None else products.annotate(**{PRICE: price})

    def _value(self, sources: Sequence[Source]) -> Any:
        return first_value(self.model, sources)

    def _sources_of(self, name: str) -> Sequence[Source]:
        """Return the sources of an attribute, or of a key of the JSON field behind ``*``."""
        if name in self._named and name != "*":
            return self._named[name]
        return self._json_keys.get(name, [])

    @cached_property
    def _json_keys(self) -> Mapping[str, Sequence[Source]]:
        """Map each public key of the JSON field behind ``*`` to its sources."""
        every = [one for one in self._named.get("*", []) if one.path.lookup(self.model)]
        names = [name for name in (*PUBLIC, *self._facets) if name.isidentifier()]
        return {name: [Source(Path(f"{one.path.path}__{name}")) for one in every] for name in names}

    @property
    def _facets(self) -> Sequence[str]:
        """Return the keys of the JSON field behind ``*`` that the shop makes public."""
        listed = self.mapping.get("facets", ())
        return (listed,) if isinstance(listed, str) else listed

    @cached_property
    def paths(self) -> list[Path]:
        """Return every path of the mapping for prefetching, signals and system checks."""
        return [*self._told, *self._paths_of("price", "currency", "cost")]

    @cached_property
    def _told(self) -> list[Path]:
        """Return the paths that fingerprints and search documents read."""
        images = [self._image_path] if self._image_path else []
        attributes = [path for some in self._named.values() for path in self._read_by(some)]
        told = self._paths_of("title", "description", "group")
        return [*told, *images, *attributes, *self._code_paths]

    def _paths_of(self, *keys: str) -> list[Path]:
        return [path for key in keys for path in self._read_by(self._sources.get(key, []))]

    def _read_by(self, sources: Iterable[Source]) -> Iterator[Path]:
        for source in sources:
            yield source.path
            yield from source.conditions(self.model)

    def sources(self) -> Iterator[tuple[str, str, Source]]:
        """Yield (place in CATALOG, key or attribute, source) of each entry with a possible rule."""
        named = [(f"[{key!r}]", key, some) for key, some in self._sources.items()]
        named += [(f"['attributes'][{name!r}]", name, some) for name, some in self._named.items()]
        for place, key, some in named:
            for at, source in enumerate(some):
                yield place if len(some) == 1 else f"{place}[{at}]", key, source

    @cached_property
    def _image_path(self) -> Path | None:
        return Path(self.mapping["images"]) if "images" in self.mapping else None

    @cached_property
    def _code_paths(self) -> list[Path]:
        named = self.mapping.get("codes", ())
        return [Path(path) for path in ([named] if isinstance(named, str) else named)]

    def _with_related(self, products: QuerySet[Any], alias: str | None = None) -> QuerySet[Any]:
        """Load related rows; with ``alias``, prefetch from that database despite routers."""
        joined: list[str] = []
        prefetched: list[str | Prefetch] = []
        for path in self.paths:
            join, prefetch = path.related(self.model, alias)
            joined += join
            prefetched += prefetch
        products = products.prefetch_related(*dict.fromkeys(prefetched))
        return products.select_related(*dict.fromkeys(joined)) if joined else products

    def _text(self, product: Model, key: str) -> str:
        return text_value(read_first(self._sources.get(key, ()), product))

    def _money(self, product: Model, key: str) -> Decimal | None:
        values = read_first(self._sources.get(key, ()), product)
        amount = amount_of(values[0]) if values else None
        fields = [source.path._fields(self.model) for source in self._sources.get(key, ())]
        places = getattr(fields[0][-1], "decimal_places", None) if fields and fields[0] else None
        # An instance that was just assigned holds the assigned number: 10 instead of 10.00.
        if amount is None or not places or amount != round(amount, places):
            return amount
        return round(amount, places)

    def _currency(self, product: Model) -> str:
        """Return the mapped currency; without a mapping, the currency of the price itself."""
        if "currency" in self._sources:
            return self._text(product, "currency")
        values = read_first(self._sources.get("price", ()), product)
        return currency_of(values[0]) if values else ""

    def _attributes(self, product: Model) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, sources in self._named.items():
            values = read_first(sources, product)
            if name == "*":
                pairs = [
                    pair for value in values if isinstance(value, dict) for pair in value.items()
                ]
                found = {str(key): _text_of(str(key), value) for key, value in pairs} | found
            else:
                found[name] = text_value(values)
        return {name: value for name, value in found.items() if value}

    def _codes(self, product: Model) -> Sequence[str]:
        found = (value for path in self._code_paths for value in path.values(product))
        codes = (
            str(code)
            for value in found
            for code in (value if isinstance(value, list | tuple) else [value])
        )
        return tuple(dict.fromkeys(code for code in codes if code))

    def _images(self, product: Model) -> Sequence[ImageRef]:
        if self._image_path is None:
            return ()
        files = self._image_path.values(product)
        return image_refs(files, most=conf.get("IMAGES", "PER_PRODUCT"))


def _text_of(name: str, value: Any) -> str:
    """Return the text of a JSON value. A list counts as several values."""
    values = each_value([value])
    return text_value(values[:1] if name in SINGLE else values)


def _rule(key: str) -> str:
    """Return the rule of a path without its own: a single-value field never joins values."""
    return "all" if key not in SINGLE else "first"


def _parse(place: str, value: Any, rule: str) -> list[Source]:
    try:
        return parse(value, rule=rule)
    except ConfigurationError as error:
        raise _wrong(place, str(error)) from error


def _wrong(place: str, message: str) -> ConfigurationError:
    return ConfigurationError(f"SIMILARITY['CATALOG']{place} {message}")


def _require_paths(key: str, value: Any) -> None:
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str) for path in paths):
        raise ConfigurationError(
            f"SIMILARITY['CATALOG'][{key!r}] is {value!r}; it must be a name such as 'sku', or a "
            "list of names."
        )
