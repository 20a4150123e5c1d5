"""An event to write, checked: no value of it can make the database refuse a whole batch."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from similarity.api.fields import is_storable
from similarity.events.models import Kind
from similarity.exceptions import QueryError

#: The largest price and quantity that are kept; others are taken for nonsense.
MAX_VALUE, MAX_QUANTITY = Decimal("9999999999.99"), 1_000_000
#: The most characters of a query and of a token.
MAX_QUERY, MAX_TOKEN = 200, 200

_CURRENCY = re.compile(r"[A-Z]{3}")
#: Queries that may name a person: an address or a number to call. Their words are not kept.
PERSONAL = re.compile(r"@|(?:\d[\s./-]?){7,}")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event of a product or of a query. ``product`` is of the model's own type.

    Raises :class:`QueryError` if a value cannot be kept. An error of the database would name the
    whole row, profile included, in the log.
    """

    kind: Kind
    at: datetime
    product: Any = None
    quantity: int = 1
    value: Decimal | None = None
    currency: str = ""
    query: str = ""
    token: str = ""

    def __post_init__(self) -> None:
        if (fault := self._fault()) is not None:
            raise QueryError(fault)
        if self.query and PERSONAL.search(self.query):
            object.__setattr__(self, "query", "")

    def _fault(self) -> str | None:
        if (self.product is None) != (self.kind is Kind.SEARCH):
            return "a search has a query and no product; every other event needs a product"
        whole = isinstance(self.quantity, int) and not isinstance(self.quantity, bool)
        if not whole or not 1 <= self.quantity <= MAX_QUANTITY:
            return f"quantity is {self.quantity!r:.60}; give a whole number from 1 to 1000000"
        if self.value is not None and not (self.value.is_finite() and 0 <= self.value <= MAX_VALUE):
            return f"value is {self.value!s:.60}; give a price from 0 to {MAX_VALUE}"
        if self.currency and not _CURRENCY.fullmatch(self.currency):
            return f"currency is {self.currency!r:.60}; give three capitals such as EUR"
        for name, text, most in (
            ("query", self.query, MAX_QUERY),
            ("token", self.token, MAX_TOKEN),
        ):
            if len(text) > most or not is_storable(text):
                return f"{name} must be a text of at most {most} characters without NUL"
        return None
