"""Products bought together, counted from the shop's orders, and bundles.

This module is the public interface of the app. A shop imports only from here, except for the models
in ``similarity.orders.models``.
"""

from typing import TYPE_CHECKING

from similarity.lazy import lazy_door

if TYPE_CHECKING:
    from similarity.exceptions import BundleError as BundleError
    from similarity.exceptions import CountError as CountError
    from similarity.orders.adapter import Basket as Basket
    from similarity.orders.adapter import OrderAdapter as OrderAdapter
    from similarity.orders.adapter import Sale as Sale
    from similarity.orders.adapter import get_order_adapter as get_order_adapter
    from similarity.orders.bundles.offers import Offer as Offer
    from similarity.orders.bundles.offers import bundle_offers as bundle_offers
    from similarity.orders.bundles.offers import offers_of as offers_of
    from similarity.orders.companions import cart_companions as cart_companions
    from similarity.orders.companions import product_companions as product_companions
    from similarity.orders.counting.engine import CountingRule as CountingRule
    from similarity.orders.counting.engine import Engine as Engine
    from similarity.orders.counting.spark import LineColumns as LineColumns
    from similarity.orders.counting.spark import SparkEngine as SparkEngine
    from similarity.orders.counting.updating import enqueue_orders as enqueue_orders
    from similarity.orders.mapping import MappedOrders as MappedOrders
    from similarity.orders.oscar import OscarOrders as OscarOrders
    from similarity.orders.partner_shelf import bought_together as bought_together

_DOOR = {
    "Basket": "similarity.orders.adapter",
    "BundleError": "similarity.exceptions",
    "CountError": "similarity.exceptions",
    "CountingRule": "similarity.orders.counting.engine",
    "Engine": "similarity.orders.counting.engine",
    "LineColumns": "similarity.orders.counting.spark",
    "MappedOrders": "similarity.orders.mapping",
    "Offer": "similarity.orders.bundles.offers",
    "OrderAdapter": "similarity.orders.adapter",
    "OscarOrders": "similarity.orders.oscar",
    "Sale": "similarity.orders.adapter",
    "SparkEngine": "similarity.orders.counting.spark",
    "bought_together": "similarity.orders.partner_shelf",
    "bundle_offers": "similarity.orders.bundles.offers",
    "cart_companions": "similarity.orders.companions",
    "enqueue_orders": "similarity.orders.counting.updating",
    "get_order_adapter": "similarity.orders.adapter",
    "offers_of": "similarity.orders.bundles.offers",
    "product_companions": "similarity.orders.companions",
}
__all__ = sorted(_DOOR)

if not TYPE_CHECKING:  # type checkers must not take a wrong name for a lazy one
    __getattr__, __dir__ = lazy_door(__name__, _DOOR)
