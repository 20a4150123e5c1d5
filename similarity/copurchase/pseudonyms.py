"""Who placed an order, as a number that tells customers apart and names nobody.

The number is a keyed hash: without the host's ``SECRET_KEY`` nobody can find out which
number a customer has. A changed key takes effect with the next full count.
"""

import hashlib
import hmac
from functools import cache

from django.conf import settings

from similarity.catalog.orders import Basket


def shopper_of(basket: Basket) -> int:
    """The pseudonym of who placed the order, a signed 64-bit number; a guest has one an order."""
    text = f"customer:{basket.customer}" if basket.customer else f"order:{basket.key}"
    digest = hmac.digest(_key(settings.SECRET_KEY), text.encode("utf-8", "surrogatepass"), "sha256")
    return int.from_bytes(digest[:8], "big", signed=True)


@cache
def _key(secret: str | bytes) -> bytes:
    """A key of this purpose alone, derived from the host's."""
    secret = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(secret, b"similarity.copurchase.shopper", hashlib.sha256)
