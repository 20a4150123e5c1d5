"""The result of a search, and the cursor that marks where a page ended."""

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
    """A value of an attribute, and how many of the found products have it."""

    value: str
    count: int  # type: ignore[assignment] # hides tuple.count, which is not used here


class PriceBucket(NamedTuple):
    """Found products with ``low`` ≤ price < ``high`` (≤ in the last bucket)."""

    low: Decimal
    high: Decimal
    count: int  # type: ignore[assignment] # hides tuple.count, which is not used here


class Outcome(StrEnum):
    """How a search ended."""

    #: ``total`` products match.
    FOUND = "found"
    #: No product matches; ``related`` holds products near in meaning.
    RELATED = "related"
    #: No matching product has the price that the query names; ``related`` holds those of any price.
    PRICED_OUT = "priced_out"
    #: No matching product passes the shopper's filters; ``related`` holds those outside the
    #: filters.
    FILTERED_OUT = "filtered_out"
    #: The time was up before the products were searched; the shopper can try again.
    OUT_OF_TIME = "out_of_time"
    #: No product matches, and no product is near in meaning.
    NOTHING = "nothing"


@dataclass(frozen=True)
class SearchPage:
    """Hits of one page, best first, and the data to show around them.

    ``hits`` match by codes or words. If ``rescued`` is ``popular``, they are best sellers and do
    not answer the query.
    """

    hits: list[Hit]
    #: Products that match, at most MAX_DEPTH; a group of variants counts once. The pages hold all
    #: of them. Neither the sort order nor a late vector changes which products they are.
    total: int
    outcome: Outcome = Outcome.FOUND
    #: Related products that do not match, best first: they hold some of the words, are similar in
    #: meaning, or match except for price or filters. Filled on the page on which the matches end.
    related: Sequence[Hit] = ()
    #: The price read in the query; None if the query names no price.
    price: PriceRange | None = None
    #: The query as typed, without the price; "" if the query names no price.
    without_price: str = ""
    #: False if there are more than ``total``: show "1000+".
    total_is_exact: bool = True
    #: Requested attribute → its values, the most frequent first.
    facets: Mapping[str, Sequence[FacetValue]] = field(default_factory=dict)
    #: Histogram of prices, if the facet ``price`` was requested.
    prices: Sequence[PriceBucket] = ()
    #: False if counts are estimates of two digits because very many products were found, or if the
    #: time was up and some requested facets are missing.
    facets_are_exact: bool = True
    #: The query with misspelt words corrected; "" if it needs no correction.
    did_you_mean: str = ""
    #: True if the hits belong to ``did_you_mean``, because the query as typed finds no products.
    corrected: bool = False
    #: The substitute if no product holds every word: ``near_code`` (hits whose code is one slip
    #: from the query, so codes of other products), ``some_words`` (hits that hold at least half of
    #: the words), ``text`` (no hits; ``related`` is similar in meaning), ``popular`` (hits are best
    #: sellers and do not answer the query); "" if no substitute was needed.
    rescued: str = ""
    #: Cursor to pass as ``after`` for the next page; None at the end.
    next: str | None = None
    #: True if the query's vector took part.
    hybrid: bool = False
    took_ms: float = 0.0


class Position(NamedTuple):
    """The last hit shown, the number of hits so far, and whether vectors took part."""

    key: Any
    seen: int
    hybrid: bool

    @property
    def token(self) -> str:
        text = json.dumps([str(self.key), self.seen, int(self.hybrid)])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> "Position":
        """Read a cursor; raise :class:`QueryError` if it was not made by :attr:`token`."""
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
        """Return where the next page starts: after the last hit shown.

        If that product has left the result, start after as many hits as were shown.
        """
        return keys.index(self.key) + 1 if self.key in keys else self.seen
