"""Tables of personal recommendations."""

from similarity.shoppers.models.shopper_models import ShopperModel

__all__ = ["ShopperModel"]
