"""The models of whichever host a process tests: the demo shop's or the small host's."""

from django.apps import apps
from django.conf import settings

Product = apps.get_model(settings.SIMILARITY_PRODUCT_MODEL)
_models = apps.get_app_config(Product._meta.app_label)
Brand, Category, Customer, Order, OrderLine, ProductImage = (
    _models.get_model(name)
    for name in ("Brand", "Category", "Customer", "Order", "OrderLine", "ProductImage")
)
