"""Tables of orders and bundles, by topic."""

from similarity.orders.models.bundles import Bundle
from similarity.orders.models.complements import CategoryComplement
from similarity.orders.models.counts import (
    CountedBasket,
    CountedItem,
    CountedProduct,
    CountRun,
    PairCounts,
    PendingOrder,
    ProductPartners,
)

__all__ = [
    "Bundle",
    "CategoryComplement",
    "CountRun",
    "CountedBasket",
    "CountedItem",
    "CountedProduct",
    "PairCounts",
    "PendingOrder",
    "ProductPartners",
]
