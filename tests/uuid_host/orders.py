"""Orders of a host that keeps them elsewhere than in a model: read by an adapter of its own."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import ClassVar

from django.utils import timezone

from similarity.orders.adapter import Basket, OrderAdapter, Sale
from tests.uuid_host.models import Tag


class ListedOrders(OrderAdapter):
    """Each of ``bought`` is an order of yesterday, each by another shopper."""

    model = Tag  # nothing is saved to it here, so that no order changes by a signal
    bought: ClassVar[list[tuple]] = []

    def baskets(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Basket]:
        at = timezone.now() - timedelta(days=1)
        for number, products in enumerate(self.bought):
            yield Basket(str(number), f"shopper {number}", at, tuple(products))

    def baskets_of(self, keys: Iterable[str]) -> Iterator[Basket]:
        wanted = set(keys)
        return (basket for basket in self.baskets() if basket.key in wanted)

    def sales(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Sale]:
        return iter(())
