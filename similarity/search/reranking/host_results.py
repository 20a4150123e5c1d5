"""The results that a host passes for re-ranking, in any of the accepted forms."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet

from similarity.exceptions import QueryError
from similarity.similar.hits import Hit
from similarity.similar.within import key_field, key_of

Scores = npt.NDArray[np.float64]

#: The most results that are re-ordered; later results keep their order.
MAX_RERANKED = 200


@dataclass(frozen=True)
class HostResults:
    """``head``: the N results to re-order; ``rest``: the results that stay behind them.

    ``keys`` (N): their products' keys; None if a result cannot be a product. ``scores``: float64
    (N,), higher is better; None if the host gave no scores.
    """

    head: list[Any]
    rest: list[Any]
    keys: list[Any]
    scores: Scores | None

    @property
    def is_of_search(self) -> bool:
        """Return True if all results are hits of this plugin's own search."""
        return all(isinstance(item, Hit) for item in self.head)


def read_results(results: Any) -> HostResults:
    """Read a list, tuple or queryset of products, keys, hits or (either, score) pairs.

    Results of another package are read by their ``pk`` or ``object``, for example Haystack's.

    ``MAX_RERANKED`` results are re-ordered. An unsliced queryset is read only that far. Raises
    :class:`QueryError` for other types.
    """
    most = MAX_RERANKED
    if isinstance(results, QuerySet):
        items = list(results if results.query.is_sliced else results[:most])
    elif isinstance(results, Iterable) and not isinstance(results, str | bytes | dict):
        items = list(results)
    else:
        raise QueryError(
            f"results is {results!r:.80}; pass a list or queryset of products or of their keys, "
            "or pairs of one and its score."
        )
    head = items[:most]
    keys = [_key(_product(item)) for item in head]
    return HostResults(head, items[most:], keys, _scores(head))


def _product(item: Any) -> Any:
    if isinstance(item, Hit):
        return item.key
    return item[0] if _is_pair(item) else item


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple | list) and len(item) == 2


def _key(product: Any) -> Any:
    """Return the key; None for a value that cannot be a key, such as a value of an outdated index.

    Raises :class:`QueryError` for an object of another model, because that is a mistake.
    """
    if not isinstance(product, Model):
        product = _named_by(product)
    try:
        key = key_of(product)
    except QueryError:
        if isinstance(product, Model):
            raise
        return None
    return key if _is_storable(key) else None


def _named_by(result: Any) -> Any:
    """Return the key in another package's result (``pk`` or ``object``); else ``result`` itself.

    Returns None for a result of another model, because an index may hold several models.
    """
    model = getattr(result, "model", None)
    if isinstance(model, type) and not issubclass(model, key_field().model):
        return None
    key = getattr(result, "pk", None)
    if key is None:
        found = getattr(result, "object", None)
        key = found if isinstance(found, Model) else None
    return result if key is None else key


def _is_storable(key: Any) -> bool:
    """Return True if the column can hold it; a too large number, for example, makes the query
    fail."""
    if isinstance(key, str):
        return "\0" not in key and key.isprintable()
    if isinstance(key, int):
        kind = key_field().get_internal_type()
        low, high = connections[DEFAULT_DB_ALIAS].ops.integer_field_range(kind)
        return (low is None or key >= low) and (high is None or key <= high)
    return True


def _scores(items: Sequence[Any]) -> Scores | None:
    """Return the scores; None unless every result has a finite number."""
    numbers = []
    for item in items:
        score = item.score if isinstance(item, Hit) else item[1] if _is_pair(item) else None
        if isinstance(score, bool) or not isinstance(score, int | float | np.number):
            return None
        if not math.isfinite(score):
            return None
        numbers.append(float(score))
    return np.array(numbers) if numbers else None
