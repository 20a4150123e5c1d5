"""Extend the core with order data: related categories, partners, sales, status and metrics."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connections
from django.db.models import OuterRef, Subquery

from similarity import conf
from similarity.connections.metrics_export import Gauge
from similarity.extension import Bought, Extension, PurchaseReader
from similarity.operations import backlog
from similarity.orders import status
from similarity.orders.adapter import get_order_adapter
from similarity.orders.models import (
    CategoryComplement,
    CountedItem,
    CountedProduct,
    PendingOrder,
)
from similarity.vectors import upsert

_PARTNERS = """
    SELECT item.name, array_agg(partner.name)
    FROM similarity_counteditem AS item
    JOIN similarity_productpartners AS stored ON stored.number = item.number
    CROSS JOIN LATERAL unnest(stored.partners, stored.shoppers) AS pair(number, shoppers)
    JOIN similarity_counteditem AS partner ON partner.number = pair.number
    WHERE item.name = ANY(%s::text[]) AND pair.shoppers >= %s
    GROUP BY item.name
"""


class OrdersExtension(Extension):
    urls = "similarity.orders.api.urls"
    url_roots = ("cart",)

    def related_categories(self) -> Collection[tuple[str, str]]:
        rows = CategoryComplement.objects.using(upsert.alias())
        return list(rows.values_list("category", "complement"))

    def bought_with(self, groups: Sequence[str]) -> Mapping[str, Collection[str]]:
        """Return partners by group, only of pairs bought by enough shoppers."""
        with connections[upsert.alias()].cursor() as cursor:
            cursor.execute(_PARTNERS, [list(groups), conf.get("ORDERS", "MIN_SHOPPERS")])
            return {name: set(partners) for name, partners in cursor.fetchall()}

    def sales(self, keys: Sequence[str], using: str) -> Mapping[str, float]:
        """Return the decayed weight of orders by product key."""
        item = CountedItem.objects.filter(number=OuterRef("item")).values("weight")[:1]
        counted = CountedProduct.objects.using(using).filter(key__in=list(keys))
        return dict(counted.values_list("key", Subquery(item)))

    def purchase_reader(self) -> PurchaseReader | None:
        adapter = get_order_adapter()
        return None if adapter is None else adapter.bought_by

    def verified_users(self, users: Collection[Any]) -> Collection[Any] | None:
        adapter = get_order_adapter()
        return None if adapter is None else adapter.verified_users(users)

    def purchases(self, user: Any, most: int, using: str) -> Sequence[tuple[Any, Any]]:
        adapter = get_order_adapter()
        return () if adapter is None else adapter.purchases_of(user, most, using)

    def order_history(self, since: datetime | None) -> Iterator[Bought]:
        adapter = get_order_adapter()
        if adapter is not None:
            yield from adapter.bought_since(since)

    def status(self) -> Mapping[str, Any]:
        return {"orders": status.report()}

    def status_lines(self, report: Mapping[str, Any]) -> list[str]:
        return status.lines(report["orders"]) if report["orders"] else []

    def gauges(self) -> Iterator[Gauge]:
        if conf.get("ORDERS", "SOURCE") is None:
            return
        rows = PendingOrder.objects.using(PendingOrder.objects.write_alias)
        yield Gauge(
            "outbox_orders",
            f"Changed orders that are not counted yet; estimated above {backlog.EXACT}.",
            [
                ({"state": "waiting"}, float(backlog.about(rows.waiting()))),
                ({"state": "dead"}, float(backlog.about(rows.dead()))),
            ],
        )
        yield Gauge(
            "outbox_orders_lag_seconds",
            "How long the oldest waiting order change has been due.",
            [({}, backlog.first_of(rows.waiting(), 1).lag_s)],
        )
