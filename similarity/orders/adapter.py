"""Adapters: the only code that reads the host's orders.

``get_order_adapter()`` returns the adapter from ``SIMILARITY["ORDERS"]["SOURCE"]``. A dict maps the
order model's fields (:class:`similarity.orders.mapping.MappedOrders`). A dotted path names a
subclass of :class:`OrderAdapter`. None means that there are no orders.
"""

import abc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import router
from django.db.models import Model

from similarity import conf
from similarity.catalog import relations, times
from similarity.exceptions import ConfigurationError
from similarity.extension import Bought


@dataclass(frozen=True, slots=True)
class Basket:
    """The contents of an order.

    ``key`` is the order's primary key as text. ``customer`` is a text that distinguishes customers,
    such as their key or e-mail. Capitals and surrounding blanks make no difference. An order
    without ``customer`` counts, but adds no shopper to a pair. ``at`` is aware. ``products`` are
    primary keys of the product model, each once.
    """

    key: str
    customer: str
    at: datetime
    products: tuple[Any, ...]

    @property
    def day(self) -> date:
        """Return the day of ``at`` in the host's ``TIME_ZONE``, independent of the active time
        zone.
        """
        return times.day_of(self.at)


class Sale(NamedTuple):
    """Units of a product sold on a day of the host's ``TIME_ZONE``."""

    product: Any
    day: date
    units: int


class OrderAdapter(abc.ABC):
    """Reads orders. A host implements ``model``, ``baskets``, ``baskets_of`` and ``sales``.

    Adapters read only orders that count: a cancelled or returned order is treated like a deleted
    order. ``baskets`` and ``baskets_of`` yield only orders that are paid, shipped or of a verified
    customer, because they decide the products that shoppers see, and anyone can invent an order
    that costs no money. ``sales`` yields every order that counts. Workers read right after a
    change, so adapters read from the database that orders are written to (:attr:`write_alias`) and
    not from a replica that may lag behind.
    """

    model: type[Model]

    @property
    def write_alias(self) -> str:
        """Return the alias of the database that orders are written to."""
        return router.db_for_write(self.model)

    @abc.abstractmethod
    def baskets(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Basket]:
        """Stream the orders placed from ``since`` on and before ``until``, each order once."""

    @abc.abstractmethod
    def baskets_of(self, keys: Iterable[str]) -> Iterator[Basket]:
        """Yield the current orders of these keys; skip orders that do not count."""

    @abc.abstractmethod
    def sales(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Sale]:
        """Stream the units sold by product and day, in the order of days."""

    def bought_by(self, user: Any, most: int, using: str) -> Sequence[Any]:
        """Return primary keys of up to ``most`` products that ``user`` bought, the latest first.

        ``user`` is a page's ``request.user``, signed in, of any class that the authentication uses.
        Return no keys for a class that the adapter does not know, because primary keys of two
        tables can be equal. ``using`` is the database that the page reads from. The default returns
        no keys, so that results are not personal.
        """
        return ()

    def verified_users(self, users: Collection[Any]) -> Collection[Any] | None:
        """Return those of the users' primary keys who have an order that ``baskets`` yields.

        The default returns None: this adapter cannot tell. Public figures then count accounts by
        their age.
        """
        return None

    def purchases_of(self, user: Any, most: int, using: str) -> Sequence[tuple[Any, Any]]:
        """Return (primary key, time) of the last ``most`` lines of a user's orders, latest first.

        A product bought twice is there twice. Personal shelves learn from it when a shopper buys
        again. The default is :meth:`bought_by`, with None for times that are not known.
        """
        return [(key, None) for key in self.bought_by(user, most, using)]

    def bought_since(self, since: datetime | None) -> Iterator[Bought]:
        """Stream the products of :meth:`baskets`, to learn what is bought after what.

        The default does not know which login placed an order. If events of shoppers are kept too,
        override it to name the ``user``, so that the events and orders of a person are one history.
        """
        for basket in self.baskets(since):
            for product in basket.products:
                yield Bought(None, basket.customer, product, basket.at)

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Return other models of an order, such as its lines → lookups from order to them."""
        return {}

    def many_to_many(self) -> Sequence[type[Model]]:
        """Return through models whose rows are part of an order."""
        return ()

    def customer_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Return models that identify the customer of an order → lookups from order to them.

        Deleting a customer changes their orders; saving a customer does not.
        """
        return {}

    def dependents(self, instance: Model) -> Iterator[Any]:
        """Yield primary keys of the orders that are read from ``instance``."""
        for models in (self.related_models(), self.customer_models()):
            for model, lookups in models.items():
                for lookup in lookups:
                    yield from self._orders_of(instance, model, lookup)

    def _orders_of(self, instance: Model, model: type[Model], lookup: str) -> Iterator[Any]:
        """Yield keys of the orders of ``instance``.

        A line holds the key of its order; other models need a query.
        """
        field = self.model._meta.get_field(lookup) if "__" not in lookup else None
        to_order = getattr(field, "field", None) if getattr(field, "one_to_many", False) else None
        if isinstance(instance, model) and to_order and to_order.target_field.primary_key:
            key = getattr(instance, to_order.attname)
            yield from () if key is None else (key,)
            return
        # Read where rows are written, because a read replica may not have them yet.
        yield from relations.dependents(self.model, model, [lookup], instance, self.write_alias)


@conf.kept
def get_order_adapter() -> OrderAdapter | None:
    """Return the configured adapter, shared by all threads; None without orders to read."""
    configured = conf.get("ORDERS", "SOURCE")
    if configured is None:
        return None
    if isinstance(configured, str):
        return _make(configured)
    if isinstance(configured, Mapping):
        from similarity.orders.mapping import MappedOrders  # it is an adapter itself

        return MappedOrders(**configured)
    raise ConfigurationError(
        f"SIMILARITY['ORDERS']['SOURCE'] is {configured!r}; it must be a dict of fields, a dotted "
        "path, or None."
    )


def _make(dotted_path: str) -> OrderAdapter:
    try:
        adapter = conf.load(dotted_path)()
    except TypeError as error:  # an abstract method is missing, or __init__ needs arguments
        raise ConfigurationError(
            f"SIMILARITY['ORDERS']['SOURCE'] names the adapter {dotted_path!r}, which cannot be "
            f"created: {error}. "
            "Write baskets(), baskets_of() and sales(), and an __init__ without arguments."
        ) from error
    if not isinstance(adapter, OrderAdapter) or not hasattr(adapter, "model"):
        raise ConfigurationError(
            f"SIMILARITY['ORDERS']['SOURCE'] names {dotted_path!r}, which is not an OrderAdapter "
            "with a model; derive it from similarity.orders.OrderAdapter and set its model."
        )
    return adapter
