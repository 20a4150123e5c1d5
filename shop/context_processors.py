from django.http import HttpRequest

from shop.cart import Cart
from shop.navigation import top_categories

NAVIGATION_LINKS = 8


def shop(request: HttpRequest) -> dict[str, object]:
    """What the header of every page shows; nothing is read before a template asks for it."""
    return {
        "navigation": top_categories()[:NAVIGATION_LINKS],
        "cart_count": lambda: len(Cart(request.session)),
    }
