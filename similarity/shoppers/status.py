"""Report which models of shoppers answer, how old they are, and what they lack."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from similarity.catalog import times
from similarity.connections.metrics_export import Gauge
from similarity.models import EncoderVersion, ProductVectors
from similarity.operations import backlog
from similarity.shoppers.models import PublicRelease, ShopperModel
from similarity.shoppers.promotion import TRAIN
from similarity.shoppers.shopper import now
from similarity.vectors import upsert

#: A live model that is older has missed several nights of training.
OLD = timedelta(days=7)


def report() -> dict[str, Any]:
    """Return the plain report of shoppers' models for ``similarity status``."""
    alias = upsert.alias()
    released = PublicRelease.objects.using(alias).last_day()
    return {
        "models": [_model(one, alias) for one in _live(alias)],
        "public_shelves_of": released.isoformat() if released else None,
        "hints": [f"{fault} {hint}" for fault, hint in (*faults(alias), *_upkeep(alias))],
    }


def lines(shoppers: Mapping[str, Any]) -> list[str]:
    """Return the lines that ``similarity status`` prints for the report."""
    told = [
        f"Shoppers   {one['kind']} model {one['id']} live since {one['promoted_at'][:16]}, trained "
        f"on {one['events']} events of {one['shoppers']} shoppers; {one['items']} products have "
        f"vectors; {one['erased']} shoppers erased since"
        for one in shoppers["models"]
    ] or ["Shoppers   no model is live; shelves are by likeness and best sellers"]
    told.append(f"  public   shelves of {shoppers['public_shelves_of'] or 'no day yet'}")
    return told + [f"Do         {hint}" for hint in shoppers["hints"]]


def gauges() -> Iterator[Gauge]:
    """Yield figures for Prometheus."""
    alias = upsert.alias()
    live = list(_live(alias))
    yield Gauge(
        "shopper_model_age_seconds",
        "Time since the live model of each kind was promoted.",
        [({"kind": one.kind}, _age(one).total_seconds()) for one in live],
    )
    yield Gauge(
        "shopper_model_erased",
        "Shoppers erased since the live model of each kind was trained.",
        [({"kind": one.kind}, float(one.erased)) for one in live],
    )
    yield Gauge(
        "shopper_model_items",
        f"Products with a vector of the live model of each kind; estimated above {backlog.EXACT}.",
        [({"kind": one.kind}, float(_items(one, alias))) for one in live],
    )


def faults(alias: str) -> Iterator[tuple[str, str]]:
    """Yield (fault, remedy) of live models that cannot answer for every product."""
    live = EncoderVersion.objects.using(alias).live_key()
    for model in _live(alias, with_weights=True):
        train = TRAIN[model.kind]
        if not model.artefact_is_intact():
            yield (
                f"The weights of live model {model.pk} of shoppers are damaged, so it does not "
                "answer.",
                f"Roll back in the admin, or run {train}.",
            )
        content_version = model.config.get("items", {}).get("content_version")
        if live is not None and content_version != live:
            yield (
                f"Live model {model.pk} of shoppers knows the content of encoder version "
                f"{content_version}, and version {live} is live: new products have no vector.",
                f"Run {train}.",
            )


def _upkeep(alias: str) -> Iterator[tuple[str, str]]:
    for model in _live(alias):
        if _age(model) > OLD:
            yield (
                f"Live model {model.pk} of shoppers is {_age(model).days} days old.",
                "Start celery beat with similarity.beat_schedule, or run "
                f"{TRAIN[model.kind]}; its log says why a newer one was refused.",
            )


def _live(alias: str, *, with_weights: bool = False) -> Iterator[ShopperModel]:
    models = ShopperModel.objects.using(alias).filter(status=ShopperModel.Status.LIVE)
    models = models if with_weights else models.defer("weights")
    yield from models.order_by("-kind")


def _model(model: ShopperModel, alias: str) -> dict[str, Any]:
    return {
        "id": model.pk,
        "kind": model.kind,
        "promoted_at": _promoted_at(model).isoformat(),
        "events": model.window.get("events", 0),
        "shoppers": model.window.get("shoppers", 0),
        "items": _items(model, alias),
        "erased": model.erased,
    }


def _promoted_at(model: ShopperModel) -> datetime:
    return times.aware(model.promoted_at or model.created_at)


def _age(model: ShopperModel) -> timedelta:
    return now() - _promoted_at(model)


def _items(model: ShopperModel, alias: str) -> int:
    if model.items_id is None:
        return 0
    return backlog.about(ProductVectors.objects.using(alias).filter(version=model.items_id))
