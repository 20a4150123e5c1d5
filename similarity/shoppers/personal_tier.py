"""Candidates by the live model: near to the shopper's vector, apart from what they turned down."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import QuerySet

from similarity import conf
from similarity.models.stored_vectors import StoredVectors, read_vectors
from similarity.shoppers.item_vectors import query_form
from similarity.shoppers.live_model import LiveModel
from similarity.shoppers.new_products import read_new_products
from similarity.shoppers.shopper import History
from similarity.similar import candidates, plans
from similarity.similar.hits import Candidate, Taken
from similarity.similar.plans import VectorSearch
from similarity.similar.tiers import DIVERSITY_POOL, diverse
from similarity.similar.within import Within
from similarity.types import FloatArray

PERSONAL, NEW = "personal", "new"
#: A candidate whose vector has at least this cosine with that of a product turned down moves back:
#: the nearest of them behind everything that was found.
NEAR_UNWANTED = 0.5
#: New products are few, so they are compared one by one.
EXPLORE = candidates.Step("exact", "new products are few", plans.exact_few)


@dataclass(frozen=True)
class PersonalTier:
    """A search for products for the shopper with this history."""

    model: LiveModel
    history: History
    within: Within

    @cached_property
    def stored(self) -> dict[Any, StoredVectors]:
        """The item vectors of everything the shopper did, bought or turned down; one query."""
        keys = {event.product for event in self.history.events}
        keys |= {*self.history.bought, *self.history.unwanted}
        return read_vectors(self.model.items, keys, ("fused",), self.within.using) if keys else {}

    @cached_property
    def vector(self) -> FloatArray | None:
        """(D,) the shopper's vector; None if no event is of a product the model knows."""
        gaps = self.history.gaps_s()
        events = [
            (event, gap)
            for event, gap in zip(reversed(self.history.events), gaps, strict=True)
            if event.product in self.stored
        ]
        if not events:
            return None
        network = self.model.network
        events = events[-network.config.length :]
        rows = np.stack([self.item(event.product) for event, _gap in events])
        kinds = np.array([event.kind for event, _gap in events], np.int8)
        vector = network.encode(rows, kinds, np.array([gap for _event, gap in events], np.float32))
        sound = np.isfinite(vector).all() and float(np.linalg.norm(vector)) > 1e-9
        return vector if sound else None

    def item(self, key: Any) -> FloatArray:
        """Return (D,) the item vector of a product of the history."""
        vector = self.stored[key].vectors["fused"]
        assert vector is not None  # noqa: S101 - the column allows no null
        return vector[:-1] * np.float32(self.model.network.scale)

    def taken(self, exclude: Sequence[Any]) -> Taken:
        """Return the keys, and their groups of variants, that the shelf leaves out."""
        keys = {*exclude, *self.history.left_out}
        return Taken(keys, {self.stored[key].group for key in keys if key in self.stored})

    def find(self, wanted: int, diversity: float, taken: Taken) -> list[Candidate]:
        """Return the best for this shopper, a share of them new; ``taken`` learns of them."""
        best = self._nearest(wanted, diversity, taken)
        found = [one._replace(tier=PERSONAL) for one in best]
        share = min(int(conf.get("SHOPPERS", "EXPLORATION") * wanted + 0.5), wanted)
        taken.add(found[: wanted - share])
        new = self._new(share, taken) if share else []
        groups = {one.group for one in new}
        shelf = mixed([one for one in found if one.group not in groups], new, wanted)
        taken.add(shelf)
        return shelf

    def _nearest(self, wanted: int, diversity: float, taken: Taken) -> list[Candidate]:
        within = self.within
        pool = DIVERSITY_POOL * wanted if diversity or self.history.unwanted else wanted
        found = candidates.nearest(self._search(within, taken), wanted, pool)[:pool]
        found = self._pushed_down(found)
        return diverse(found, wanted, diversity, self.model.items, within.using)

    def _search(self, within: Within, taken: Taken) -> VectorSearch:
        assert self.vector is not None  # noqa: S101 - callers ask for it first
        return VectorSearch(
            self.model.items,
            "fused",
            query_form(self.vector / np.float32(np.linalg.norm(self.vector))),
            within,
            exclude=list(taken.keys),
            exclude_groups=sorted(taken.groups),
        )

    def _new(self, wanted: int, taken: Taken) -> list[Candidate]:
        """Return new products, the nearest to the shopper by their content."""
        keys = read_new_products(self.model.items, self.within.using)
        if not keys:
            return []
        room = self.within
        products: QuerySet[Any] = room.narrowed() if room.fixed_rows else room.products
        search = self._search(Within(products.filter(pk__in=keys)), taken)
        if search.within.keys is None:
            return []
        rows = candidates.run(EXPLORE, search, candidates.row_count(wanted, 5 * wanted))
        found = self._pushed_down(candidates.one_per_group(rows))
        return [one._replace(tier=NEW) for one in found[:wanted]]

    def _pushed_down(self, found: list[Candidate]) -> list[Candidate]:
        """Return the candidates, those near to products turned down further back."""
        unwanted = [self.item(key) for key in self.history.unwanted if key in self.stored]
        if not unwanted or len(found) < 2:
            return found
        keys = [one.key for one in found]
        rows = self.model.read_items(keys, self.within.using)
        away = _unit(np.stack(unwanted))
        spread = max(found[0].score - found[-1].score, 1e-6)
        moved = []
        for one in found:
            near = float((away @ _unit(rows[one.key][None])[0]).max()) if one.key in rows else 0.0
            excess = max(near - NEAR_UNWANTED, 0.0) / (1.0 - NEAR_UNWANTED)
            moved.append(one._replace(score=max(one.score - 2.0 * spread * excess, 0.0)))
        return sorted(moved, key=lambda one: -one.score)


def mixed(found: list[Candidate], new: list[Candidate], wanted: int) -> list[Candidate]:
    """Return ``wanted`` candidates in which the new ones have evenly spaced places, not the first.

    >>> [one.key for one in mixed([Candidate(n, "", 1.0) for n in range(6)],
    ...                           [Candidate("new", "", 0.5)], 4)]
    [0, 1, 'new', 2]
    """
    shelf = found[: wanted - len(new)]
    for number, one in enumerate(new, start=1):
        shelf.insert(number * wanted // (len(new) + 1), one)
    return shelf


def _unit(rows: FloatArray) -> FloatArray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
