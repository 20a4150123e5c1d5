"""A shelf that is fetched after the page: what it shows travels in a signed address.

Signed, so that nobody else chooses a template or has the server work for a shelf no page
asked for; its stamp changes once in a period, so that a page with the address in it can be
cached, and an address that was taken from a page does not work for ever.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import Any, Self

from django.core import signing

DEFAULT_TEMPLATE = "similarity/similar_products.html"

SIGNER = signing.Signer(salt="similarity.fragment")

#: An address works until the end of the period after the one it was made in.
PERIOD_S = 30 * 24 * 3600


@dataclass(frozen=True)
class ShelfArguments:
    """The arguments of ``{% similar_products %}`` that can travel."""

    product: str
    limit: int
    title: str
    diversity: float
    explain: bool
    template: str
    #: Of the page, because the address of the shelf names none.
    language: str = ""

    @property
    def shelf_id(self) -> str:
        """An element id, the same at each request, so that a page and its ETag stay as they are."""
        told = json.dumps(asdict(self), sort_keys=True).encode()
        return f"similarity-{hashlib.blake2s(told, digest_size=6).hexdigest()}"

    def signed(self) -> str:
        return SIGNER.sign_object({**asdict(self), "period": _period()}, compress=True)

    @classmethod
    def from_signed(cls, text: str) -> Self:
        """Raises :class:`django.core.signing.BadSignature` for what :meth:`signed` did not give,
        or gave too long ago."""
        told: dict[str, Any] = SIGNER.unsign_object(text)
        made = told.pop("period", None)
        if not isinstance(made, int) or not _period() - 1 <= made <= _period():
            raise signing.SignatureExpired("the shelf's address is too old")
        try:
            return cls(**told)
        except TypeError as error:  # signed by another release, with other arguments
            raise signing.BadSignature(f"{sorted(told)} are not a shelf's arguments") from error


def _period() -> int:
    return int(time.time() // PERIOD_S)
