"""What a retrieval call answers with."""

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


class Candidate(NamedTuple):
    """A product that may become a hit, before it is loaded.

    ``category`` is by :func:`similarity.models.vectors.category_number`. ``step`` counts the
    tiers in the order asked.
    """

    key: Any
    group: str
    score: float
    category: int = 0
    tier: str = ""
    step: int = 0


@dataclass
class Taken:
    """Keys and variants' groups no later hit may have."""

    keys: set[Any] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    def add(self, found: Iterable[Candidate]) -> None:
        for one in found:
            self.keys.add(one.key)
            self.groups.add(one.group)


MODES = ("fused", *PARTS)


@dataclass(frozen=True)
class Query:
    """What is asked of ``similar_to``, apart from the product and the filter.

    Raises :class:`QueryError` naming the argument, its value and what it may be.
    """

    limit: int
    metric: str = "cosine"
    mode: str = "fused"
    #: part → weight, adding up to 1; None leaves the version's own.
    weights: Mapping[str, float] | None = None
    diversity: float = 0.0
    explain: bool = False
    #: Fill the shelf whatever there is; None leaves it to ``SIMILARITY["SHELVES"]["FILL"]``.
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
                    f"weights go with mode 'fused', and mode is {self.mode!r}; pass one of the two."
                )
            object.__setattr__(self, "weights", normalised_weights(self.weights))


def excluded_keys(exclude: Iterable[Any]) -> list[Any]:
    """Keys of the products a caller leaves out: instances, keys or a queryset."""
    if isinstance(exclude, str | bytes) or not isinstance(exclude, Iterable):
        raise QueryError(f"exclude is {exclude!r}; pass a list of products or keys.")
    return list(dict.fromkeys(key_of(product) for product in exclude))


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise QueryError(f"{name} is {value!r}; choose one of {', '.join(choices)}.")


def require_limit(limit: Any) -> None:
    """Raises :class:`QueryError` for anything but a whole number from 1 to ``MAX_LIMIT``."""
    most = conf.MAX_LIMIT
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= most:
        raise QueryError(
            f"limit is {limit!r:.100}; pass a whole number from 1 to {most} "
            "(SIMILARITY['MAX_LIMIT'])."
        )
