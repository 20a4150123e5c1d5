"""Pages for staff: the training runs of models, and the model that answers."""

from similarity.shoppers.admin.shopper_models import ShopperModelAdmin

__all__ = ["ShopperModelAdmin"]
