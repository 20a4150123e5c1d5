"""The nightly training: skipped where it cannot work or would change nothing."""

from importlib.util import find_spec
from logging import getLogger

from similarity.connections.locks import LockTaken, advisory_lock
from similarity.encoders import device
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.reading import read_interactions
from similarity.shoppers.training import gate
from similarity.shoppers.training.factors_training import train_factors
from similarity.shoppers.training.sequence_training import (
    chosen_run,
    fresh_shoppers,
    train_sequence,
)
from similarity.vectors import upsert

logger = getLogger(__name__)

LOCK = "similarity.shopper_training"
#: With fewer events every model is chance.
LEAST_EVENTS = 1000


def train_nightly() -> ShopperModel | None:
    """Train a sequence model; also the factor model while no sequence model is live.

    Returns the sequence model. Returns None, and logs why, without the encoders extra, with fewer
    than ``LEAST_EVENTS`` events, while another training runs, or if too little happened since the
    live model was trained to tell which is better.
    """
    missing = [name for name in ("torch", "safetensors", "scipy") if find_spec(name) is None]
    if missing:
        return _skipped(
            f"this worker has no {' and '.join(missing)}; install django-similarity[encoders], or "
            "route similarity.train_shoppers to a worker that has it"
        )
    try:
        with advisory_lock(LOCK, upsert.alias()):
            return _train()
    except LockTaken:
        return _skipped("another training runs")


def _train() -> ShopperModel | None:
    data = read_interactions(upsert.alias())
    events = len(data.interactions.items)
    if events < LEAST_EVENTS:
        return _skipped(f"there are {events} events of shoppers, and it takes {LEAST_EVENTS}")
    fresh = fresh_shoppers(data)
    if fresh is not None and not gate.fresh_enough(fresh).promoted:
        return _skipped(gate.fresh_enough(fresh).reason)
    run = chosen_run().on(device.device())
    model = train_sequence(data, run)
    logger.info("%s: %s", model, model.figures["decision"]["reason"])
    if ShopperModel.objects.using(upsert.alias()).live(ShopperModel.Kind.SEQUENCE) is None:
        factors = train_factors(data, device=run.device)
        logger.info("%s: %s", factors, factors.figures["decision"]["reason"])
    return model


def _skipped(reason: str) -> ShopperModel | None:
    """Log why nothing is trained; return None."""
    logger.info("Models of shoppers are not trained tonight: %s.", reason.rstrip("."))
    return None
