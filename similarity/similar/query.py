"""The arguments of a retrieval call, checked."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from similarity import conf
from similarity.exceptions import QueryError
from similarity.models.vectors import PARTS
from similarity.similar.scoring import METRICS, normalised_weights
from similarity.similar.within import key_of

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
        most = conf.MAX_LIMIT
        whole = isinstance(self.limit, int) and not isinstance(self.limit, bool)
        if not whole or not 1 <= self.limit <= most:
            raise QueryError(f"limit is {self.limit!r}; pass a whole number from 1 to {most} .")
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
