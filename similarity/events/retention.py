"""The nightly upkeep of events: partitions, keys of batches, orphans and counts."""

import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from similarity import conf
from similarity.catalog import times
from similarity.events import counting, erasure, partitions
from similarity.events.models import EventBatch, EventDay

logger = logging.getLogger(__name__)

#: Keys of batches that one statement deletes.
STEP = 5_000


class Tidied(NamedTuple):
    """What :func:`tidy` did: names of partitions, and numbers of rows."""

    created: list[str]
    dropped: list[str]
    batch_keys: int
    orphans: int

    def __str__(self) -> str:
        return (
            f"{len(self.created)} partitions of events created and {len(self.dropped)} dropped, "
            f"{self.batch_keys} expired keys deleted, {self.orphans} deleted shoppers swept."
        )


def kept_since(now: datetime | None = None) -> datetime:
    """Return the moment before which events are beyond ``EVENTS["RETENTION_DAYS"]``."""
    return (now or times.now()) - timedelta(days=conf.get("EVENTS", "RETENTION_DAYS"))


def tidy(now: datetime | None = None) -> Tidied:
    """Create partitions ahead, drop old ones, and sweep; a second call finds nothing to do.

    A month is dropped once all of it is older than the retention, so an event is kept up to a
    month longer. Single rows are never deleted for their age: that would leave dead rows behind.
    """
    now, using = now or times.now(), partitions.alias()
    created = partitions.create(now, partitions.ahead(now), using)
    dropped = partitions.drop(kept_since(now), using)
    counting.count_recent(now, using)
    EventDay.objects.using(using).filter(day__lt=kept_since(now).date()).delete()
    done = Tidied(created, dropped, _delete_expired(now, using), erasure.sweep(using))
    logger.info("%s", done)
    return done


def _delete_expired(now: datetime, using: str) -> int:
    """Delete expired keys of batches in small steps, so that writers never wait for long."""
    rows, deleted = EventBatch.objects.using(using), 0
    expired = rows.filter(expires_at__lt=now)
    while keys := list(expired.values_list("pk", flat=True)[:STEP]):
        rows.filter(pk__in=keys)._raw_delete(using)
        deleted += len(keys)
    return deleted
