from django.http import HttpRequest

from shop.cart import Cart
from shop.navigation import top_categories
from similarity.events import profile_of, refuses

NAVIGATION_LINKS = 8


def shop(request: HttpRequest) -> dict[str, object]:
    """Return the content of every page's header; it is read when a template uses it."""
    return {
        "navigation": top_categories()[:NAVIGATION_LINKS],
        "cart_count": lambda: len(Cart(request.session)),
        "ask_consent": lambda: not refuses(request) and profile_of(request) is None,
        "remembered": lambda: request.user.is_authenticated or profile_of(request) is not None,
    }
