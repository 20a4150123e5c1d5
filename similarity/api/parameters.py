"""The query string of the similar-products endpoint, read and checked."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import QueryDict

from similarity.api.errors import BadParameter
from similarity.api.query_string import read_limit, read_lists
from similarity.catalog.adapter import CatalogAdapter
from similarity.exceptions import QueryError
from similarity.similar.filters import boolean
from similarity.similar.hits import Query

SIGNER = signing.Signer(salt="similarity.cursor")

DEFAULT_LIMIT = 8

#: What shapes the answer, besides the filters.
OPTIONS = ("limit", "cursor", "weights", "diversity", "metric", "mode", "explain")


@dataclass(frozen=True)
class Parameters:
    """``options`` are arguments of ``similar_page``; ``filters`` is name → values."""

    limit: int
    options: Mapping[str, Any]
    filters: Mapping[str, Sequence[str]]
    cursor: str | None

    @classmethod
    def parse(
        cls, query: QueryDict, adapter: CatalogAdapter, options: Sequence[str] = OPTIONS
    ) -> "Parameters":
        """The parameters of an endpoint that takes ``options`` and filters.

        Raises :class:`BadParameter` naming the parameter, its value and what it may be.
        """
        lists = read_lists(query.lists(), options, adapter)
        given = {name: lists.pop(name)[-1] for name in options if name in lists}
        read: dict[str, Any] = {name: given[name] for name in ("metric", "mode") if name in given}
        if "weights" in given:
            read["weights"] = _weights(given["weights"])
        if "diversity" in given:
            read["diversity"] = _number("diversity", given["diversity"])
        if "explain" in given:
            read["explain"] = boolean("explain", given["explain"])
        _require_served(read)
        limit = read_limit(given.get("limit"), DEFAULT_LIMIT)
        return cls(limit, read, lists, given.get("cursor"))

    def after(self, key: Any, version: int | None) -> str | None:
        """What the cursor stands for, if it belongs to this query and version."""
        if self.cursor is None:
            return None
        try:
            query, made_for, position = SIGNER.unsign_object(self.cursor)
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise BadParameter(
                "cursor is not one this API gave; leave it out to start anew.", "cursor"
            ) from error
        if query != self._digest(key) or made_for != version:
            raise BadParameter(
                "cursor belongs to another query, or to vectors replaced since; leave it out to "
                "start anew.",
                "cursor",
            )
        return str(position)

    def cursor_for(self, key: Any, version: int | None, position: str) -> str:
        """The signed cursor of the page that follows."""
        return SIGNER.sign_object([self._digest(key), version, position])

    def _digest(self, key: Any) -> str:
        told = [str(key), self.options, self.filters]  # the limit may change between pages
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _require_served(options: Mapping[str, Any]) -> None:
    """What retrieval would refuse, refused under the parameter's name."""
    for name, value in options.items():
        try:
            Query(limit=1, **{name: value})
        except QueryError as error:
            raise BadParameter(str(error), name) from error
    try:
        Query(limit=1, **options)
    except QueryError as error:  # each is good, and weights go with one mode only
        raise BadParameter(str(error), "weights") from error


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadParameter(f"{name} is {text!r}; give a number.", name)
    return number


def _weights(text: str) -> dict[str, float]:
    """``text:0.5,image:0.5`` as a dict."""
    weights: dict[str, float] = {}
    for item in text.split(","):
        part, colon, weight = item.partition(":")
        if not colon or not part.strip() or part.strip() in weights:
            raise BadParameter(
                f"weights is {text!r}; write part:weight pairs such as text:0.5,image:0.5.",
                "weights",
            )
        weights[part.strip()] = _number("weights", weight)
    return weights
