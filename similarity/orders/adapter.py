"""The one place that reads the host's orders.

``get_order_adapter()`` gives the adapter ``SIMILARITY["ORDERS"]["SOURCE"]`` asks for: a dict maps
the order model's fields (:class:`similarity.orders.mapping.MappedOrders`), a dotted
path names a subclass of :class:`OrderAdapter`, None says that there are no orders.
"""

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import router
from django.db.models import Model

from similarity import conf
from similarity.catalog import relations, times
from similarity.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True)
class Basket:
    """What one order holds.

    ``key`` is the order's primary key as text. ``customer`` is a text that tells customers apart,
    such as their key or e-mail; capitals and blanks around it make no difference. Without it the
    order counts, and adds nobody to the shoppers of a pair. ``at`` is aware. ``products`` are
    primary keys of the product model, each once.
    """

    key: str
    customer: str
    at: datetime
    products: tuple[Any, ...]

    @property
    def day(self) -> date:
        """The day of ``at`` in the host's ``TIME_ZONE``, whatever zone is active now."""
        return times.day_of(self.at)


class Sale(NamedTuple):
    """Units of a product sold on one day of the host's ``TIME_ZONE``."""

    product: Any
    day: date
    units: int


class OrderAdapter(abc.ABC):
    """How the plugin reads orders. ``model``, ``baskets``, ``baskets_of`` and ``sales`` are what
    a host writes.

    Only orders that count are read: one that is cancelled or returned is as one that is gone.
    ``baskets`` and ``baskets_of`` give only those that are paid, shipped or of a verified customer:
    shoppers see what these say, and an order that costs nothing can be invented. ``sales`` gives
    every order that counts.
    Workers read right after a change, so that everything comes from where orders are
    written (:attr:`write_alias`) and not from a replica that may lag behind.
    """

    model: type[Model]

    @property
    def write_alias(self) -> str:
        """The database that orders are written to."""
        return router.db_for_write(self.model)

    @abc.abstractmethod
    def baskets(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Basket]:
        """Orders placed from ``since`` on and before ``until``, streamed, each order once."""

    @abc.abstractmethod
    def baskets_of(self, keys: Iterable[str]) -> Iterator[Basket]:
        """The orders of these keys as they are now; one that does not count yields nothing."""

    @abc.abstractmethod
    def sales(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Sale]:
        """Units sold by product and day, streamed in the order of days."""

    def bought_by(self, user: Any, most: int, using: str) -> Sequence[Any]:
        """Primary keys of products that ``user`` bought, the latest first, ``most`` of them.

        ``user`` is what a page has as ``request.user``, signed in, and of whatever class its
        authentication made it: of one it does not know an adapter says nothing, for keys of two
        tables meet by number. ``using`` is the database that the page reads from. Nothing by
        default, so that nobody's results are personal.
        """
        return ()

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Other models an order is read from (its lines) → lookups from order to them."""
        return {}

    def many_to_many(self) -> Sequence[type[Model]]:
        """Through models whose rows are part of an order."""
        return ()

    def customer_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Models that say who placed an order → lookups from order to them.

        Deleting a customer changes their orders, saving one does not.
        """
        return {}

    def dependents(self, instance: Model) -> Iterator[Any]:
        """Primary keys of the orders that are read from ``instance``."""
        for models in (self.related_models(), self.customer_models()):
            for model, lookups in models.items():
                for lookup in lookups:
                    yield from self._orders_of(instance, model, lookup)

    def _orders_of(self, instance: Model, model: type[Model], lookup: str) -> Iterator[Any]:
        """A line names its order itself; of anything else the database is asked."""
        field = self.model._meta.get_field(lookup) if "__" not in lookup else None
        to_order = getattr(field, "field", None) if getattr(field, "one_to_many", False) else None
        if isinstance(instance, model) and to_order and to_order.target_field.primary_key:
            key = getattr(instance, to_order.attname)
            yield from () if key is None else (key,)
            return
        # Where rows are written: a read replica may not have them yet.
        yield from relations.dependents(self.model, model, [lookup], instance, self.write_alias)


@conf.kept
def get_order_adapter() -> OrderAdapter | None:
    """Return the configured adapter, one for all threads; None if there are no orders to read."""
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
    except TypeError as error:  # an abstract method missing, or arguments wanted
        raise ConfigurationError(
            f"The adapter SIMILARITY['ORDERS']['SOURCE'] names, {dotted_path!r}, cannot be made: "
            f"{error}. "
            "Write baskets(), baskets_of() and sales(), and an __init__ without arguments."
        ) from error
    if not isinstance(adapter, OrderAdapter) or not hasattr(adapter, "model"):
        raise ConfigurationError(
            f"SIMILARITY['ORDERS']['SOURCE'] names {dotted_path!r}, which is no OrderAdapter with "
            "a model; derive it from similarity.orders.OrderAdapter and set its model."
        )
    return adapter
