"""What is bought together, counted from the host's orders, and bundles.

The public door of the app: import nothing deeper.
"""

from similarity.lazy import lazy_door

_DOOR = {
    "Basket": "similarity.orders.adapter",
    "OrderAdapter": "similarity.orders.adapter",
    "bought_together": "similarity.orders.together",
    "bundle_offers": "similarity.orders.bundles.offers",
    "cart_companions": "similarity.orders.companions",
    "enqueue_orders": "similarity.orders.counting.updating",
    "product_companions": "similarity.orders.companions",
}
__all__ = sorted(_DOOR)
__getattr__, __dir__ = lazy_door(__name__, _DOOR)
