"""What a search answers, and where one of its pages ended."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from similarity.exceptions import QueryError
from similarity.search.prices import PriceRange
from similarity.similar.hits import Hit
from similarity.similar.within import key_of


class FacetValue(NamedTuple):
    """A value of an attribute, and how many of the products found have it."""

    value: str
    count: int  # type: ignore[assignment] # a tuple counts too; nobody asks this one


class PriceBucket(NamedTuple):
    """Products found of ``low`` ≤ price < ``high`` (of the last bucket, ≤)."""

    low: Decimal
    high: Decimal
    count: int  # type: ignore[assignment] # a tuple counts too; nobody asks this one


class Outcome(StrEnum):
    """What became of a search."""

    #: Products match: ``total`` of them.
    FOUND = "found"
    #: None matches; what is near in meaning stands in ``related``.
    RELATED = "related"
    #: None that matches has the price that the query names; ``related`` holds those of any price.
    PRICED_OUT = "priced_out"
    #: None that matches passes the shopper's filters; ``related`` holds those that do not.
    FILTERED_OUT = "filtered_out"
    #: The time was up before the products were looked through: ask again.
    OUT_OF_TIME = "out_of_time"
    #: Nothing matches, and nothing is near.
    NOTHING = "nothing"


@dataclass(frozen=True)
class SearchPage:
    """Hits of one page, best first, and what to show around them.

    ``hits`` match by codes or words; where ``rescued`` is ``popular`` they are best sellers,
    and no answer.
    """

    hits: list[Hit]
    #: Products that match, MAX_DEPTH at most; of variants one counts. The pages hold them all, and
    #: no order, and no vector that is late, changes which they are.
    total: int
    outcome: Outcome = Outcome.FOUND
    #: Products that are near and no match, best first: they hold some of the words, are alike in
    #: meaning, or match but for price or filters. On the page where the matches end.
    related: Sequence[Hit] = ()
    #: The price that was read in the query; None where it names none.
    price: PriceRange | None = None
    #: The query as it was typed without the price; "" where it names none.
    without_price: str = ""
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
    #: What stands in where no product holds every word: ``near_code`` (hits whose code is one slip
    #: from the query, and so another product's), ``some_words`` (hits that hold at least half of
    #: what was asked for), ``text`` (no hits; ``related`` is alike in meaning), ``popular`` (hits
    #: are best sellers, no answer to the query); "" where none was needed.
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
