"""What is bought together with a product, or goes with a whole cart."""

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

#: Products a cart may hold; more are refused rather than left out unseen.
MAX_CART = 100
#: Below this log-likelihood ratio chance gives a pair once in twenty times: no companion.
LEAST_SURE = 3.84
#: From this score on a pair is said to be bought together very often.
VERY_OFTEN = 0.6
#: Partners looked at for each hit wanted: some are sold out, or replace what is in the cart.
LOOKED_AT = 8
#: Two products of a category more alike (cosine) replace each other and are not shown as bought
#: together. Strict because staff do not review shelves. Chosen in docs/bought-together.md.
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
    """Products bought together with ``products``: one product, or all of a cart.

    ``products`` are instances or keys; ``within`` defaults to what the adapter says may be
    shown to ``request``. Left out are what is in the cart and its variants, and what would
    replace something in it: of the same category, with vectors more alike than
    ``SUBSTITUTE_SIMILARITY``. Of variants of one product the one bought most often comes,
    of those that may be shown.

    The tier is ``copurchase``, the score in [0, 1) what
    :func:`similarity.orders.counting.scores.blend` makes of the orders. Where orders say too
    little, or no more than chance would, products of complementary categories follow, tier
    ``complement``, score 0. With ``figures``, which are for the staff, the reason that ``explain``
    gives counts orders. Fewer hits than ``limit``, or none, is an answer: nothing is made up.

    Raises :class:`similarity.exceptions.QueryError` for arguments it cannot serve.
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
    """A product that goes with the cart, and the pair that says so best."""

    product: Any
    score: float
    partner: Partner


class Cart:
    """The products whose companions are looked for; of one product it is a cart of one."""

    def __init__(self, keys: Sequence[Any], within: Within, adapter: CatalogAdapter) -> None:
        self.keys = keys
        self.within = within
        self.adapter = adapter

    @cached_property
    def items(self) -> list[str]:
        """Names of the cart's items: a product, or the group of its variants."""
        return list(dict.fromkeys(groups_of(self.keys, self.adapter).values()))

    def partners(self, limit: int) -> list[RankedPartner]:
        """The best partners that may be shown, at most ``limit``."""
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
        """(score for the cart, the partner of the item it is surest of), best first."""
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
        """Item → the product that stands for it now; an item without one is left out.

        Of the variants that were ordered the one in most orders. Where none of these may be shown,
        because shelves show the parent or another colour, any other of the group.
        """
        to_python = self.adapter.model._meta.pk.to_python
        ordered = {one.item: [to_python(key) for key in one.products] for one in partners}
        found = self._first_shown(ordered)
        missing = [item for item in ordered if item not in found]
        stored = ProductVectors.objects.using(self.within.using)
        return {**found, **self._first_shown(stored.members(missing))}

    def _first_shown(self, candidates: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Item → the first of its keys that may be shown; one query and the host's prefetches."""
        keys = [key for some in candidates.values() for key in some]
        loaded = self.within.load(keys) if keys else {}
        firsts = {
            item: next((loaded[key] for key in some if key in loaded), None)
            for item, some in candidates.items()
        }
        return {item: product for item, product in firsts.items() if product is not None}

    def _judge(self, products: Iterable[Any]) -> Any:
        """Answers whether a product replaces something in the cart."""
        candidates = [product.pk for product in products]
        if not candidates:
            return lambda key: False
        both = dict(enumerate([*self.keys, *candidates]))
        replace = substitutes.judge(both, list(both), SUBSTITUTE_SIMILARITY)
        number = {key: at for at, key in both.items() if at >= len(self.keys)}
        return lambda key: any(replace(own, number[key]) for own in range(len(self.keys)))


def reason_of(partner: Partner) -> Reason:
    """For shoppers: no figure, because figures tell competitors what sells."""
    often = partner.score >= VERY_OFTEN
    text = gettext("very often bought together") if often else gettext("often bought together")
    return Reason("copurchase", 1.0, text)


def figures_of(partner: Partner) -> Reason:
    """For the staff: in how many orders, and how many times more than by chance."""
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
    """The share of baskets that hold the item whose partner this is."""
    return partner.support / partner.confidence if partner.confidence else 1.0


def keys_of(products: Any) -> list[Any]:
    """Return the keys of one product or of a cart, each once. Raises :class:`QueryError`."""
    several = isinstance(products, Sequence | QuerySet | set | frozenset)
    if isinstance(products, str) or not several:
        products = [products]
    keys = list(dict.fromkeys(key_of(product) for product in products))
    if len(keys) > MAX_CART:
        raise QueryError(f"the cart holds {len(keys)} products; pass {MAX_CART} at most.")
    return keys
