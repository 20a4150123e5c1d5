"""The life of learned rankers: saved, promoted if better, rolled back."""

import hashlib
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from similarity.exceptions import RankerError
from similarity.search.models import RankerVersion
from similarity.search.models.rankers import RankerVersionQuerySet
from similarity.search.reranking.network import Network
from similarity.search.reranking.rankers import usable_network
from similarity.search.reranking.signals import SIGNALS
from similarity.search.training.ranker_evaluation import Evaluation

Status = RankerVersion.Status


def save(network: Network, figures: dict[str, Any]) -> RankerVersion:
    """Save a new candidate with its training data and measured quality; return it."""
    artefact = network.to_bytes()
    return _rows().create(
        signals=list(SIGNALS),
        artefact=artefact,
        sha256=hashlib.sha256(artefact).hexdigest(),
        figures=figures,
    )


def live_network() -> Network | None:
    """Return the live ranker's network; None if the blend orders or the network is unusable."""
    live = _rows().live()
    try:
        return usable_network(live) if live else None
    except RankerError:
        return None  # the blend orders in its place


def why_not(evaluation: Evaluation) -> str:
    """Return why the learned ranker is not to be promoted; empty if it is."""
    for other in ("blend", "live ranker"):
        if other in evaluation.scores:
            than = evaluation.difference("learned", other)
            if not than.beyond_noise:
                return (
                    f"its NDCG@10 less that of the {other} is {than.mean:+.4f} ± "
                    f"{than.standard_error:.4f}, which may be chance"
                )
    return ""


def promote(version: RankerVersion | int | None = None) -> RankerVersion:
    """Make a ranker live, in one transaction, and return it; None takes the newest candidate.

    Raises :class:`RankerError` for a ranker that is missing or unusable by this release.
    """
    chosen = _find(version)
    usable_network(chosen)
    with transaction.atomic(using=_alias()):
        # Lock all rows, so that the second of two simultaneous promotions sees the first.
        list(_rows().select_for_update().order_by("pk").values_list("pk"))
        _rows().filter(status=Status.LIVE).exclude(pk=chosen.pk).update(status=Status.RETIRED)
        chosen.status = Status.LIVE
        chosen.promoted_at = timezone.now()
        chosen.save(update_fields=["status", "promoted_at"])
    return chosen


def rollback() -> RankerVersion | None:
    """Retire the live ranker; return the previous ranker, live again, or None for the blend."""
    with transaction.atomic(using=_alias()):
        list(_rows().select_for_update().order_by("pk").values_list("pk"))
        live = _rows().live()
        if live is None:
            raise RankerError("No learned ranker is live: the blend orders already.")
        before = (
            _rows()
            .filter(status=Status.RETIRED, promoted_at__lt=live.promoted_at)
            .order_by("-promoted_at")
            .first()
        )
        live.status = Status.RETIRED
        live.save(update_fields=["status"])
        if before is not None:
            # It keeps its time, so that a further rollback finds the ranker before it.
            before.status = Status.LIVE
            before.save(update_fields=["status"])
    return before


def _find(version: RankerVersion | int | None) -> RankerVersion:
    if isinstance(version, RankerVersion):
        return version
    rows = (
        _rows().filter(status=Status.CANDIDATE) if version is None else _rows().filter(pk=version)
    )
    found = rows.order_by("-pk").first()
    if found is None:
        raise RankerError(
            f"There is no ranker {version}; train one with 'manage.py similarity train-ranker'."
            if version
            else "There is no candidate; train one with 'manage.py similarity train-ranker'."
        )
    return found


def _alias() -> str:
    return router.db_for_write(RankerVersion)


def _rows() -> RankerVersionQuerySet:
    return RankerVersion.objects.using(_alias())
