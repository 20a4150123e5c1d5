"""Find companions without order data, from categories that go with the product's category.

:mod:`similarity.orders.complements` learns from orders which categories go together. Within a
category, products most similar to the source come first. Such a hit names its category as the
reason and has score 0, because it has no measured score.
"""

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.content import LEVEL
from similarity.models.stored_vectors import StoredVectors, read_vectors
from similarity.orders.complements import Complement, complements_of
from similarity.similar import candidates
from similarity.similar.hits import Hit, Reason
from similarity.similar.plans import VectorSearch
from similarity.similar.shelves import live_version
from similarity.similar.within import Within

if TYPE_CHECKING:
    from similarity.orders.partner_shelf import Cart, RankedPartner

TIER = "complement"

#: Complementary categories used for one shelf.
CATEGORIES = 3


def fill(
    cart: "Cart", wanted: int, taken: Sequence["RankedPartner"], *, explain: bool
) -> list[Hit]:
    """Return at most ``wanted`` products of complementary categories, which take turns.

    ``taken`` are already on the shelf; leave them and their variants out.
    """
    source = _source(cart)
    if source is None:
        return []
    names = _categories_of(cart.keys, cart.adapter, cart.within.using)
    complements = complements_of(names, cart.within.using)[:CATEGORIES] if names else []
    lists: list[list[tuple[Any, Complement]]] = []
    for complement in complements:
        if len(lists) == wanted:
            break  # each category fills a place
        found = _nearest(cart, complement, source, wanted, taken)
        lists += [found] if found else []
    in_turn = [pair for pair in chain.from_iterable(zip_longest(*lists)) if pair is not None]
    chosen: dict[Any, Complement] = {}
    for key, complement in in_turn:
        chosen.setdefault(key, complement)
    keys = list(chosen)[:wanted]
    products = cart.within.load(keys) if keys else {}
    return [_hit(products[key], chosen[key], explain=explain) for key in keys if key in products]


def _source(cart: "Cart") -> tuple[Any, StoredVectors] | None:
    """Return the live version and the vectors of the cart's last product with vectors, or None."""
    version = live_version(cart.within.using)
    if version is None:
        return None
    stored = read_vectors(version, cart.keys, ("fused",), cart.within.using)
    with_vectors = [stored[key] for key in cart.keys if key in stored and stored[key].has("fused")]
    return (version, with_vectors[-1]) if with_vectors else None


def _nearest(
    cart: "Cart",
    complement: Complement,
    source: tuple[Any, StoredVectors],
    wanted: int,
    taken: Sequence["RankedPartner"],
) -> list[tuple[Any, Complement]]:
    version, stored = source
    vector = stored.vectors["fused"]
    assert vector is not None  # noqa: S101 - _source asks has() first
    in_category = cart.adapter.filter_by("category", [complement.name])
    if in_category is None:
        return []
    within = Within(cart.within.narrowed().filter(in_category))
    search = VectorSearch(
        version,
        "fused",
        vector,
        within,
        exclude=[*cart.keys, *(one.product.pk for one in taken)],
        exclude_groups=[*cart.items, *(one.partner.item for one in taken)],
    )
    found = candidates.nearest(search, wanted)[:wanted]
    return [(candidate.key, complement) for candidate in found]


def _categories_of(keys: Sequence[Any], adapter: CatalogAdapter, using: str) -> list[str]:
    products = adapter.model._base_manager.using(using).filter(pk__in=list(keys))
    found = adapter.values_of("category", products)
    return list(dict.fromkeys(name for names in found.values() for name in names))


def _hit(product: Any, complement: Complement, *, explain: bool) -> Hit:
    reasons = (_reason(complement),) if explain else ()
    return Hit(str(product.pk), 0.0, TIER, reasons=reasons, product=product)


def _reason(complement: Complement) -> Reason:
    """Return the reason, with only the last level of the category path."""
    name = complement.name.rsplit(LEVEL, 1)[-1]
    return Reason(
        TIER, 1.0, gettext("%(category)s: often bought with such products") % {"category": name}
    )
