"""Chooses the ranker: the live learned ranker, else the fixed blend."""

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

from similarity.exceptions import RankerError
from similarity.search.budget import TimedReading
from similarity.search.models import RankerVersion
from similarity.search.reranking.blend import WEIGHTS, blend
from similarity.search.reranking.network import Network, read_network
from similarity.search.reranking.signals import SIGNALS
from similarity.types import DoubleArray

logger = logging.getLogger(__name__)

BLEND = "blend"


class Ranker(NamedTuple):
    """``scores``: signals (N, F) → (N,), any range, higher is better."""

    name: str
    scores: Callable[[DoubleArray], DoubleArray]


def current_ranker(reading: TimedReading, weights: Mapping[str, float] = WEIGHTS) -> Ranker:
    """Return the live ranker; the blend by ``weights`` if this release can use no live ranker."""
    fixed = Ranker(BLEND, partial(blend, weights=weights))
    reading.check()
    live = (
        RankerVersion.objects.using(reading.using)
        .filter(status=RankerVersion.Status.LIVE)
        .values_list("pk", "sha256", "signals")
        .first()
    )
    if live is None:
        return fixed
    pk, sha256, signals = live
    network = _network(pk, sha256, tuple(signals), reading.using)
    return Ranker(f"ranker {pk}", network.scores) if network else fixed


@lru_cache(maxsize=4)
def _network(pk: int, sha256: str, signals: tuple[str, ...], using: str) -> Network | None:
    """Read a network once a process; return None, and log an error, if it cannot be used."""
    version = RankerVersion.objects.using(using).get(pk=pk)
    try:
        return usable_network(version)
    except RankerError as error:
        logger.error("Results are re-ordered by the fixed blend: %s", error)
        return None


def usable_network(version: RankerVersion) -> Network:
    """Return the network; raise :class:`RankerError` if it is damaged or has other signals."""
    if tuple(version.signals) != SIGNALS:
        raise RankerError(
            f"Ranker {version.pk} reads the signals {', '.join(version.signals)}, and this release "
            f"has {', '.join(SIGNALS)}; train another with 'manage.py similarity train-ranker'."
        )
    if not version.artefact_is_intact():
        raise RankerError(
            f"Ranker {version.pk} does not have the hash {version.sha256} it was saved with; "
            "go back with 'manage.py similarity train-ranker --rollback', or train another."
        )
    return read_network(bytes(version.artefact), len(SIGNALS))
