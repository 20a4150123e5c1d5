"""Queries and answers of retrieval: hits, reasons, pages, candidates, and checks of arguments."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import Model

from similarity import conf
from similarity.exceptions import QueryError
from similarity.parts import PARTS
from similarity.similar.scoring import METRICS, normalised_weights
from similarity.similar.within import key_of

MODES = ("fused", *PARTS)


class Reason(NamedTuple):
    """A reason for a hit. The shares of a hit's reasons add up to 1."""

    #: ``text``, ``picture``, ``colour``, ``brand``, ``category``, ``attributes`` or ``price``;
    #: for products bought together ``copurchase`` or ``complement``.
    name: str
    share: float
    #: A short sentence for a shopper, in the active language.
    text: str


@dataclass(frozen=True)
class Hit:
    """A product that answers a query.

    ``score`` is in [0, 1], higher is better; it compares hits of the same call and tier. ``tier``
    is the origin of the hit: ``fused``, ``text``, ``image``, ``colour``, ``attributes`` by
    vectors, ``copurchase`` by orders, then ``complement``, ``category``, ``popular``, ``newest``
    and ``catalogue``, whose score is 0 because no likeness was measured.
    """

    key: str
    score: float
    tier: str
    reasons: tuple[Reason, ...] = ()
    pinned: bool = False
    #: The host's object, with everything the ``within`` queryset selects or prefetches.
    product: Model | None = None


class Page(NamedTuple):
    """Hits, and the cursor to pass as ``after`` for the next page; None at the end.

    ``version`` is the key of the version whose vectors found them; None without a live version.
    """

    hits: Sequence[Hit]
    next: str | None
    version: int | None = None


class Candidate(NamedTuple):
    """A product that may become a hit, before it is loaded.

    ``category`` is by :func:`similarity.models.vectors.category_number`. ``step`` counts the
    tiers in their order.
    """

    key: Any
    group: str
    score: float
    category: int = 0
    tier: str = ""
    step: int = 0


@dataclass
class Taken:
    """Keys and variants' groups that no later hit may have."""

    keys: set[Any] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    def add(self, found: Iterable[Candidate]) -> None:
        for one in found:
            self.keys.add(one.key)
            self.groups.add(one.group)


@dataclass(frozen=True)
class Query:
    """The arguments of ``similar_to``, except the product and the filter.

    Raises :class:`QueryError` with the argument, its value and the allowed values.
    """

    limit: int
    metric: str = "cosine"
    mode: str = "fused"
    #: part → weight, adding up to 1; None uses the version's own weights.
    weights: Mapping[str, float] | None = None
    diversity: float = 0.0
    explain: bool = False
    #: Fill the shelf with any products; None means ``SIMILARITY["SHELVES"]["FILL"]``.
    fill: bool | None = None

    def __post_init__(self) -> None:
        require_limit(self.limit)
        _require_choice("metric", self.metric, METRICS)
        _require_choice("mode", self.mode, MODES)
        number = isinstance(self.diversity, int | float) and math.isfinite(self.diversity)
        if not number or not 0 <= self.diversity <= 1:
            raise QueryError(f"diversity is {self.diversity!r}; pass a number from 0 to 1.")
        if self.fill is None:
            object.__setattr__(self, "fill", bool(conf.get("SHELVES", "FILL")))
        if self.weights is not None:
            if self.mode != "fused":
                raise QueryError(
                    f"weights need mode 'fused', but mode is {self.mode!r}; leave out either."
                )
            object.__setattr__(self, "weights", normalised_weights(self.weights))


def excluded_keys(exclude: Iterable[Any]) -> list[Any]:
    """Return keys of the products a caller excludes: instances, keys or a queryset."""
    if isinstance(exclude, str | bytes) or not isinstance(exclude, Iterable):
        raise QueryError(f"exclude is {exclude!r}; pass a list of products or keys.")
    return list(dict.fromkeys(key_of(product) for product in exclude))


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise QueryError(f"{name} is {value!r}; choose one of {', '.join(choices)}.")


def require_limit(limit: Any) -> None:
    """Raise :class:`QueryError` if ``limit`` is not a whole number from 1 to ``MAX_LIMIT``."""
    most = conf.MAX_LIMIT
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= most:
        raise QueryError(f"limit is {limit!r:.100}; pass a whole number from 1 to {most}.")
