"""What staff decide about a bundle, and what stands against offering it."""

from typing import Any, NamedTuple

from django.db import transaction

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import title_of
from similarity.exceptions import BundleError
from similarity.orders.bundles.bundle_contents import Contents, contents_of
from similarity.orders.models import Bundle

Status = Bundle.Status


class Decision(NamedTuple):
    """From which states it can be taken, and the state it leads to."""

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
    """Take one of ``DECISIONS``; returns the bundle as it is then.

    Raises :class:`BundleError` where its state does not allow it, and where something stands
    against publishing it.
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
    """What stands against offering the bundle, a sentence each; empty where nothing does."""
    found = [f"There is no product {key} any more." for key in contents.gone]
    titles = [title_of(adapter, product) for product in contents.off_sale]
    found += [f"{title} is not on sale or out of stock." for title in titles]
    if contents.sums is None and not contents.gone:
        found.append("Its products are priced in several currencies.")
    return found + price_obstacles(bundle, contents)


def price_obstacles(bundle: Bundle, contents: Contents) -> list[str]:
    """What is wrong with the price: missing, below cost, or no saving."""
    sums, price = contents.sums, bundle.price
    if sums is None:
        return []
    if sums.price is None:
        return ["One of its products has no price."]
    if not price:
        return ["It has no price; give it one."]
    money = sums.currency
    if sums.cost is not None and price < sums.cost:
        return [
            f"Its price of {price} {money} is below the {sums.cost} {money} its products cost: "
            f"{sums.cost - price} {money} would be lost on each. Raise the price."
        ]
    if price >= sums.price:
        return [
            f"Its price of {price} {money} saves nothing: its products cost {sums.price} {money} "
            "alone. Lower the price."
        ]
    return []
