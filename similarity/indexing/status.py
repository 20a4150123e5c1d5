"""One report of where indexing stands, for the command and the admin."""

from typing import Any

from django.db import connections

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.encoders.fusion import UNREDUCED
from similarity.encoders.registry import get_encoders
from similarity.exceptions import SimilarityError
from similarity.indexing import (
    building,
    health,
    indexes,
    maintained,
    outbox,
    quality,
    reconcile,
    vectors,
)
from similarity.indexing import workers as heartbeat
from similarity.models import EncoderVersion, PendingProduct, ProductVectors

#: Dead rows a report names.
DEAD_SHOWN = 5

#: A catalogue this many times larger than what the fusion was fitted on deserves a new fit.
GROWN = 10


def report() -> dict[str, Any]:
    """Everything ``similarity_status`` prints, as plain values that JSON can hold."""
    live = maintained.every_version().live()
    covered, eligible = quality.coverage(live) if live else (0, _eligible())
    products = conf.product_model()._base_manager.using(vectors.alias()).count()
    return {
        "products": products,
        "live_version": live.pk if live else None,
        "coverage": {"eligible": eligible, "with_vectors": covered},
        "outbox": {**outbox.counts()._asdict(), "lag_s": round(outbox.lag_s(), 1)},
        "dead": _dead(),
        "reconcile": reconcile.last(),
        "versions": [_version(version) for version in maintained.every_version().order_by("-pk")],
        "workers": heartbeat.seen_if_known(),
        "index_bytes": indexes.sizes(),
        "table_bytes": _table_bytes(),
        "health": {name: check._asdict() for name, check in health.checks().items()},
        "hints": _hints(live, products, covered, eligible),
    }


def _eligible() -> int:
    return get_adapter().eligible().using(vectors.alias()).count()


def _dead() -> list[dict[str, Any]]:
    rows = PendingProduct.objects.dead().order_by("-available_at")
    return [{"product": row.product_key, "error": row.last_error} for row in rows[:DEAD_SHOWN]]


def _version(version: EncoderVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "status": version.status,
        "vectors": ProductVectors.objects.of_version(version).count(),
        "fitted_on": version.fitted_on,
        "dimensions": version.dimensions,
        "weights": version.weights,
        "indexes": indexes.states(version),
        "created_at": version.created_at.isoformat(),
    }


def _table_bytes() -> int:
    with connections[vectors.alias()].cursor() as cursor:
        cursor.execute("SELECT pg_table_size(to_regclass(%s))", [ProductVectors._meta.db_table])
        return int(cursor.fetchone()[0])


def _hints(live: EncoderVersion | None, products: int, covered: int, eligible: int) -> list[str]:
    """What somebody should do now."""
    if live is None:
        return ["There is no live version: start a worker and run 'manage.py embed'."]
    hints = []
    if difference := _mismatch(live):
        hints.append(
            f"The encoders of live version {live.pk} cannot be had any more ({difference}): it is "
            "not kept up to date. Put their weights back, or run 'manage.py build_version "
            "--promote'."
        )
    newer = maintained.every_version().filter(status=EncoderVersion.Status.READY, pk__gt=live.pk)
    if (ready := newer.order_by("-pk").first()) is not None:
        hints.append(f"Version {ready.pk} is ready: 'manage.py promote {ready.pk}' makes it live.")
    elif other := _differing_settings(live):
        hints.append(
            f"{' and '.join(other)} in the settings differ from live version {live.pk}'s, which "
            "keeps its own: run 'manage.py build_version --promote' to use them."
        )
    if eligible and covered < conf.get("PROMOTE_MIN_COVERAGE") * eligible:
        hints.append(
            f"{eligible - covered} of {eligible} eligible products have no vectors: "
            "run 'manage.py reconcile'."
        )
    if live.fitted_on < building.SAMPLE and products > GROWN * max(live.fitted_on, 1):
        hints.append(
            f"Version {live.pk} was fitted on {live.fitted_on} products and the catalogue has "
            f"{products} now: run 'manage.py build_version --promote'."
        )
    if dead := PendingProduct.objects.dead().count():
        hints.append(
            f"{dead} products were given up; mend the cause and revive them in the admin, or run "
            "'manage.py embed' with their keys."
        )
    return hints


def _differing_settings(live: EncoderVersion) -> list[str]:
    """Settings that another version would be made with."""
    parts = live.weights.keys()
    weights = {part: conf.get("WEIGHTS").get(part, 0.0) for part in parts}
    total = sum(weights.values()) or 1.0
    differing = ["ENCODERS"] if _other_encoders(live) else []
    if any(abs(weights[part] / total - live.weights[part]) > 1e-6 for part in parts):
        differing.append("WEIGHTS")
    wanted = conf.get("DIMENSIONS")
    reduced = [part for part in parts if part not in UNREDUCED]
    # An encoder's vector may be shorter than what it would be reduced to.
    widths = {
        part: min(wanted.get(part, live.dimensions[part]), live.encoders[part]["dimension"])
        for part in reduced
    }
    if any(width != live.dimensions[part] for part, width in widths.items()):
        differing.append("DIMENSIONS")
    return differing


def _other_encoders(live: EncoderVersion) -> bool:
    signatures = {part: record["signature"] for part, record in live.encoders.items()}
    try:
        return signatures != {part: each.signature for part, each in get_encoders().items()}
    except SimilarityError:  # a machine without encoder packages cannot tell
        return False


def _mismatch(live: EncoderVersion) -> str:
    try:
        return maintained.mismatch(live)
    except SimilarityError as error:
        return str(error)
