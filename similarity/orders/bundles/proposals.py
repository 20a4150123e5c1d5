"""Propose bundles from orders and keep the decisions of staff."""

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

from django.db import router, transaction
from django.utils import timezone

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import title_of
from similarity.connections.locks import LockTaken, advisory_lock
from similarity.exceptions import BundleError, ConfigurationError
from similarity.orders import substitutes
from similarity.orders.adapter import OrderAdapter, get_order_adapter
from similarity.orders.bundles.itemsets import Itemset, MiningRule, mine
from similarity.orders.bundles.pricing import suggested_price, sums_of
from similarity.orders.bundles.recent_orders import RecentOrders, read_recent
from similarity.orders.models import Bundle
from similarity.orders.models.bundles import signature_of
from similarity.types import Progress, no_progress

logger = logging.getLogger(__name__)

NAME_LENGTH = 250
LOCK = "similarity.propose_bundles"

#: If two products of a category have a higher cosine, a bundle must not hold both. Higher than
#: ``together.SUBSTITUTE_SIMILARITY`` because staff review every bundle.
MAX_SIMILARITY = 0.8


class Proposed(NamedTuple):
    """The number of orders read, and of bundles that are new, found again, or withdrawn."""

    baskets: int
    created: int
    renewed: int
    withdrawn: int


def propose(progress: Progress | None = None) -> Proposed:
    """Look for bundles in the latest orders, update the proposals and return the numbers.

    A bundle that staff accepted, published, rejected or edited gets new figures and keeps
    everything else. A proposal that staff did not touch is withdrawn if it is no longer found.

    Raises :class:`ConfigurationError` without an order adapter or without mlxtend, and
    :class:`BundleError` if another process is proposing.
    """
    orders = get_order_adapter()
    if orders is None:
        raise ConfigurationError(
            "SIMILARITY['ORDERS']['SOURCE'] is None, so there are no orders to find bundles "
            "in; map the order model there, see docs/settings.md."
        )
    alias = router.db_for_write(Bundle)
    try:
        with advisory_lock(LOCK, alias):
            return _propose(orders, get_adapter(), progress or no_progress, alias)
    except LockTaken as error:
        raise BundleError(
            "Another process is proposing bundles; wait until it has finished."
        ) from error


def _propose(
    orders: OrderAdapter, catalogue: CatalogAdapter, report: Progress, alias: str
) -> Proposed:
    report("reading orders", 0, 3)
    recent = read_recent(orders, catalogue)
    report("finding bundles", 1, 3)
    most = MAX_SIMILARITY
    judge = partial(substitutes.judge, recent.products, most=most, using=alias)
    found = mine(recent.lines, MiningRule.from_settings(), judge)
    report("writing proposals", 2, 3)
    with transaction.atomic(using=alias):
        created, renewed, withdrawn = _write(found, recent, catalogue, alias)
    report("writing proposals", 3, 3)
    return Proposed(len(recent.lines.shopper), created, renewed, withdrawn)


def propose_nightly() -> int:
    """Call :func:`propose` and return the number of new bundles.

    Return 0 if the host has no orders, turned proposals off, or lacks mlxtend; only the log
    mentions mlxtend.
    """
    if get_order_adapter() is None or not conf.get("ORDERS", "BUNDLE_PROPOSALS"):
        return 0
    if find_spec("mlxtend") is None:
        logger.info("No bundles are proposed: pip install 'django-similarity[bundles]'")
        return 0
    return propose().created


def _write(
    found: Sequence[Itemset], recent: RecentOrders, catalogue: CatalogAdapter, alias: str
) -> tuple[int, int, int]:
    """Write the bundles and return (created, renewed, withdrawn)."""
    bundles = list(Bundle.objects.using(alias).select_for_update())
    known = {bundle.signature: bundle for bundle in bundles if bundle.signature}
    by_hand = {frozenset(bundle.products) for bundle in bundles if not bundle.signature}
    products = _load(found, recent, catalogue)
    now, created, renewed = timezone.now(), 0, 0
    for itemset in found:
        keys = [recent.products[item] for item in itemset.items]
        if not products.keys() >= set(keys) or frozenset(map(str, keys)) in by_hand:
            continue  # a product just went off sale, or staff made this bundle
        signature = signature_of(recent.names[item] for item in itemset.items)
        bundle = known.get(signature) or Bundle(signature=signature)
        if not _renew(bundle, itemset, [products[key] for key in keys], catalogue):
            continue
        created, renewed = created + (bundle.pk is None), renewed + (bundle.pk is not None)
        bundle.found_at = now
        bundle.save(using=alias)
    return created, renewed, _withdraw(now, alias)


def _load(
    found: Sequence[Itemset], recent: RecentOrders, catalogue: CatalogAdapter
) -> dict[Any, Any]:
    keys = {recent.products[item] for itemset in found for item in itemset.items}
    eligible = catalogue.eligible().using(catalogue.write_alias).order_by()
    products = catalogue.for_display(eligible.filter(pk__in=keys))
    return {product.pk: product for product in products}


def _renew(
    bundle: Bundle, itemset: Itemset, products: Sequence[Any], catalogue: CatalogAdapter
) -> bool:
    """Update the figures, and the fields that staff did not change; return False if invalid.

    The bundle is invalid if its products have prices in several currencies.
    """
    bundle.orders, bundle.shoppers = itemset.orders, itemset.shoppers
    bundle.support, bundle.lift = itemset.support, itemset.lift
    if bundle.edited or bundle.status != Bundle.Status.PROPOSED:
        return True
    sums = sums_of(products, catalogue)
    if sums is None:
        return False
    bundle.name = name_of(products, catalogue)
    bundle.products = [str(product.pk) for product in products]
    bundle.price, bundle.currency = suggested_price(sums), sums.currency
    return True


def name_of(products: Sequence[Any], catalogue: CatalogAdapter) -> str:
    """Return the products' titles joined by " + ", with long titles cut to the same length."""
    most = (NAME_LENGTH - 3 * (len(products) - 1)) // len(products)
    titles = [title_of(catalogue, product) for product in products]
    return " + ".join(
        title if len(title) <= most else f"{title[: most - 1].rstrip()}…" for title in titles
    )


def _withdraw(now: datetime, alias: str) -> int:
    """Delete older proposals that were not found again and that staff did not touch."""
    stale = Bundle.objects.using(alias).filter(
        status=Bundle.Status.PROPOSED, edited=False, signature__isnull=False, found_at__lt=now
    )
    return stale.delete()[0]
