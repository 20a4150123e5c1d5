"""The record of a training run, shared by all kinds of models: begun, filled, failed."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from logging import getLogger
from typing import Any

import numpy as np
from django.utils import timezone

from similarity.shoppers.interactions import Data, Interactions
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training.measures import Measures
from similarity.types import FloatArray, Progress
from similarity.vectors import upsert

logger = getLogger(__name__)

#: Shoppers by whom a model is measured; each ranks the whole catalogue.
ASKED = 20_000
#: Items' vectors handed to the promotion at once.
_PAGE = 5000


def begin_run(kind: str, data: Data, config: dict[str, Any]) -> ShopperModel:
    """Store that a training runs, on which data and with which config."""
    interactions = data.interactions
    window = interactions.window()
    if len(interactions.times):
        ends = (int(interactions.times.min()), int(interactions.times.max()))
        first, last = (datetime.fromtimestamp(at, UTC).isoformat() for at in ends)
        window |= {"first": first, "last": last}
    return ShopperModel.objects.using(upsert.alias()).create(
        kind=kind, config={**config, "content_version": data.content_version}, window=window
    )


def fail_run(model: ShopperModel, error: BaseException) -> None:
    """Store why the run ended; never hide the error itself."""
    model.status = ShopperModel.Status.FAILED
    model.error = str(error) or f"{type(error).__name__} at {timezone.now():%Y-%m-%d %H:%M}"
    try:
        model.save(using=upsert.alias(), update_fields=["status", "error"])
    except Exception:
        logger.exception("Model %s of shoppers could not be marked as failed.", model.pk)


def learned_items(
    vectors: FloatArray, interactions: Interactions
) -> Iterator[tuple[list[str], FloatArray]]:
    """Yield names and vectors of the items with events; the others come from their content."""
    known = np.flatnonzero(np.bincount(interactions.items, minlength=interactions.item_count))
    for first in range(0, len(known), _PAGE):
        rows = known[first : first + _PAGE]
        yield [interactions.names[row] for row in rows], vectors[rows]


def as_figures(found: Mapping[str, Measures]) -> dict[str, dict[str, float]]:
    """Return the figures of each model, by name."""
    return {name: measures.figures() for name, measures in found.items()}


def named(progress: Progress, phase: str) -> Progress:
    """Return a progress that reports under the name ``phase``."""
    return lambda _phase, done, total: progress(phase, done, total)
