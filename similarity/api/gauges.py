"""The state of outboxes, versions, indexes and workers, read when Prometheus asks.

Prometheus asks every few seconds, also while a million rows wait. So large counts are estimates
(:mod:`similarity.operations.backlog`), and the help text of each metric names its limit. Every read
has a time limit. A failed read leaves out only its metrics, because the others matter most at such
a time.
"""

import logging
from collections.abc import Callable, Iterator

from django.db import Error, connections, transaction
from django.db.models import Count

from similarity.connections import caching
from similarity.connections.metrics_export import Gauge
from similarity.exceptions import SimilarityError
from similarity.extension import extensions
from similarity.models import EncoderVersion, ProductVectors
from similarity.operations import backlog
from similarity.vectors import fusions, heartbeats, indexes, upsert
from similarity.versions import quality

logger = logging.getLogger(__name__)

#: The longest time that one group of metrics may use the database.
TIMEOUT_MS = 1000

#: The share of products with vectors is cached, because it reads the host's products.
COVERAGE_KEY = "similarity:metrics:coverage"


def read() -> list[Gauge]:
    """Return every available gauge; ``database_up`` is 0 if the database does not answer."""
    found: list[Gauge] = []
    up = True
    added = (extension.gauges for extension in extensions())
    for group in (_outbox, *added, _versions, _coverage, _indexes):
        if up:
            up = _add(found, group)
    found.extend(_workers())
    found.append(Gauge("database_up", "1 if the database answers.", [({}, float(up))]))
    return found


def _add(found: list[Gauge], group: Callable[[], Iterator[Gauge]]) -> bool:
    """Add a group of metrics; return False if the database can no longer be asked."""
    alias = upsert.alias()
    try:
        with transaction.atomic(using=alias):
            with connections[alias].cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {int(TIMEOUT_MS)}")
            found.extend(list(group()))
    except SimilarityError as error:
        logger.warning("No metrics of %s: %s", group.__qualname__.strip("_"), error)
    except Error as error:
        logger.warning("No metrics of %s: %s", group.__qualname__.strip("_"), error)
        return connections[alias].connection is not None and connections[alias].is_usable()
    return True


def _outbox() -> Iterator[Gauge]:
    waiting = backlog.outbox()
    yield Gauge(
        "outbox_products",
        f"Products in the outbox by state; estimated above {backlog.EXACT}.",
        [({"state": state}, float(count)) for state, count in waiting.states.items()],
    )
    yield Gauge(
        "outbox_lag_seconds",
        "How long the longest waiting product has been due.",
        [({}, waiting.lag_s)],
    )
    yield Gauge(
        "outbox_oldest_seconds",
        "Age of the oldest change that is not embedded, failed attempts included.",
        [({}, waiting.oldest_s)],
    )


def _versions() -> Iterator[Gauge]:
    every = list(fusions.every_version())
    counts = _vectors_by_version(every)
    yield Gauge(
        "vectors",
        f"Products with vectors of each version; estimated above {backlog.EXACT}.",
        [
            ({"version": str(version.pk), "status": version.status}, float(counts[version.pk]))
            for version in every
        ],
    )
    live = next((v.pk for v in every if v.status == EncoderVersion.Status.LIVE), 0)
    yield Gauge("live_version", "Number of the version that answers; 0: none.", [({}, float(live))])


def _vectors_by_version(every: list[EncoderVersion]) -> dict[int, int]:
    stored = ProductVectors.objects.using(upsert.alias())
    if backlog.planned(stored.all()) > backlog.EXACT:
        return {version.pk: backlog.planned(stored.of_version(version)) for version in every}
    found = stored.order_by().values_list("version").annotate(count=Count("pk"))
    return {version.pk: 0 for version in every} | dict(found)


def _coverage() -> Iterator[Gauge]:
    share = caching.read(COVERAGE_KEY)
    if share is None:
        share = _share_with_vectors()
        caching.write(COVERAGE_KEY, share)
    yield Gauge(
        "coverage_ratio",
        f"Share of the eligible products with vectors of the live version; some minutes old, "
        f"and estimated above {backlog.EXACT} products.",
        [({}, share)],
    )


def _share_with_vectors() -> float:
    live = fusions.every_version().live()
    if live is None:
        return 0.0
    eligible = backlog.about(quality.eligible())
    if eligible <= backlog.EXACT:
        covered, eligible = quality.coverage(live)
    else:
        covered = backlog.planned(ProductVectors.objects.using(upsert.alias()).of_version(live))
    return min(1.0, covered / eligible) if eligible else 1.0


def _indexes() -> Iterator[Gauge]:
    every = fusions.every_version().maintained().exclude(status=EncoderVersion.Status.BUILDING)
    yield Gauge(
        "index_valid",
        "1 if the version's index on this column exists and is valid.",
        [
            ({"version": str(version.pk), "column": column}, float(state == indexes.VALID))
            for version in every
            for column, state in indexes.states(version).items()
        ],
    )
    yield Gauge(
        "index_bytes",
        "Size of each vector index on disk.",
        [({"index": name}, float(size)) for name, size in indexes.sizes().items()],
    )


def _workers() -> list[Gauge]:
    """Return the workers seen through the cache, on any machine."""
    seen = heartbeats.seen_if_known()
    return [
        Gauge(
            "workers",
            f"Machines with a worker seen in the last {heartbeats.SEEN_S:.0f} s.",
            [({}, float(len(seen)))],
        )
    ]
