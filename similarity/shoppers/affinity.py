"""How near given products are to a shopper, by which other shelves and searches are re-ordered."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from similarity.catalog.adapter import get_adapter
from similarity.models.stored_vectors import read_vectors
from similarity.shoppers.live_model import read_live_model
from similarity.shoppers.personal_tier import PersonalTier
from similarity.shoppers.shopper import read_shopper_history, shopper_of
from similarity.similar.planner_settings import savepoint
from similarity.similar.within import Within


def read_affinity(who: Any, keys: Sequence[Any], using: str) -> Mapping[Any, float]:
    """Return key → cosine of a product's item vector with the shopper's vector, in [-1, 1].

    Products that the shopper turned down have -1. Empty without a history or a live model that
    knows it. Runs the queries of a personal shelf without its search.
    """
    adapter, shopper = get_adapter(), shopper_of(who)
    with savepoint(using):
        history = read_shopper_history(shopper, using)
        model = read_live_model(using) if history.events and keys else None
        if model is None:
            return {}
        room = Within(adapter.model._base_manager.using(using).all())
        vector = PersonalTier(model, history, room).vector
        if vector is None:
            return {}
        rows = read_vectors(model.items, keys, ("fused",), using)
        own = vector / np.float32(np.linalg.norm(vector))
        found = {
            key: float(row.vectors["fused"][:-1] @ own)  # type: ignore[index]
            for key, row in rows.items()
            if row.has("fused")
        }
    return found | {key: -1.0 for key in keys if key in history.unwanted}
