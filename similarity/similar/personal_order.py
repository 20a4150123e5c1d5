"""Hits of any shelf or search in an order that takes the shopper into account, when asked."""

from collections.abc import Mapping, Sequence
from logging import getLogger
from typing import Any

import numpy as np
from django.db import router
from django.http import HttpRequest

from similarity.extension import first_known
from similarity.logs import log_error
from similarity.models import ProductVectors
from similarity.similar.hits import Hit
from similarity.similar.within import key_field

logger = getLogger(__name__)

#: The weight of one standard deviation of nearness to the shopper. The place in the list has 1 for
#: the first hit and ½ for the eleventh, so a product the shopper is much nearer to than to the
#: others moves some places and never from the end to the front. See docs/shoppers.md for figures.
PERSONAL_WEIGHT = 0.05
_HALF_AT = 10.0


def in_personal_order(
    hits: Sequence[Hit], request: HttpRequest, weight: float = PERSONAL_WEIGHT
) -> list[Hit]:
    """Return the same hits, those nearer to the shopper of this request further up.

    In the given order without consent, without a history, or if the shopper cannot be judged.
    """
    keys = [key_field().to_python(hit.key) for hit in hits]
    using = router.db_for_read(ProductVectors)
    nearness = read_nearness(request, keys, using) if len(hits) > 1 else {}
    if not nearness:
        return list(hits)
    order = personal_order([nearness.get(key) for key in keys], weight)
    return [hits[at] for at in order]


def personal_order(nearness: Sequence[float | None], weight: float) -> list[int]:
    """Return the positions of N hits, best first, from how near each is to the shopper."""
    values = np.array([np.nan if one is None else one for one in nearness])
    known = np.isfinite(values)
    deviation = float(values[known].std()) if known.any() else 0.0
    if deviation < 1e-9:
        return list(range(len(values)))
    moved = np.where(known, (values - values[known].mean()) / deviation, 0.0)
    places = _HALF_AT / (_HALF_AT + np.arange(len(values)))
    return np.argsort(-(places + weight * moved), kind="stable").tolist()


def read_nearness(request: HttpRequest, keys: Sequence[Any], using: str) -> Mapping[Any, float]:
    """Return key → nearness to the shopper, in [-1, 1], by the first app that knows them."""
    unknown: Mapping[Any, float] = {}
    try:
        return first_known(lambda one: one.nearness(request, keys, using), unknown)
    except Exception as error:  # noqa: BLE001 - a door: the order is only less personal
        log_error(logger, error, "Results are not re-ordered for the shopper.")
        return unknown
