"""Pseudonyms: numbers that distinguish customers without identifying them.

The number is a keyed hash: a customer's number cannot be found without the host's ``SECRET_KEY``. A
changed key takes effect with the next full count.

An order without a known customer has a negative number: it is counted but adds no shopper.
"""

import hashlib
import hmac
import unicodedata
from functools import cache

from django.conf import settings

from similarity.orders.adapter import Basket


def shopper_of(basket: Basket) -> int:
    """Return the customer's pseudonym of 63 bits; a negative number if the customer is unknown."""
    customer = unicodedata.normalize("NFKC", basket.customer).strip().lower()
    text = f"customer:{customer}" if customer else f"order:{basket.key}"
    digest = hmac.digest(_key(settings.SECRET_KEY), text.encode("utf-8", "surrogatepass"), "sha256")
    number = int.from_bytes(digest[:8], "big") >> 1
    return number if customer else -1 - number


def is_known(shopper: int) -> bool:
    """Return True if the pseudonym belongs to a known customer, who counts as a shopper."""
    return shopper >= 0


@cache
def _key(secret: str | bytes) -> bytes:
    """Return a key for this purpose only, derived from the host's key."""
    secret = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(secret, b"similarity.copurchase.shopper", hashlib.sha256)
