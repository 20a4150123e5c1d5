"""Erase and export what is kept of a shopper, by all installed apps.

Each app that keeps something of shoppers implements ``export_profile`` and ``erase_profile`` of
:class:`similarity.Extension`.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import connections, transaction

from similarity.catalog import times
from similarity.catalog.adapter import get_adapter
from similarity.catalog.card import title_of
from similarity.events import partitions
from similarity.events.models import Event, Profile
from similarity.events.names import name_of
from similarity.extension import extensions

logger = logging.getLogger(__name__)

#: Products whose titles are read at once.
PAGE = 500

#: Profiles that are swept at once.
SWEPT = 500

_ORPHANS = """
    SELECT DISTINCT event.profile_id FROM {table} AS event
    WHERE event.profile_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM similarity_profile WHERE id = event.profile_id)
    LIMIT %s
"""


def export(profile: Profile) -> dict[str, Any]:
    """Return everything that is kept of a shopper, as values that JSON can hold."""
    using, kept = partitions.alias(), {"exported_at": times.now().isoformat()}
    for extension in extensions():
        kept |= extension.export_profile(profile.pk, using)
    return kept


def erase(profile: Profile) -> int:
    """Erase everything that is kept of a shopper, and return the number of events.

    One transaction: either all is gone or nothing. Events of the same shopper that are written at
    the same moment are erased with it, because a writer locks the profile's row too.
    """
    using = partitions.alias()
    with transaction.atomic(using=using):
        row = Profile.objects.using(using).select_for_update().filter(pk=profile.pk).first()
        events = Event.objects.using(using).filter(profile_id=profile.pk).count()
        erase_everywhere(profile.pk, using)
        if row is not None:
            row.erased = True
            row.delete()
    return events


def erase_events(profile: Profile, product: Any) -> int:
    """Erase the events of a shopper with one product, and return their number."""
    using = partitions.alias()
    deleted, _by_model = (
        Event.objects.using(using).filter(profile_id=profile.pk, product_id=product).delete()
    )
    return deleted


def erase_everywhere(profile_id: int, using: str) -> None:
    """Let each app erase what it keeps of a profile, except the profile itself."""
    for extension in extensions():
        extension.erase_profile(profile_id, using)


def follow_deletion(sender: type[Profile], instance: Profile, using: str, **kwargs: Any) -> None:
    """Erase with a profile that the host deletes, most often with its user.

    An error must not stop the host. What it leaves behind is swept at night.
    """
    if instance.erased:
        return
    try:
        with transaction.atomic(using=using):
            erase_everywhere(instance.pk, using)
    except Exception:  # a door: the host deletes its user
        logger.exception("A shopper's events are not erased with the user, but by night.")


def sweep(using: str) -> int:
    """Erase what is kept of profiles that were deleted by raw SQL; return their number.

    Month by month, so that no statement reads the whole table.
    """
    swept = 0
    for month in partitions.existing(using):
        statement = _ORPHANS.format(table=partitions.name_of(month))
        while orphans := _read(statement, using):
            for profile_id in orphans:
                with transaction.atomic(using=using):
                    erase_everywhere(profile_id, using)
            swept += len(orphans)
    return swept


def _read(statement: str, using: str) -> list[int]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, [SWEPT])
        return [profile_id for (profile_id,) in cursor.fetchall()]


def export_events(profile_id: int, using: str) -> list[dict[str, Any]]:
    """Return every event of a shopper, latest first, with the titles of products still on sale."""
    columns = ("at", "kind", "product_id", "quantity", "value", "currency", "query", "token")
    rows = Event.objects.using(using).filter(profile_id=profile_id).order_by("-at")
    events = list(rows.values_list(*columns))
    titles = read_titles(list({row[2] for row in events} - {None}))
    return [
        {
            "at": at.isoformat(),
            "type": name_of(kind),
            "product": None if product is None else str(product),
            "title": titles.get(product),
            "quantity": quantity,
            "value": None if value is None else f"{value:f}",
            "currency": currency,
            "query": query,
            "token": token,
        }
        for at, kind, product, quantity, value, currency, query, token in events
    ]


def read_titles(keys: Sequence[Any]) -> dict[Any, str]:
    """Map the keys of products that may be named now to their titles.

    A product that the shop hides since must not be named again.
    """
    adapter = get_adapter()
    titles: dict[Any, str] = {}
    for start in range(0, len(keys), PAGE):
        products = adapter.for_display(adapter.viewable()).filter(pk__in=keys[start : start + PAGE])
        titles |= {product.pk: title_of(adapter, product) for product in products}
    return titles
