"""The one place that reads the host's products.

``get_adapter()`` gives the adapter ``SIMILARITY["CATALOG"]`` asks for: a dict maps the
product model's fields (:class:`similarity.catalog.mapping.FieldMappingAdapter`), a dotted
path names a subclass of :class:`CatalogAdapter`.
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
    """How the plugin reads a catalogue. ``content`` and ``eligible`` are what a host writes."""

    #: Names of the annotations that :meth:`annotate_price` and :meth:`annotate_value` add.
    price_annotation = PRICE
    value_annotation = VALUE

    @property
    def model(self) -> type[Model]:
        """The host's product model."""
        return conf.product_model()

    @property
    def write_alias(self) -> str:
        """The database that products are written to."""
        return router.db_for_write(self.model)

    @abc.abstractmethod
    def content(self, keys: Iterable[Any]) -> Iterator[ProductContent]:
        """What the encoders read of each product; a key that is gone yields nothing.

        Also of products that are not eligible now: they may be again tomorrow. Workers call
        it right after a change, so that it reads where products are written
        (:attr:`write_alias`) and not from a replica that may lag behind.
        """

    def read_content(self, keys: Iterable[Any]) -> list[ProductContent]:
        """:meth:`content` in the site's own language, ``LANGUAGE_CODE``, whoever asks.

        Translated fields would otherwise change a product's fingerprint with each page's language.
        """
        with translation.override(settings.LANGUAGE_CODE):
            return list(self.content(keys))

    @abc.abstractmethod
    def eligible(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        """Products that may be shown now (visible, in stock), read live at serve time."""

    def viewable(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        """Products that may be asked about: published, and perhaps sold out.

        Of any other product the API answers as of one that is not there. By default what is
        eligible; a shop whose product pages outlive their stock gives those products too.
        """
        return self.eligible(request)

    def in_stock(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow ``products`` to those in stock; as it is where the host does not say."""
        return products

    def for_display(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """Load with ``products`` what :meth:`card` reads, so that a shelf costs no more queries."""
        return products

    def title(self, product: Model) -> str:
        """The product's name for shoppers."""
        return str(product)

    def card(self, product: Model, request: HttpRequest | None = None) -> Card:
        """What the default templates show of a product.

        ``request`` is None where no shopper asks: in the admin, in workers and commands.
        """
        return Card(title=self.title(product), url=page_url(product))

    def cost(self, product: Model) -> Decimal | None:
        """What one piece costs the shop, in the currency of its price; None where unknown.

        For a bundle's margin, which only staff see.
        """
        return None

    def iter_pks(self, after: Any = None, size: int = 1000) -> list[Any]:
        """The next ``size`` primary keys after ``after`` in key order; empty at the end."""
        products = self.model._base_manager.using(self.write_alias).order_by("pk")
        if after is not None:
            products = products.filter(pk__gt=after)
        return list(products.values_list("pk", flat=True)[:size])

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Other models a product's content is read from → lookups from product to them."""
        return {}

    def many_to_many(self) -> Sequence[type[Model]]:
        """Through models whose rows are part of a product's content."""
        return ()

    def columns_read(self, model: type[Model]) -> Collection[str] | None:
        """Columns of ``model`` that decide a product's fingerprint or search document.

        Triggers (``SIMILARITY["CAPTURE"]``) pass over changes of others. None, the default, means
        every column; none at all, that the model's rows need not be followed.
        """
        return None

    def dependents(self, instance: Model) -> Iterator[Any]:
        """Primary keys of products whose content is read from ``instance``."""
        for model, lookups in self.related_models().items():
            # Where rows are written: a read replica may not have them yet.
            yield from relations.dependents(self.model, model, lookups, instance, self.write_alias)

    def groups(self, keys: Iterable[Any]) -> Mapping[Any, str]:
        """Primary key → what its variants share, empty for a product without variants.

        By way of :meth:`content`; a host whose group is a column may read that alone.
        """
        field = self.model._meta.pk
        return {field.to_python(read.key): read.group for read in self.read_content(keys)}

    def popular(self, products: QuerySet[Any]) -> QuerySet[Any] | None:
        """``products`` by falling sales, or None where the host does not say.

        Products without sales may be left out.
        """
        return None

    def filter_names(self) -> Sequence[str]:
        """Attribute names that :meth:`filter_by` knows, for documentation."""
        return ()

    def filter_by(self, name: str, values: Sequence[str]) -> Q | None:
        """The products whose attribute has one of ``values``, which are texts of a shopper.

        None for an attribute that is not known; without values only that is asked. ``category``
        holds for the levels below each value, too. Name to-many relations within a subquery
        (``Q(pk__in=…)``, ``Q(Exists(…))``): a join would repeat the product.
        """
        return None

    def annotate_value(self, products: QuerySet[Any], name: str) -> QuerySet[Any] | None:
        """``products`` with the attribute's value, or an array of several, as :data:`VALUE`.

        Facets count it. None, the default, where the database cannot tell it: the attribute is
        no facet then.
        """
        return None

    def annotate_price(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """``products`` with the price of each as :data:`PRICE`; as they are where it has none.

        One row for each product: of several prices choose one in a subquery. Price filters,
        the order by price and price ranges read it.
        """
        return products

    def values_of(self, name: str, products: QuerySet[Any]) -> dict[Any, list[str]]:
        """Primary key → the attribute's values as texts; a product without any is left out.

        By :meth:`annotate_value`, otherwise by way of :meth:`content`.
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
        """Whether products can be filtered and ordered by price."""
        return PRICE in self.annotate_price(self.model._base_manager.all()).query.annotations

    def filter_price(
        self, products: QuerySet[Any], low: Decimal | None = None, high: Decimal | None = None
    ) -> QuerySet[Any]:
        """``products`` that cost ``low`` or more and ``high`` or less."""
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
                f"SIMILARITY['CATALOG'] names {configured!r}, which is no CatalogAdapter; "
                "derive it from similarity.CatalogAdapter."
            )
        return adapter
    if isinstance(configured, Mapping):
        from similarity.catalog.mapping import FieldMappingAdapter  # it is an adapter itself

        return FieldMappingAdapter(**configured)
    raise ConfigurationError(
        f"SIMILARITY['CATALOG'] is {configured!r}; it must be a dict of fields or a dotted path."
    )


def _make(dotted_path: str) -> Any:
    try:
        return conf.load(dotted_path)()
    except TypeError as error:  # an abstract method missing, or arguments wanted
        raise ConfigurationError(
            f"The adapter SIMILARITY['CATALOG'] names, {dotted_path!r}, cannot be made: {error}. "
            "Write content() and eligible(), and an __init__ without arguments."
        ) from error
