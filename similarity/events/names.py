"""Names of events that shops already use, and the kinds that they stand for."""

from similarity.events.models import Kind

#: Our own name of each kind, then the names of GA4 and of Segment.
NAMES: dict[Kind, tuple[str, ...]] = {
    Kind.VIEW: ("view", "view_item", "Product Viewed"),
    Kind.CLICK: ("click", "select_item", "Product Clicked"),
    Kind.ADD_TO_CART: ("add_to_cart", "Product Added"),
    Kind.PURCHASE: ("purchase", "Order Completed"),
    Kind.SEARCH: ("search", "view_search_results", "Products Searched"),
    Kind.IMPRESSION: ("impression", "view_item_list", "Product List Viewed"),
    Kind.LIKE: ("like", "add_to_wishlist", "Product Added to Wishlist"),
    Kind.DISLIKE: ("dislike",),
    Kind.NOT_INTERESTED: ("not_interested",),
}

_KINDS = {name.lower().replace(" ", "_"): kind for kind, names in NAMES.items() for name in names}


def kind_of(name: str) -> Kind | None:
    """Return the kind that a name stands for; None for a name that stands for none."""
    return _KINDS.get(name.strip().lower().replace(" ", "_"))
