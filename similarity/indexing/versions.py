"""The life of encoder versions: first start, building, promotion, rolling back, retirement."""

import logging
import time
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from similarity.catalog.adapter import get_adapter
from similarity.connections import wakeup
from similarity.connections.locks import advisory_lock
from similarity.encoders.registry import get_encoders
from similarity.exceptions import EncoderError, VersionError
from similarity.indexing import building, indexes, maintained, queries, vectors, workers
from similarity.indexing.indexes import Progress
from similarity.indexing.maintained import every_version
from similarity.models import EncoderVersion, PendingProduct, ProductVectors

logger = logging.getLogger(__name__)

Status = EncoderVersion.Status

LOCK = "similarity.build"

#: Share of the eligible products a version must have vectors of before it may go live.
ENOUGH = 0.95

#: Rows one statement deletes when a version is dropped.
DELETE_ROWS = 5000


def ensure_live_version(*, wait_s: float = 600.0) -> EncoderVersion:
    """The live version; at the first start it is made from what the catalogue holds now.

    One process makes it, under a lock; others wait for it up to ``wait_s``, after which
    :class:`similarity.indexing.locks.LockTaken` is raised.
    """
    live = every_version().live()
    if live is not None:
        return live
    with advisory_lock(LOCK, vectors.alias(), wait_s=wait_s):
        live = every_version().live()
        if live is None:
            version = building.unfinished() or building.begin(progress=workers.note)
            indexes.create_indexes(version)
            live = _switch(version)
            logger.info("Version %s is live, fitted on %d products.", live.pk, live.fitted_on)
    return live


def build_version(
    progress: Progress | None = None, *, sample: int = building.SAMPLE
) -> EncoderVersion:
    """Make a version with the present settings and embed the whole catalogue for it.

    Returns it ready, not live. A build that was interrupted goes on where it stopped, as
    long as encoders, weights and dimensions are the same; others are dropped.
    Products that fail are left to the outbox, which keeps their error. ``progress`` is
    called with phase (``learn``, ``embed``, ``index fused`` …), done and total.
    """
    with advisory_lock(LOCK, vectors.alias()):
        started = time.monotonic()
        version = building.unfinished()
        for other in every_version().filter(status=Status.BUILDING):
            if other != version:
                drop(other)
        version = version or building.begin(sample, progress)
        report = building.fill(version, progress)
        PendingProduct.objects.enqueue(report.errors)
        embedded = time.monotonic()
        indexes.create_indexes(version, progress)
        version.figures = {
            **version.figures,
            "products": _stored(version).count(),
            "failed": report.failed,
            "embed_s": round(embedded - started, 1),
            "index_s": round(time.monotonic() - embedded, 1),
            "index_bytes": _index_bytes(version),
        }
        version.save(update_fields=["figures"])
        # It may have been promoted by force meanwhile, and must not be taken down again.
        built = every_version().filter(pk=version.pk, status=Status.BUILDING)
        built.update(status=Status.READY)
        version.refresh_from_db(using=vectors.alias(), fields=["status"])
    return version


def promote(
    version: EncoderVersion | int | None = None,
    *,
    force: bool = False,
    build_indexes: bool = False,
) -> EncoderVersion:
    """Make a version the live one, in one transaction; the old one is kept for rolling back.

    Without an argument it is the newest that is ready. Products whose vectors were made
    from other content than the old version's are enqueued. Raises :class:`VersionError`
    for a version that has too few vectors, lacks its indexes or was made with other
    encoders than those configured; ``force`` promotes it all the same.
    ``build_indexes`` builds what indexes it lacks first, which may take minutes.
    """
    chosen = _find(version)
    if build_indexes:
        indexes.create_indexes(chosen)
    if chosen.status == Status.LIVE:
        return chosen
    if not force:
        _check(chosen)
    with transaction.atomic(using=vectors.alias()):
        before = every_version().live()
        live = _switch(chosen)
        # Looked for after the switch and committed with it: a process killed between the two
        # would leave the version outdated for good.
        for keys in building.chunks(_changed_keys(before, live), DELETE_ROWS):
            PendingProduct.objects.enqueue(keys)
        wakeup.on_commit(vectors.alias())
        wakeup.on_commit(vectors.alias(), queries.TASK)
    return live


def rollback(*, force: bool = False) -> EncoderVersion:
    """Make the version that was live before live again."""
    before = (
        every_version()
        .filter(status=Status.RETIRED, promoted_at__isnull=False)
        .order_by("-promoted_at")
        .first()
    )
    if before is None:
        raise VersionError(
            "No version is kept for rolling back; build one with 'manage.py build_version'."
        )
    return promote(before, force=force)


def coverage(version: EncoderVersion) -> tuple[int, int]:
    """(eligible products with vectors in this version, eligible products)."""
    eligible = get_adapter().eligible().using(vectors.alias()).order_by()
    stored = _stored(version).filter(product=OuterRef("pk"))
    return eligible.filter(Exists(stored)).count(), eligible.count()


def retire(version: EncoderVersion) -> None:
    """Take a version that never went live out of use: it is kept up to date no more.

    Its indexes go, its vectors stay until :func:`drop_retired`; 'manage.py promote' builds the
    indexes again. Raises :class:`VersionError` for the live version and for one that is
    being built. A version retired before stays as it is, with its indexes for rolling back.
    """
    with advisory_lock(LOCK, vectors.alias()):
        row = every_version().filter(pk=version.pk)
        if row.filter(status=Status.LIVE).exists():
            raise VersionError(f"Version {version.pk} is live; promote another before retiring it.")
        if row.filter(status__in=[Status.BUILDING, Status.READY]).update(status=Status.RETIRED):
            indexes.drop_indexes(version)


def drop(version: EncoderVersion) -> None:
    """Delete a version with its vectors and indexes; the live one is refused."""
    if version.status == Status.LIVE:
        raise VersionError(f"Version {version.pk} is live; promote another before dropping it.")
    indexes.drop_indexes(version)
    rows = _stored(version)
    while keys := list(rows.values_list("pk", flat=True)[:DELETE_ROWS]):
        ProductVectors.objects.using(vectors.alias()).filter(pk__in=keys).delete()
    version.delete()


def drop_retired(keep: int = 1) -> list[int]:
    """Drop the retired versions but the ``keep`` that were live last; returns their ids."""
    # A version that never was live has nothing to roll back to, and goes before any that was.
    lately = F("promoted_at").desc(nulls_last=True)
    retired = every_version().filter(status=Status.RETIRED).order_by(lately, "-pk")
    dropped = []
    for version in retired[keep:]:
        dropped.append(version.pk)
        drop(version)
    return dropped


def _find(version: EncoderVersion | int | None) -> EncoderVersion:
    if version is None:
        found = every_version().filter(status=Status.READY).first()
        if found is None:
            raise VersionError(
                "No version is ready to be promoted; make one with 'manage.py build_version'."
            )
        return found
    pk = version.pk if isinstance(version, EncoderVersion) else version
    try:
        return every_version().get(pk=pk)
    except EncoderVersion.DoesNotExist:
        known = ", ".join(map(str, every_version().values_list("pk", flat=True))) or "none"
        raise VersionError(f"There is no version {pk}; known are: {known}.") from None


def _check(version: EncoderVersion) -> None:
    stored, eligible = coverage(version)
    if stored < ENOUGH * eligible:
        raise VersionError(
            f"Version {version.pk} has vectors of {stored} of {eligible} eligible products; "
            f"{ENOUGH:.0%} are needed. Finish it with 'manage.py build_version', or use --force."
        )
    missing = [column for column, s in indexes.states(version).items() if s != indexes.VALID]
    if missing:
        raise VersionError(
            f"Version {version.pk} has no valid index on {', '.join(missing)}; "
            f"'manage.py promote {version.pk}' builds them first, or use --force."
        )
    try:
        difference = maintained.mismatch(version, get_encoders())
    except EncoderError:  # a web machine without encoder packages cannot tell
        logger.info("No encoder packages here; version %s is promoted unchecked.", version.pk)
        return
    if difference:
        raise VersionError(
            f"Version {version.pk} was made with other encoders than SIMILARITY['ENCODERS'] "
            f"names ({difference}), so that no worker could keep it up to date. Put the "
            "settings back first, or use --force."
        )


def _switch(version: EncoderVersion) -> EncoderVersion:
    """One row goes live, one is retired; a constraint of the table allows no second live row."""
    with transaction.atomic(using=vectors.alias()):
        # Every row is locked, so that of two promotions at once the second sees the first's.
        list(every_version().select_for_update().order_by("pk").values_list("pk"))
        live = every_version().filter(status=Status.LIVE).exclude(pk=version.pk)
        live.update(status=Status.RETIRED)
        version.status = Status.LIVE
        version.promoted_at = timezone.now()
        version.save(update_fields=["status", "promoted_at"])
    return version


def _changed_keys(live: EncoderVersion | None, version: EncoderVersion) -> list[Any]:
    """Products of which this version's vectors are older or newer than those of ``live``."""
    if live is None:
        return []
    same = _stored(version).filter(product=OuterRef("product"), fingerprint=OuterRef("fingerprint"))
    return list(_stored(live).exclude(Exists(same)).values_list("product", flat=True))


def _stored(version: EncoderVersion) -> Any:
    return ProductVectors.objects.using(vectors.alias()).of_version(version)


def _index_bytes(version: EncoderVersion) -> int:
    sizes = indexes.sizes()
    names = [indexes.index_name(version, column) for column in indexes.columns(version)]
    return sum(sizes.get(name, 0) for name in names)
