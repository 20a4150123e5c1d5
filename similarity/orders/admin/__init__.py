"""Orders in the admin: changes that wait to be counted, and bundles."""

from similarity.orders.admin import bundles, orders

__all__ = ["bundles", "orders"]
