"""Hints for operators: sentences that name the command to run now."""

from collections.abc import Iterator

from similarity import conf
from similarity.encoders.fusion import UNREDUCED
from similarity.encoders.registry import get_encoders
from similarity.exceptions import SimilarityError
from similarity.models import EncoderVersion, PendingProduct
from similarity.vectors import fusions, indexes, inputs
from similarity.versions import build, gate

#: A catalogue this many times larger than what the fusion was fitted on deserves a new fit.
GROWN = 10
#: Share of unread texts from which a hint is given.
UNREAD = 0.05


def hints(live: EncoderVersion | None, products: int, covered: int, eligible: int) -> list[str]:
    """Return the present hints, from the live version and the figures of the catalogue."""
    if live is None:
        return ["There is no live version: start a worker and run 'manage.py similarity embed'."]
    return [
        *_of_versions(live),
        *_of_building(),
        *_of_products(live, products, covered, eligible),
    ]


def of_inputs(products: int) -> Iterator[str]:
    """Yield a remedy if the text model cannot read many of the products' texts."""
    unread = inputs.figures()["unread"]
    if unread > UNREAD * products:
        yield (
            f"The text model cannot read the texts of {unread} of {products} products "
            f"({unread / products:.0%}), which count as absent: name a multilingual model in "
            "SIMILARITY['ENCODERS']['text'], such as multilingual-e5-small, and run 'manage.py "
            "similarity build --promote' (docs/encoding.md)."
        )


def _of_versions(live: EncoderVersion) -> Iterator[str]:
    if difference := _mismatch(live):
        yield (
            f"The encoders of live version {live.pk} are no longer available ({difference}): it is "
            "not kept up to date. Restore their weights, or run 'manage.py similarity build "
            "--promote'."
        )
    newer = fusions.every_version().filter(status=EncoderVersion.Status.READY, pk__gt=live.pk)
    if (ready := newer.order_by("-pk").first()) is not None:
        yield (
            f"Version {ready.pk} is ready: 'manage.py similarity promote {ready.pk}' makes it live."
        )
    elif other := _differing_settings(live):
        yield (
            f"The {' and '.join(other)} in the settings differ from live version {live.pk}'s, "
            "which keeps its own: run 'manage.py similarity build --promote' to use them."
        )
    if (others := newer.count() - 1) > 0:
        yield (
            f"{others} more versions are ready and kept up to date by workers: retire in the admin "
            "those you will not promote."
        )
    lacking = [column for column, state in indexes.states(live).items() if state != indexes.VALID]
    if lacking:
        yield (
            f"Version {live.pk} lacks the index or cells for {' and '.join(lacking)}, for example "
            f"after a restore of data alone: run 'manage.py similarity promote {live.pk}'."
        )
    if live.catches_up_with_id is not None:
        yield (
            f"Version {live.pk} lacks changes made while version {live.catches_up_with_id} was "
            "live: a worker enqueues them at its next drain."
        )


def _of_building() -> Iterator[str]:
    begun = fusions.every_version().filter(status=EncoderVersion.Status.BUILDING).first()
    if begun is None or build.is_building():
        return
    stopped = build.described(begun.progress, running=False) or "stopped"
    reason = f" ({begun.progress['error']})" if begun.progress.get("error") else ""
    yield (
        f"The build of version {begun.pk} {stopped}{reason}: 'manage.py similarity build' "
        "resumes it."
    )


def _of_products(live: EncoderVersion, products: int, covered: int, eligible: int) -> Iterator[str]:
    if eligible and covered < gate.MIN_COVERAGE * eligible:
        yield (
            f"{eligible - covered} of {eligible} eligible products have no vectors: "
            "run 'manage.py similarity reconcile'."
        )
    if live.fitted_on < build.SAMPLE and products > GROWN * max(live.fitted_on, 1):
        yield (
            f"Version {live.pk} was fitted on {live.fitted_on} products and the catalogue has "
            f"{products} now: run 'manage.py similarity build --promote'."
        )
    if dead := PendingProduct.objects.dead().count():
        yield (
            f"{dead} products failed too often; fix the cause and revive them in the admin, or run "
            "'manage.py similarity embed' with their keys."
        )


def _differing_settings(live: EncoderVersion) -> list[str]:
    """Return the settings that a new version would not share with the live version."""
    parts = live.weights.keys()
    weights = {part: conf.weights().get(part, 0.0) for part in parts}
    total = sum(weights.values()) or 1.0
    differing = ["encoders"] if _other_encoders(live) else []
    if any(abs(weights[part] / total - live.weights[part]) > 1e-6 for part in parts):
        differing.append("weights")
    wanted = conf.dimensions()
    reduced = [part for part in parts if part not in UNREDUCED]
    # An encoder's vector may be shorter than the configured length.
    widths = {
        part: min(wanted.get(part, live.dimensions[part]), live.encoders[part]["dimension"])
        for part in reduced
    }
    if any(width != live.dimensions[part] for part, width in widths.items()):
        differing.append("dimensions")
    return differing


def _other_encoders(live: EncoderVersion) -> bool:
    signatures = {part: record["signature"] for part, record in live.encoders.items()}
    try:
        return signatures != {part: each.signature for part, each in get_encoders().items()}
    except SimilarityError:  # encoder packages may be missing on this machine
        return False


def _mismatch(live: EncoderVersion) -> str:
    try:
        return fusions.mismatch(live)
    except SimilarityError:  # encoder packages may be missing on this machine
        return ""
