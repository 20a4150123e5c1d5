"""Apply decisions of staff to bundles, and find obstacles to offering a bundle."""

from typing import Any, NamedTuple

from django.db import transaction

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import title_of
from similarity.exceptions import BundleError
from similarity.orders.bundles.bundle_contents import Contents, contents_of
from similarity.orders.models import Bundle

Status = Bundle.Status


class Decision(NamedTuple):
    """The states from which it is allowed, and the resulting state."""

    before: frozenset[Any]
    after: Any
    done: str


DECISIONS = {
    "accept": Decision(frozenset({Status.PROPOSED, Status.REJECTED}), Status.ACCEPTED, "accepted"),
    "reject": Decision(frozenset({Status.PROPOSED, Status.ACCEPTED}), Status.REJECTED, "rejected"),
    "publish": Decision(
        frozenset({Status.PROPOSED, Status.ACCEPTED}), Status.PUBLISHED, "published"
    ),
    "unpublish": Decision(frozenset({Status.PUBLISHED}), Status.ACCEPTED, "taken off the shop"),
}


def decide(bundle: Bundle, decision: str) -> Bundle:
    """Apply one of ``DECISIONS`` and return the updated bundle.

    Raise :class:`BundleError` if the bundle's state does not allow it, or if an obstacle prevents
    publishing.
    """
    chosen = DECISIONS[decision]
    with transaction.atomic():
        held = Bundle.objects.select_for_update().get(pk=bundle.pk)
        if held.status not in chosen.before:
            wanted = " or ".join(sorted(status.value for status in chosen.before))
            raise BundleError(
                f"{held} is {held.status} and cannot be {chosen.done}; it must be {wanted}."
            )
        if chosen.after == Status.PUBLISHED:
            _make_ready(held)
        held.status = chosen.after
        held.save()
    return held


def _make_ready(bundle: Bundle) -> None:
    adapter = get_adapter()
    [contents] = contents_of([bundle], adapter)
    found = obstacles(bundle, contents, adapter)
    if found:
        raise BundleError(f"{bundle} cannot be published. {' '.join(found)}")
    bundle.currency = contents.sums.currency if contents.sums else ""


def obstacles(bundle: Bundle, contents: Contents, adapter: CatalogAdapter) -> list[str]:
    """Return the obstacles to offering the bundle, one sentence each; empty without obstacles."""
    found = [f"Product {key} no longer exists." for key in contents.gone]
    titles = [title_of(adapter, product) for product in contents.off_sale]
    found += [f"{title} is not on sale or out of stock." for title in titles]
    if contents.sums is None and not contents.gone:
        found.append("Its products have prices in several currencies.")
    return found + price_obstacles(bundle, contents)


def price_obstacles(bundle: Bundle, contents: Contents) -> list[str]:
    """Return the faults of the price: missing, below cost, or without a saving."""
    sums, price = contents.sums, bundle.price
    if sums is None:
        return []
    if sums.price is None:
        return ["One of its products has no price."]
    if not price:
        return ["It has no price; set a price."]
    money = sums.currency
    if sums.cost is not None and price < sums.cost:
        return [
            f"Its price of {price} {money} is below the cost of its products, {sums.cost} {money}: "
            f"each sale would lose {sums.cost - price} {money}. Raise the price."
        ]
    if price >= sums.price:
        return [
            f"Its price of {price} {money} saves no money: its products cost {sums.price} {money} "
            "separately. Lower the price."
        ]
    return []
