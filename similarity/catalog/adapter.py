"""The catalogue adapter: the only place that reads the host's products.

``get_adapter()`` returns the adapter that ``SIMILARITY["CATALOG"]`` configures. A dict maps the
product model's fields (:class:`similarity.catalog.mapping.FieldMappingAdapter`). A dotted path
names a subclass of :class:`CatalogAdapter`.
"""

import abc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import router
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import translation

from similarity import conf
from similarity.catalog import relations
from similarity.catalog.card import Card, page_url
from similarity.catalog.content import ProductContent
from similarity.catalog.paths import text_value
from similarity.exceptions import ConfigurationError

#: Annotations that :meth:`CatalogAdapter.annotate_price` and ``annotate_value`` add.
PRICE = "similarity_price"
VALUE = "similarity_value"


class CatalogAdapter(abc.ABC):
    """An adapter that reads a catalogue. A host implements ``content`` and ``eligible``."""

    #: Names of the annotations that :meth:`annotate_price` and :meth:`annotate_value` add.
    price_annotation = PRICE
    value_annotation = VALUE

    @property
    def model(self) -> type[Model]:
        """Return the host's product model."""
        return conf.product_model()

    @property
    def write_alias(self) -> str:
        """Return the database that products are written to."""
        return router.db_for_write(self.model)

    @abc.abstractmethod
    def content(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        """Yield the content that encoders read of each product; skip keys without a product.

        Include products that are not eligible now, because they may be eligible again tomorrow.
        Workers call this right after a change. So read from the database that products are written
        to (:attr:`write_alias`), not from a replica that may lag.
        """

    def read_content(self, keys: Iterable[Any]) -> list[ProductContent]:
        """Return :meth:`content` in the site's own language, ``LANGUAGE_CODE`` for any caller.

        Otherwise translated fields would change a product's fingerprint with each page's language.
        """
        with translation.override(settings.LANGUAGE_CODE):
            return list(self.content(keys))

    @abc.abstractmethod
    def eligible(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        """Return the products that may be shown now (visible, in stock), read live on request."""

    def viewable(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        """Return the products that a request may name: published, even if sold out.

        For other products the API answers as if they did not exist. By default these are the
        eligible products. A shop whose product pages outlive their stock returns those products
        too.
        """
        return self.eligible(request)

    def in_stock(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow ``products`` to those in stock; by default return them unchanged."""
        return products

    @property
    def sells_only_stock(self) -> bool:
        """True if every ``eligible`` product is in stock, so that a page need not ask."""
        return False

    def for_display(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Load the data that :meth:`card` reads, so that a shelf needs no more queries."""
        return products

    def title(self, product: Model) -> str:
        """Return the product's name for shoppers."""
        return str(product)

    def card(self, product: Model, request: HttpRequest | None = None) -> Card:
        """Return the product data that the default templates show.

        ``request`` is None without a shopper: in the admin, in workers and commands.
        """
        return Card(title=self.title(product), url=page_url(product))

    def cost(self, product: Model) -> Decimal | None:
        """Return the shop's cost of one piece, in the currency of its price; None if unknown.

        A bundle's margin, which only staff see, uses it.
        """
        return None

    def iter_pks(self, after: Any = None, size: int = 1000) -> list[Any]:
        """Return the next ``size`` primary keys after ``after`` in key order; empty at the end."""
        products = self.model._base_manager.using(self.write_alias).order_by("pk")
        if after is not None:
            products = products.filter(pk__gt=after)
        return list(products.values_list("pk", flat=True)[:size])

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Map other models that a product's content reads to the lookups from product to them."""
        return {}

    def many_to_many(self) -> Sequence[type[Model]]:
        """Return through models whose rows are part of a product's content."""
        return ()

    def columns_read(self, model: type[Model]) -> Collection[str] | None:
        """Return the columns of ``model`` that decide a product's fingerprint or search document.

        Triggers (``SIMILARITY["CAPTURE"]``) ignore changes of other columns. None, the default,
        means every column. An empty collection means that the model's rows need not be followed.
        """
        return None

    def dependents(self, instance: Model) -> Iterator[Any]:
        """Yield primary keys of products whose content reads ``instance``."""
        for model, lookups in self.related_models().items():
            # Read the database that rows are written to, because a replica may lag.
            yield from relations.dependents(self.model, model, lookups, instance, self.write_alias)

    def groups(self, keys: Iterable[Any]) -> Mapping[Any, str]:
        """Map each primary key to the group its variants share; empty without variants.

        Reads :meth:`content`; a host whose group is a column may read only that column.
        """
        field = self.model._meta.pk
        return {field.to_python(read.key): read.group for read in self.read_content(keys)}

    def popular(self, products: QuerySet[Any]) -> QuerySet[Any] | None:
        """Return ``products`` by falling sales, or None if the host has no sales data.

        Products without sales may be left out.
        """
        return None

    def filter_names(self) -> Sequence[str]:
        """Return attribute names that :meth:`filter_by` knows for documentation."""
        return ()

    def filter_by(self, name: str, values: Sequence[str]) -> Q | None:
        """Return a condition: the attribute has one of ``values``, which are texts of a shopper.

        None for an unknown attribute; a call without values only asks for that. A ``category`` also
        matches the levels below each value. Put to-many relations in a subquery (``Q(pk__in=…)``,
        ``Q(Exists(…))``), because a join would repeat the product.
        """
        return None

    def annotate_value(self, products: QuerySet[Any], name: str) -> QuerySet[Any] | None:
        """Return ``products`` with the attribute's value, or an array of several, as :data:`VALUE`.

        Facets count it. Return None, the default, if SQL cannot express it. The attribute is then
        no facet.
        """
        return None

    def annotate_price(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Return ``products`` with each price as :data:`PRICE`; unchanged without prices.

        Keep one row for each product: choose among several prices in a subquery. Price filters, the
        order by price and price ranges read it.
        """
        return products

    def values_of(self, name: str, products: QuerySet[Any]) -> dict[Any, list[str]]:
        """Map primary keys to the attribute's values as texts; leave out products without values.

        Uses :meth:`annotate_value` if possible, otherwise :meth:`content`.
        """
        rows: Iterable[tuple[Any, Any]]
        valued = self.annotate_value(products.order_by(), name)
        if valued is None:
            key_of = self.model._meta.pk.to_python
            keys = list(products.order_by().values_list("pk", flat=True))
            rows = (
                (key_of(read.key), read.attributes.get(name)) for read in self.read_content(keys)
            )
        else:
            rows = valued.values_list("pk", VALUE)
        found: dict[Any, list[str]] = {}
        for key, value in rows:
            texts = value if isinstance(value, list | tuple) else [value]
            found.setdefault(key, []).extend(text for one in texts if (text := text_value([one])))
        return {key: list(dict.fromkeys(texts)) for key, texts in found.items() if texts}

    @property
    def has_price(self) -> bool:
        """Return True if products can be filtered and ordered by price."""
        return PRICE in self.annotate_price(self.model._base_manager.all()).query.annotations

    def filter_price(
        self, products: QuerySet[Any], low: Decimal | None = None, high: Decimal | None = None
    ) -> QuerySet[Any]:
        """Return the ``products`` that cost ``low`` or more and ``high`` or less."""
        bounds = {f"{PRICE}__gte": low, f"{PRICE}__lte": high}
        given = {lookup: bound for lookup, bound in bounds.items() if bound is not None}
        return self.annotate_price(products).filter(**given) if given else products


@conf.kept
def get_adapter() -> CatalogAdapter:
    """Return the configured adapter: one for all threads, until a setting changes."""
    configured = conf.get("CATALOG")
    if isinstance(configured, str):
        adapter = _make(configured)
        if not isinstance(adapter, CatalogAdapter):
            raise ConfigurationError(
                f"SIMILARITY['CATALOG'] names {configured!r}, which is not a CatalogAdapter; "
                "derive it from similarity.CatalogAdapter."
            )
        return adapter
    if isinstance(configured, Mapping):
        from similarity.catalog.mapping import FieldMappingAdapter  # it imports this module

        return FieldMappingAdapter(**configured)
    raise ConfigurationError(
        f"SIMILARITY['CATALOG'] is {configured!r}; it must be a dict of fields or a dotted path."
    )


def _make(dotted_path: str) -> Any:
    try:
        return conf.load(dotted_path)()
    except TypeError as error:  # an abstract method is missing, or __init__ requires arguments
        raise ConfigurationError(
            f"The adapter SIMILARITY['CATALOG'] names, {dotted_path!r}, cannot be made: {error}. "
            "Write content() and eligible(), and an __init__ without arguments."
        ) from error
