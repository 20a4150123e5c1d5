"""Who placed an order, as a number that tells customers apart and names nobody.

The number is a keyed hash: without the host's ``SECRET_KEY`` nobody can find out which
number a customer has. A changed key takes effect with the next full count.

An order whose customer is not known has a negative number: it is counted, and is no shopper's.
"""

import hashlib
import hmac
import unicodedata
from functools import cache

from django.conf import settings

from similarity.orders.adapter import Basket


def shopper_of(basket: Basket) -> int:
    """The pseudonym of the customer, of 63 bits; a negative number where none is known."""
    customer = unicodedata.normalize("NFKC", basket.customer).strip().lower()
    text = f"customer:{customer}" if customer else f"order:{basket.key}"
    digest = hmac.digest(_key(settings.SECRET_KEY), text.encode("utf-8", "surrogatepass"), "sha256")
    number = int.from_bytes(digest[:8], "big") >> 1
    return number if customer else -1 - number


def is_known(shopper: int) -> bool:
    """Whether a pseudonym is a customer's, who counts as a shopper."""
    return shopper >= 0


@cache
def _key(secret: str | bytes) -> bytes:
    """A key of this purpose alone, derived from the host's."""
    secret = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(secret, b"similarity.copurchase.shopper", hashlib.sha256)
