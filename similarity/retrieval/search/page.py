"""What a search answers, and where one of its pages ended."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from similarity.exceptions import QueryError
from similarity.retrieval.hits import Hit
from similarity.retrieval.within import key_of


class FacetValue(NamedTuple):
    """A value of an attribute, and how many of the products found have it."""

    value: str
    count: int  # type: ignore[assignment] # a tuple counts too; nobody asks this one


class PriceBucket(NamedTuple):
    """Products found of ``low`` ≤ price < ``high`` (of the last bucket, ≤)."""

    low: Decimal
    high: Decimal
    count: int  # type: ignore[assignment] # a tuple counts too; nobody asks this one


@dataclass(frozen=True)
class SearchPage:
    """Hits of one page, best first, and what to show around them."""

    hits: list[Hit]
    #: Products that the pages hold together, MAX_DEPTH at most; of variants one counts.
    total: int
    #: False where there are more than ``total``, to be shown as "1000+".
    total_is_exact: bool = True
    #: Attribute → its values, the most frequent first; those asked for.
    facets: Mapping[str, Sequence[FacetValue]] = field(default_factory=dict)
    #: Histogram of prices, where the facet ``price`` was asked for.
    prices: Sequence[PriceBucket] = ()
    #: False where counts are estimates of two digits, for so many were found, or where the
    #: time was up and some that were asked for are missing.
    facets_are_exact: bool = True
    #: The query with misspelt words put right; "" where nothing is to be put right.
    did_you_mean: str = ""
    #: Whether the hits are those of ``did_you_mean``, since the query as typed finds nothing.
    corrected: bool = False
    #: How hits were found where no product holds every word: ``near_code`` (by a code that is one
    #: slip from the query, and so another product's), ``some_words``, ``text`` (by meaning alone),
    #: ``popular`` (best sellers, no answer to the query); "" where none was needed.
    rescued: str = ""
    #: Cursor to pass as ``after`` for the page that follows; None at the end.
    next: str | None = None
    #: Whether the query's vector took part.
    hybrid: bool = False
    took_ms: float = 0.0


class Position(NamedTuple):
    """The last hit shown, how many were so far, and whether by a ranking with vectors."""

    key: Any
    seen: int
    hybrid: bool

    @property
    def token(self) -> str:
        text = json.dumps([str(self.key), self.seen, int(self.hybrid)])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> "Position":
        """Raises :class:`QueryError` for anything that is no token of ours."""
        try:
            padded = token.encode("ascii") + b"=" * (-len(token) % 4)
            key, seen, hybrid = json.loads(base64.b64decode(padded, b"-_", validate=True))
            if not isinstance(seen, int) or isinstance(seen, bool) or seen < 0:
                raise ValueError(seen)
            return cls(key_of(key), seen, bool(hybrid))
        except (
            AttributeError,
            TypeError,
            ValueError,
            RecursionError,
            binascii.Error,
            QueryError,
        ) as error:
            raise QueryError(
                f"after is {token!r:.100}; pass the cursor of the page before, as it was given."
            ) from error

    def following(self, keys: Sequence[Any]) -> int:
        """Where the next page starts: after the same product, or where it is gone from the
        answer after as many as were shown."""
        return keys.index(self.key) + 1 if self.key in keys else self.seen
