"""What a retrieval call answers with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Model


class Reason(NamedTuple):
    """One reason for a hit. The shares of a hit's reasons add up to 1."""

    #: ``text``, ``picture``, ``colour``, ``brand``, ``category``, ``attributes`` or ``price``;
    #: of what is bought together ``copurchase`` or ``complement``.
    name: str
    share: float
    #: A short sentence for a shopper, in the active language.
    text: str


@dataclass(frozen=True)
class Hit:
    """A product that answers a query.

    ``score`` is in [0, 1], higher is better; it compares hits of one call and one tier.
    ``tier`` names where the hit came from: ``fused``, ``text``, ``image``, ``colour``,
    ``attributes`` by vectors, ``copurchase`` by orders, then ``complement``, ``category``,
    ``popular``, ``newest`` and ``catalogue``, whose score is 0 for nothing was measured.
    """

    key: str
    score: float
    tier: str
    reasons: tuple[Reason, ...] = ()
    pinned: bool = False
    #: The host's object, with whatever the ``within`` queryset selects or prefetches.
    product: Model | None = None


class Page(NamedTuple):
    """Hits, and the cursor to pass as ``after`` for those that follow; None at the end.

    ``version`` is the key of the version whose vectors found them all, None without a live one.
    """

    hits: Sequence[Hit]
    next: str | None
    version: int | None = None
