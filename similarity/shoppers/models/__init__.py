"""Tables of personal recommendations."""

from similarity.shoppers.models.public_counts import AlsoViewedItem, PublicRelease, TrendingItem
from similarity.shoppers.models.shopper_models import ShopperModel

__all__ = ["AlsoViewedItem", "PublicRelease", "ShopperModel", "TrendingItem"]
