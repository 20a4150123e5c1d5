"""Read orders by a mapping of fields."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Count, DateTimeField, F, Model, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from similarity import conf
from similarity.catalog import times
from similarity.catalog.paths import Path
from similarity.exceptions import ConfigurationError
from similarity.extension import Bought
from similarity.orders.adapter import Basket, OrderAdapter, Sale

#: Rows that a streamed query fetches at once.
CHUNK = 10_000

#: Lines read per product that a user bought, because a user may buy the same product repeatedly.
LINES_A_PRODUCT = 4


class MappedOrders(OrderAdapter):
    """An adapter that reads orders by a mapping of fields, without code.

    - ``model``: the order model as ``app_label.ModelName``.
    - ``placed_at``: its time or date.
    - ``customer``: a path to a value that distinguishes customers (``customer_id``), or a list of
      paths of which the first filled path counts (``["customer_id", "email"]``).
    - ``products``: the path to the products (``lines__product``).
    - ``quantity``: the path to the number of units. Without it, each line is one unit.
    - ``user``: the path to the user who placed the order (``customer__user``). Without it, results
      are not personal.
    - ``counted``: the filter of orders that count, as keyword arguments of ``QuerySet.filter``.
    - ``verified``: a further filter for orders that cost money (paid, shipped, or of a verified
      customer). Bought-together pages learn from these orders only.

    Raises :class:`ConfigurationError` for an unknown key, a value of the wrong type, a missing key,
    or a model that is not in an installed app.
    """

    NEEDED = ("model", "placed_at", "products")
    TEXT_KEYS = (*NEEDED, "quantity", "user")
    LIST_KEYS = ("customer",)
    DICT_KEYS = ("counted", "verified")
    KEYS = (*TEXT_KEYS, *LIST_KEYS, *DICT_KEYS)

    def __init__(self, **mapping: Any) -> None:
        for key, value in mapping.items():
            if key not in self.KEYS:
                raise ConfigurationError(
                    f"SIMILARITY['ORDERS']['SOURCE'] has the unknown key {key!r}; "
                    f"known keys are {', '.join(self.KEYS)}."
                )
            self._require_kind(key, value)
        for key in self.NEEDED:
            if key not in mapping:
                raise ConfigurationError(
                    f"SIMILARITY['ORDERS']['SOURCE'] has no {key!r}, which is needed to read "
                    "orders; add it."
                )
        self.mapping = mapping
        self.model = _model(mapping["model"])

    def _require_kind(self, key: str, value: Any) -> None:
        is_path = isinstance(value, str)
        if key in self.TEXT_KEYS:
            fits, wanted = is_path, "a path such as 'lines__product'"
        elif key in self.LIST_KEYS:
            listed = isinstance(value, list | tuple) and value
            fits = is_path or bool(listed and all(isinstance(path, str) for path in value))
            wanted = "a path such as 'customer_id', or a list of paths"
        else:
            fits, wanted = isinstance(value, Mapping), "a dict"
        if not fits:
            raise ConfigurationError(
                f"SIMILARITY['ORDERS']['SOURCE'][{key!r}] is {value!r}; it must be {wanted}."
            )

    def baskets(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Basket]:
        return self._read(self._verified(self._placed(since, until)))

    def baskets_of(self, keys: Iterable[str]) -> Iterator[Basket]:
        known = [key for key in map(self._key, keys) if key is not None]
        return self._read(self._verified(self.orders().filter(pk__in=known)))

    def sales(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Sale]:
        quantity = self.mapping.get("quantity")
        rows = (
            self._placed(since, until)
            .annotate(similarity_day=self._day())
            .values_list(self._product, "similarity_day")
            .annotate(similarity_units=Sum(quantity) if quantity else Count("pk"))
            .order_by("similarity_day", self._product)
        )
        for product, day, units in rows.iterator(chunk_size=CHUNK):
            if product is not None and units:
                yield Sale(product, day, round(units))

    def bought_by(self, user: Any, most: int, using: str) -> Sequence[Any]:
        lines = self.purchases_of(user, LINES_A_PRODUCT * most, using)
        return list(dict.fromkeys(key for key, _at in lines))[:most]

    def purchases_of(self, user: Any, most: int, using: str) -> Sequence[tuple[Any, Any]]:
        # Other login classes can have the same key as a user, and the key None of an unsaved user
        # would match every guest order.
        is_user = isinstance(user, get_user_model()) and user.pk is not None
        if "user" not in self.mapping or not is_user:
            return ()
        product, placed_at = self._product, self.mapping["placed_at"]
        lines = self.model._base_manager.using(using).filter(**self._counted)
        lines = lines.filter(
            # Compare by ``pk``: a foreign key with ``to_field`` would compare user 5 with the name
            # "5".
            **{f"{self.mapping['user']}__pk": user.pk},
            **{f"{placed_at}__isnull": False, f"{product}__isnull": False},
            **{f"{quantity}__gt": 0 for quantity in self._optional("quantity")},
        )
        latest = lines.order_by(f"-{placed_at}", "-pk", product)
        return [(key, times.aware(at)) for key, at in latest.values_list(product, placed_at)[:most]]

    def verified_users(self, users: Collection[Any]) -> Collection[Any] | None:
        if "user" not in self.mapping:
            return None
        path = f"{self.mapping['user']}__pk"
        orders = self._verified(self.orders().filter(**{f"{path}__in": list(users)}))
        placed = orders.filter(**{f"{self.mapping['placed_at']}__isnull": False})
        return set(placed.order_by().values_list(path, flat=True).distinct())

    def bought_since(self, since: datetime | None) -> Iterator[Bought]:
        if "user" not in self.mapping:
            yield from super().bought_since(since)
            return
        orders = self._verified(self._placed(since, None))
        # One query as for baskets; the user stands where a further customer path would.
        user = f"{self.mapping['user']}__pk"
        for lines in self._orders_with(orders, extra=[user]):
            at, customer = lines[0][1], self._customer(lines[0][-1 - len(self.customer_paths) : -1])
            products = _bought(lines, bool(self._optional("quantity")))
            if at is not None:
                for product in products:
                    yield Bought(lines[0][-1], customer, product, times.aware(at))

    def related_models(self) -> Mapping[type[Model], Sequence[str]]:
        """Return models on the paths to products, quantity and filters → lookups to them."""
        filters = (*self._counted, *self.mapping.get("verified", {}))
        paths = [self.mapping["products"], *self._optional("quantity"), *filters]
        return self._relations(paths, without=conf.product_model())

    def customer_models(self) -> Mapping[type[Model], Sequence[str]]:
        return self._relations(self.customer_paths, without=self.model)

    def many_to_many(self) -> Sequence[type[Model]]:
        return list(Path(self.mapping["products"]).through_models(self.model))

    @property
    def customer_paths(self) -> Sequence[str]:
        """Return the paths of ``customer``; the first path with a value counts."""
        named = self.mapping.get("customer", ())
        return (named,) if isinstance(named, str) else tuple(named)

    def _read(self, orders: QuerySet[Any]) -> Iterator[Basket]:
        """Yield baskets; skip unplaced carts and orders without lines."""
        quantity = self._optional("quantity")
        for lines in self._orders_with(orders):
            key, at = lines[0][:2]
            products = _bought(lines, bool(quantity))
            if at is not None and products:
                customer = self._customer(lines[0][3 + len(quantity) :])
                yield Basket(str(key), customer, times.aware(at), products)

    def _orders_with(self, orders: QuerySet[Any], extra: Sequence[str] = ()) -> Iterator[list[Any]]:
        """Yield the lines of each order from one query: key, time, product, quantity, customer.

        ``extra``: paths of values that come last.
        """
        columns = [
            *("pk", self.mapping["placed_at"], self._product),
            *(*self._optional("quantity"), *self.customer_paths, *extra),
        ]
        rows = orders.order_by("pk").values_list(*columns).iterator(chunk_size=CHUNK)
        for _key, lines in groupby(rows, key=itemgetter(0)):
            yield list(lines)

    def _customer(self, values: Sequence[Any]) -> str:
        """Return the first value that is not empty, or "".

        With several paths, prefix the value with its path, so that values of different paths
        differ.
        """
        for path, value in zip(self.customer_paths, values, strict=True):
            text = "" if value is None else str(value).strip()
            if text:
                return text if len(values) == 1 else f"{path}:{text}"
        return ""

    def _verified(self, orders: QuerySet[Any]) -> QuerySet[Any]:
        verified = self.mapping.get("verified")
        if not verified:
            return orders
        if any(Path(lookup).leads_to_many(self.model) for lookup in verified):
            # A join would repeat each line, for example once per payment.
            chosen = self.model._base_manager.using(self.write_alias).filter(**verified)
            return orders.filter(pk__in=chosen.values("pk"))
        return orders.filter(**verified)

    def _placed(self, since: datetime | None, until: datetime | None) -> QuerySet[Any]:
        orders, field = self.orders(), self.mapping["placed_at"]
        if since is not None:
            orders = orders.filter(**{f"{field}__gte": self._bound(since)})
        if until is not None:
            orders = orders.filter(**{f"{field}__lt": self._bound(until)})
        return orders

    def orders(self) -> QuerySet[Any]:
        """Return the orders that count, from the database that they are written to."""
        orders = self.model._base_manager.using(self.write_alias)
        return orders.filter(**self._counted)

    @property
    def _counted(self) -> Mapping[str, Any]:
        counted: Mapping[str, Any] = self.mapping.get("counted", {})
        return counted

    def _optional(self, key: str) -> list[str]:
        return [self.mapping[key]] if key in self.mapping else []

    def _relations(
        self, paths: Iterable[str], without: type[Model]
    ) -> dict[type[Model], list[str]]:
        """Return related models on ``paths`` → lookups to them.

        Leave out the model ``without`` and the models behind it.
        """
        related: dict[type[Model], list[str]] = {}
        for path in paths:
            for model, lookup in Path(path).relations(self.model):
                if issubclass(without, model):
                    break
                if lookup not in related.setdefault(model, []):
                    related[model].append(lookup)
        return related

    def _key(self, key: str) -> Any:
        try:
            return self.model._meta.pk.to_python(key)
        except ValidationError:  # no order can have this key
            return None

    @cached_property
    def _product(self) -> str:
        """Return the path to the products' primary keys; a line may refer to a SKU instead."""
        path: str = self.mapping["products"]
        field = (Path(path)._fields(self.model) or [None])[-1]
        by_key = not getattr(field, "many_to_one", False) or field.target_field.primary_key
        return path if by_key else f"{path}__pk"

    @cached_property
    def _has_time(self) -> bool:
        field = Path(self.mapping["placed_at"])._fields(self.model)[-1]
        return isinstance(field, DateTimeField)

    def _day(self) -> Any:
        field = self.mapping["placed_at"]
        if not self._has_time:
            return F(field)
        zone = timezone.get_default_timezone() if settings.USE_TZ else None
        return TruncDate(field, tzinfo=zone)

    def _bound(self, at: datetime) -> Any:
        """Return ``at`` in the field's form: a date, a naive time, or an aware time."""
        return times.stored(at) if self._has_time else times.day_of(at)


def _bought(lines: Sequence[Any], has_quantity: bool) -> tuple[Any, ...]:
    """Return the products of an order's lines (key, at, product, quantity …), each once.

    Leave out products that another line takes back, and products with quantity 0.
    """
    if not has_quantity or all(line[3] and line[3] > 0 for line in lines):
        return tuple(dict.fromkeys(line[2] for line in lines if line[2] is not None))
    units: dict[Any, Any] = {}
    for line in lines:
        if line[2] is not None:
            units[line[2]] = units.get(line[2], 0) + (1 if line[3] is None else line[3])
    return tuple(product for product, number in units.items() if number > 0)


def _model(label: str) -> type[Model]:
    try:
        model: type[Model] = apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise ConfigurationError(
            f"SIMILARITY['ORDERS']['SOURCE']['model'] is {label!r}, which is not a model of an "
            "installed app; name it as 'app_label.ModelName', for example 'shop.Order'."
        ) from error
    return model
