"""Find products bought together with a product or with a whole cart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.exceptions import QueryError
from similarity.models import ProductVectors
from similarity.orders import complementary, substitutes
from similarity.orders.counting import scores
from similarity.orders.partners import Partner, partners_of
from similarity.similar.fallback import groups_of
from similarity.similar.hits import Hit, Reason, require_limit
from similarity.similar.within import Within, key_of

#: Maximum number of products in a cart. A larger cart raises an error, because silently dropped
#: products would go unnoticed.
MAX_CART = 100
#: Below this log-likelihood ratio, chance gives the same pair at least once in twenty times, so the
#: product is not a companion.
LEAST_SURE = 3.84
#: From this score on, the reason is "very often bought together".
VERY_OFTEN = 0.6
#: Partners examined per requested hit, because some are sold out or replace a product in the cart.
LOOKED_AT = 8
#: If the cosine of two products of a category is above this, they are substitutes and not shown as
#: bought together. The limit is strict because staff do not review shelves. See
#: docs/bought-together.md for the choice.
SUBSTITUTE_SIMILARITY = 0.6


def bought_together(
    products: Model | Any | Sequence[Any],
    limit: int = 4,
    *,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    figures: bool = False,
    request: HttpRequest | None = None,
) -> list[Hit]:
    """Return products bought together with ``products``: one product, or all of a cart.

    ``products`` are instances or keys. ``within`` defaults to the products that the adapter allows
    for ``request``. The hits leave out the cart's products, their variants and their substitutes:
    products of the same category whose vectors are more similar than ``SUBSTITUTE_SIMILARITY``. Of
    the variants of a product, use the most frequently bought variant that may be shown.

    The tier is ``copurchase``, and the score in [0, 1) is
    :func:`similarity.orders.counting.scores.blend` of the orders. If orders are too few or no
    better than chance, products of complementary categories follow with tier ``complement`` and
    score 0. With ``figures``, meant for staff, the reasons of ``explain`` contain numbers of
    orders. There may be fewer hits than ``limit``, or no hits, because the shelf is never padded.

    Raises :class:`similarity.exceptions.QueryError` for invalid arguments.
    """
    require_limit(limit)
    keys = keys_of(products)
    adapter = get_adapter()
    passing = adapter.eligible(request) if within is None else within
    cart = Cart(keys, Within(passing), adapter)
    found = cart.partners(limit)
    hits = [cart.hit(one, explain=explain, figures=figures) for one in found]
    if len(hits) < limit and keys:
        hits += complementary.fill(cart, limit - len(hits), found, explain=explain)
    return hits


@dataclass(frozen=True)
class RankedPartner:
    """A product that goes with the cart, and the strongest pair that supports it."""

    product: Any
    score: float
    partner: Partner


class Cart:
    """The products to find companions for; a single product is a cart with one item."""

    def __init__(self, keys: Sequence[Any], within: Within, adapter: CatalogAdapter) -> None:
        self.keys = keys
        self.within = within
        self.adapter = adapter

    @cached_property
    def items(self) -> list[str]:
        """Return the names of the cart's items: a product, or the group of its variants."""
        return list(dict.fromkeys(groups_of(self.keys, self.adapter).values()))

    def partners(self, limit: int) -> list[RankedPartner]:
        """Return the best partners that may be shown, at most ``limit``."""
        ranked = self._ranked()[: LOOKED_AT * limit]
        products = self._load([partner for _score, partner in ranked])
        replaces = self._judge(products.values())
        found = []
        for score, partner in ranked:
            shown = products.get(partner.item)
            if shown is not None and not replaces(shown.pk):
                found.append(RankedPartner(shown, score, partner))
            if len(found) == limit:
                break
        return found

    def hit(self, found: RankedPartner, *, explain: bool, figures: bool = False) -> Hit:
        say = figures_of if figures else reason_of
        reasons = (say(found.partner),) if explain else ()
        key = str(found.product.pk)
        return Hit(key, found.score, "copurchase", reasons=reasons, product=found.product)

    def _ranked(self) -> list[tuple[float, Partner]]:
        """Return (score for the cart, the strongest pair of the partner's item), best first."""
        of_item = partners_of(self.items, self.within.using)
        sure = (
            [p for p in each if p.log_likelihood_ratio >= LEAST_SURE] for each in of_item.values()
        )
        lists = [partners for partners in sure if partners]
        added = scores.cart_scores(
            [{partner.item: partner.score for partner in partners} for partners in lists],
            [_share(partners[0]) for partners in lists],
        )
        best: dict[str, Partner] = {}
        for partner in (partner for partners in lists for partner in partners):
            known = best.get(partner.item)
            if known is None or partner.score > known.score:
                best[partner.item] = partner
        inside = set(self.items)
        ordered = sorted(added.items(), key=lambda one: (-one[1], one[0]))
        return [(score, best[item]) for item, score in ordered if item not in inside]

    def _load(self, partners: Sequence[Partner]) -> Mapping[str, Any]:
        """Return the product to show by item; leave out an item without such a product.

        Prefer the variant in most orders. If no ordered variant may be shown, because shelves show
        the parent or another colour, use any other variant of the group.
        """
        to_python = self.adapter.model._meta.pk.to_python
        ordered = {one.item: [to_python(key) for key in one.products] for one in partners}
        found = self._first_shown(ordered)
        missing = [item for item in ordered if item not in found]
        stored = ProductVectors.objects.using(self.within.using)
        return {**found, **self._first_shown(stored.members(missing))}

    def _first_shown(self, candidates: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return the first key that may be shown, by item; one query and the host's prefetches."""
        keys = [key for some in candidates.values() for key in some]
        loaded = self.within.load(keys) if keys else {}
        firsts = {
            item: next((loaded[key] for key in some if key in loaded), None)
            for item, some in candidates.items()
        }
        return {item: product for item, product in firsts.items() if product is not None}

    def _judge(self, products: Iterable[Any]) -> Any:
        """Return a function that returns True if a product replaces a product in the cart."""
        candidates = [product.pk for product in products]
        if not candidates:
            return lambda key: False
        both = dict(enumerate([*self.keys, *candidates]))
        replace = substitutes.judge(both, list(both), SUBSTITUTE_SIMILARITY)
        number = {key: at for at, key in both.items() if at >= len(self.keys)}
        return lambda key: any(replace(own, number[key]) for own in range(len(self.keys)))


def reason_of(partner: Partner) -> Reason:
    """Return the reason for shoppers, without numbers, because competitors could learn sales from
    them.
    """
    often = partner.score >= VERY_OFTEN
    text = gettext("very often bought together") if often else gettext("often bought together")
    return Reason("copurchase", 1.0, text)


def figures_of(partner: Partner) -> Reason:
    """Return the reason for staff: the number of orders, and how often compared with chance."""
    number = partner.orders
    orders = ngettext(
        "bought together in %(number)d order", "bought together in %(number)d orders", number
    ) % {"number": number}
    if partner.lift < 1.05:
        return Reason("copurchase", 1.0, orders)
    more = gettext("%(orders)s, %(lift)s times as often as by chance") % {
        "orders": orders,
        "lift": f"{partner.lift:.1f}" if partner.lift < 9.95 else f"{partner.lift:.0f}",
    }
    return Reason("copurchase", 1.0, more)


def _share(partner: Partner) -> float:
    """Return the share of baskets that hold the item with this partner."""
    return partner.support / partner.confidence if partner.confidence else 1.0


def keys_of(products: Any) -> list[Any]:
    """Return the keys of a product or of a cart, each once.

    Raise :class:`QueryError` if the cart has more than ``MAX_CART`` products.
    """
    several = isinstance(products, Sequence | QuerySet | set | frozenset)
    if isinstance(products, str) or not several:
        products = [products]
    keys = list(dict.fromkeys(key_of(product) for product in products))
    if len(keys) > MAX_CART:
        raise QueryError(f"the cart holds {len(keys)} products; pass {MAX_CART} at most.")
    return keys
