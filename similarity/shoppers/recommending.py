"""``recommend_for``: products for one person now, known or anonymous."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from logging import getLogger
from typing import Any

from django.db.models import QuerySet

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.connections import metrics
from similarity.logs import log_error
from similarity.models.stored_vectors import StoredVectors, read_vectors
from similarity.shoppers import fallback_tiers, reasons
from similarity.shoppers.live_model import read_live_model
from similarity.shoppers.personal_tier import PersonalTier
from similarity.shoppers.shopper import History, Shopper, read_shopper_history, shopper_of
from similarity.similar.hits import Candidate, Hit, Query, Taken, excluded_keys
from similarity.similar.planner_settings import savepoint
from similarity.similar.shelves import live_version
from similarity.similar.within import Within, key_field

logger = getLogger(__name__)


def recommend_for(
    who: Any,
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    diversity: float = 0.0,
    explain: bool = False,
    exclude: Iterable[Any] = (),
    likes: Iterable[Any] = (),
) -> list[Hit]:
    """Return products for ``who``: a request, a user, a profile of events, or None.

    The history is what the shopper did with consent, the orders of a signed-in user, and
    ``likes`` (products or keys), which are for this call only. Without consent, with ``Sec-GPC``
    or with ``personal`` switched off, the shelf is that of an unknown shopper. Products bought,
    lately looked at or turned down are left out, with their variants.

    The tiers in their order are ``personal`` by the live model, among them a share of ``new``
    products (``SHOPPERS["EXPLORATION"]``); ``similar`` to the last seen; best sellers of their
    ``category``; and ``popular``, best sellers of the shop in turns of its categories. ``within``
    and ``diversity``: see :func:`similarity.similar_to`. ``explain`` gives reasons such as
    "Because you looked at …", unless the shopper switched them off.

    Raises :class:`similarity.exceptions.QueryError` for invalid arguments, and never because of
    the catalogue's or the model's state.
    """
    query = Query(limit, diversity=diversity, explain=explain)
    adapter = get_adapter()
    shopper = shopper_of(who, likes)
    room = Within(adapter.eligible(shopper.request) if within is None else within)
    excluded = excluded_keys(exclude)
    with metrics.timed("shelf_seconds", shelf="for_you"), savepoint(room.using):
        history = read_shopper_history(shopper, room.using)
        return Recommendation(shopper, history, query, room, adapter).hits(excluded)


@dataclass(frozen=True)
class Recommendation:
    """The hits for one shopper with this history."""

    shopper: Shopper
    history: History
    query: Query
    within: Within
    adapter: CatalogAdapter

    def hits(self, exclude: list[Any]) -> list[Hit]:
        limit = self.query.limit
        taken = Taken({*exclude, *self.history.left_out})
        found: list[Hit] = []
        tier = self.tier
        if tier is not None:
            taken = tier.taken(exclude)
            found = self._loaded(tier.find(limit, self.query.diversity, taken))
        if len(found) < limit:
            short = limit - len(found)
            found += fallback_tiers.fill(short, self.history, self.within, self.adapter, taken)
        return self._explained(found) if self.query.explain else found

    @cached_property
    def tier(self) -> PersonalTier | None:
        """The search by the live model; None without a model that knows this history."""
        if not self.history.events or self.within.keys is None:
            return None
        try:
            model = read_live_model(self.within.using)
            tier = PersonalTier(model, self.history, self.within) if model else None
            return tier if tier is not None and tier.vector is not None else None
        except (ValueError, ArithmeticError, LookupError) as error:
            log_error(logger, error, "The model of shoppers has no answer.")
            return None

    def _loaded(self, found: list[Candidate]) -> list[Hit]:
        products = self.within.load(one.key for one in found) if found else {}
        return [
            Hit(str(one.key), one.score, one.tier, product=products[one.key])
            for one in found
            if one.key in products
        ]

    def _explained(self, hits: list[Hit]) -> list[Hit]:
        if not self.shopper.wants_reasons or not self.history.events:
            return hits
        using = self.within.using
        return reasons.explained(
            hits, self.history.events, self._vectors(hits), self.shopper, self.adapter, using
        )

    def _vectors(self, hits: list[Hit]) -> dict[Any, StoredVectors]:
        """Return vectors of the hits and of the history: the model's, or those of products."""
        keys = [key_field().to_python(hit.key) for hit in hits if hit.tier != "popular"]
        if self.tier is not None:
            version = self.tier.model.items
            return {
                **self.tier.stored,
                **read_vectors(version, keys, ("fused",), self.within.using),
            }
        live = live_version(self.within.using)
        if live is None:
            return {}
        keys += self.history.products[: fallback_tiers.LAST_SEEN]
        return read_vectors(live, keys, ("fused",), self.within.using)
