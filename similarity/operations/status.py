"""The status report of indexing, for the command and the admin."""

from typing import Any

from django.db import connections
from django.db.models import Count

from similarity import conf
from similarity.cells import upkeep
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.operations import health, hints
from similarity.outbox import draining, reconcile
from similarity.vectors import fusions, indexes, inputs, upsert
from similarity.vectors import heartbeats as heartbeat
from similarity.versions import build, quality

#: Dead rows that a report names.
DEAD_SHOWN = 5
#: Fewer failing products are bad rows; more may be a fault of the adapter.
MANY_FAILING = 5
#: Characters of an error that are shown.
SHOWN = 300


def report() -> dict[str, Any]:
    """Return everything ``similarity status`` prints, as plain values that JSON can hold.

    If the database does not answer, only ``healthy``, ``health`` and ``hints``.
    """
    checks = health.checks()
    if checks["database"].ok:
        checks["products"] = health.guarded(_failing)
    told = {
        "healthy": all(check.ok for check in checks.values()),
        "health": {name: check._asdict() for name, check in checks.items()},
    }
    if not checks["database"].ok:
        return {**told, "hints": ["Start PostgreSQL, or correct DATABASES; pages need it too."]}
    return {**told, **_state()}


def _state() -> dict[str, Any]:
    live = fusions.every_version().live()
    before = fusions.every_version().before_live()
    covered, eligible = quality.coverage(live) if live else (0, quality.eligible().count())
    products = conf.product_model()._base_manager.using(upsert.alias()).count()
    return {
        "products": products,
        "live_version": live.pk if live else None,
        "rollback_to": before.pk if before else None,
        "coverage": {"eligible": eligible, "with_vectors": covered},
        "outbox": {**draining.counts()._asdict(), "lag_s": round(draining.lag_s(), 1)},
        "dead": _dead(),
        "inputs": dict(inputs.figures()),
        "reconcile": reconcile.last(),
        "build_running": build.is_building(),
        "versions": _versions(),
        "workers": heartbeat.seen_if_known(),
        "index_bytes": indexes.sizes(),
        "table_bytes": _table_bytes(),
        "hints": [*hints.hints(live, products, covered, eligible), *hints.of_inputs(products)],
    }


def _failing() -> health.HealthCheck:
    """Check whether most attempted products fail, for example because of a faulty adapter.

    Not among the checks of ``/health/ready``, because a web process can still serve.
    """
    unfinished = PendingProduct.objects.exclude(last_error="")
    failing, waiting = unfinished.count(), PendingProduct.objects.count()
    if not failing:
        return health.HealthCheck(True, "no product failed")
    common = unfinished.values("last_error").annotate(times=Count("pk"))
    error, times = common.values_list("last_error", "times").order_by("-times")[0]
    detail = f"{failing} of {waiting} in the outbox failed, {times} of them with: {error[:SHOWN]}"
    return health.HealthCheck(failing < MANY_FAILING or 2 * failing <= waiting, detail)


def _dead() -> list[dict[str, Any]]:
    rows = PendingProduct.objects.dead().order_by("-available_at")
    return [{"product": row.product_key, "error": row.last_error} for row in rows[:DEAD_SHOWN]]


def _versions() -> list[dict[str, Any]]:
    running = build.is_building()
    return [_version(version, running) for version in fusions.every_version().order_by("-pk")]


def _version(version: EncoderVersion, running: bool) -> dict[str, Any]:
    building = version.status == EncoderVersion.Status.BUILDING
    return {
        "id": version.pk,
        "status": version.status,
        "vectors": ProductVectors.objects.using(upsert.alias()).of_version(version).count(),
        "fitted_on": version.fitted_on,
        "dimensions": version.dimensions,
        "weights": version.weights,
        "indexes": indexes.states(version),
        "cells": _cells(version),
        "building": _building(version.progress, running) if building else None,
        "quality": version.figures.get("quality"),
        "created_at": version.created_at.isoformat(),
    }


def _cells(version: EncoderVersion) -> dict[str, Any] | None:
    found = upkeep.report(version, upsert.alias())
    return found._asdict() if found else None


def _building(noted: dict[str, Any], running: bool) -> dict[str, Any]:
    left_s = build.seconds_left(noted) if running else None
    return {
        "running": running,
        "phase": noted.get("phase"),
        "done": noted.get("done"),
        "total": noted.get("total"),
        "left_s": None if left_s is None else round(left_s),
        "text": build.described(noted, running=running) or "begun",
        "error": noted.get("error", ""),
    }


def _table_bytes() -> int:
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute("SELECT pg_table_size(to_regclass(%s))", [ProductVectors._meta.db_table])
        return int(cursor.fetchone()[0])
