"""The life of encoder versions: first start, building, promotion, rollback, retiring, dropping."""

import logging
import math
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from similarity.connections import wakeup
from similarity.connections.locks import advisory_lock, taken_for_transaction
from similarity.exceptions import VersionError
from similarity.extension import extensions
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.types import Progress
from similarity.vectors import heartbeats, indexes, upsert
from similarity.vectors.fusions import every_version
from similarity.versions import build, floors, gate, quality
from similarity.versions.build import LOCK, BuildProgress, is_building

logger = logging.getLogger(__name__)

Status = EncoderVersion.Status
#: Products that one statement enqueues when a version goes live.
ENQUEUE_ROWS = 5000

#: Rows that one statement deletes.
DELETE_ROWS = 5000

#: Time for which beat keeps a retired version.
KEPT_FOR = timedelta(days=1)


def retire(version: EncoderVersion) -> None:
    """Retire a version that never went live: it is no longer kept up to date.

    Its indexes are dropped; its vectors stay until :func:`drop_retired`, and 'manage.py
    similarity promote' builds the indexes again. Raises :class:`VersionError` for the live
    version, and LockTaken while a version is being built. A version retired before stays
    unchanged, with its indexes for rollback.
    """
    with advisory_lock(LOCK, upsert.alias()):
        row = every_version().filter(pk=version.pk)
        if row.filter(status=Status.LIVE).exists():
            raise VersionError(f"Version {version.pk} is live; promote another before retiring it.")
        if row.filter(status__in=[Status.BUILDING, Status.READY]).update(
            status=Status.RETIRED, retired_at=timezone.now()
        ):
            indexes.drop_indexes(version)


def drop(version: EncoderVersion) -> None:
    """Delete a version with indexes and vectors, in small steps; raise VersionError if live."""
    row = every_version().filter(pk=version.pk)
    # From now on no worker writes to it.
    if not row.exclude(status=Status.LIVE).update(status=Status.RETIRED) and row.exists():
        raise VersionError(f"Version {version.pk} is live; promote another before dropping it.")
    indexes.drop_indexes(version)
    _delete_vectors(version)
    before = row.values_list("replaced", flat=True).first()
    every_version().filter(replaced=version).update(replaced=before)
    version.delete()


def _delete_vectors(version: EncoderVersion) -> None:
    """Delete in statements, and so transactions, of ``DELETE_ROWS``: short locks only."""
    after = 0
    while True:
        with connections[upsert.alias()].cursor() as cursor:
            # In key order, so that no step scans rows that earlier steps deleted.
            cursor.execute(
                "WITH step AS (SELECT id FROM similarity_productvectors "
                "WHERE version_id = %s AND id > %s ORDER BY id LIMIT %s), gone AS ("
                "DELETE FROM similarity_productvectors WHERE id IN (SELECT id FROM step)) "
                "SELECT max(id) FROM step",
                [version.pk, after, DELETE_ROWS],
            )
            after = cursor.fetchone()[0]
        if after is None:
            return


def drop_retired(keep: int = 1, older_than: timedelta = timedelta(0)) -> list[int]:
    """Drop retired versions except ``keep`` of them; return the ids of the dropped versions.

    The version for rollback is kept first, then versions that were live last. A version retired
    within ``older_than`` stays, because an operator may still want to inspect or restore it.
    """
    before = every_version().before_live()
    # A version that never was live is no target of a rollback, so it goes before the others.
    lately = F("promoted_at").desc(nulls_last=True)
    retired = list(every_version().filter(status=Status.RETIRED).order_by(lately, "-pk"))
    retired.sort(key=lambda version: version != before)
    cutoff = timezone.now() - older_than
    dropped = []
    for version in retired[keep:]:
        if version.retired_at is None or version.retired_at <= cutoff:
            dropped.append(version.pk)
            drop(version)
    return dropped


def ensure_live_version(*, wait_s: float = 600.0) -> EncoderVersion:
    """Return the live version; at the first start make it from the present catalogue.

    One process makes it, under a lock. Others wait for up to ``wait_s``, then raise
    :class:`similarity.connections.locks.LockTaken`.
    """
    live = every_version().live()
    if live is not None:
        catch_up(live)
        return live
    with advisory_lock(LOCK, upsert.alias(), wait_s=wait_s):
        live = every_version().live()
        if live is None:
            version = build.unfinished() or build.begin(progress=heartbeats.note)
            indexes.create_indexes(version)
            _switch(version)
            live = version
            logger.info("Version %s is live, fitted on %d products.", live.pk, live.fitted_on)
    return live


def build_version(
    progress: Progress | None = None,
    *,
    sample: int = build.SAMPLE,
    budget_s: float = math.inf,
    by: str = "command",
) -> EncoderVersion:
    """Build a version with the present settings and embed the whole catalogue for it.

    Returns it ready, not live; still building if ``budget_s`` ended before all was embedded. An
    interrupted or killed build is resumed if encoders, weights and dimensions are the same;
    other unfinished builds are dropped. Products that fail are left to the outbox, which keeps
    their error. ``progress`` is called with phase (``learn``, ``embed``, ``index fused`` …), done
    and total; the version's row holds the same. ``by`` names the builder, because beat lets
    workers resume only builds of workers (:func:`go_on`).
    """
    until = time.monotonic() + budget_s
    with advisory_lock(LOCK, upsert.alias()):
        version = build.unfinished()
        for other in every_version().filter(status=Status.BUILDING):
            if other != version:
                drop(other)
        version = version or build.begin(sample, progress)
        noted = BuildProgress(version, progress)
        noted.note(by=by, error="")
        try:
            if _filled(version, noted, until):
                _complete(version, noted)
        except Exception as error:
            with suppress(DatabaseError):
                noted.note(error=f"{type(error).__name__}: {error}"[:500])
            raise
    return version


def begun_since(asked_at: float) -> bool:
    """Return True if a version was begun after that time, in seconds since 1970."""
    return every_version().filter(created_at__gte=datetime.fromtimestamp(asked_at, UTC)).exists()


def go_on(budget_s: float) -> EncoderVersion | None:
    """Resume a worker's unfinished build that no process holds; return None without it."""
    began = every_version().filter(status=Status.BUILDING, progress__by="worker")
    if not began.exists() or is_building():
        return None
    # During a deployment, a build begun with other settings is left to workers that have them.
    version = build.unfinished()
    if version is None or version.progress.get("by") != "worker":
        return None
    return build_version(budget_s=budget_s, by="worker")


def _filled(version: EncoderVersion, progress: BuildProgress, until: float) -> bool:
    started = time.monotonic()
    _report, finished = build.fill(version, progress, until)
    spent_s = version.progress.get("embed_s", 0.0) + time.monotonic() - started
    progress.note(embed_s=round(spent_s, 1))
    return finished


def _complete(version: EncoderVersion, progress: BuildProgress) -> None:
    """Finish a build after all products are embedded: indexes, figures, the state ``ready``."""
    started = time.monotonic()
    indexes.create_indexes(version, progress)
    index_s = time.monotonic() - started
    floors.learn(version)
    for extension in extensions():
        extension.version_is_built(version)
    version.figures |= {
        "products": _stored(version).count(),
        "failed": version.progress.get("failed", 0),
        "embed_s": version.progress["embed_s"],
        "index_s": round(index_s, 1),
        "index_bytes": _index_bytes(version),
        "quality": quality.compare(version, _other_live(version), progress),
    }
    version.save(update_fields=["figures"])
    # It may have been promoted by force meanwhile, so it must not be taken down again.
    built = every_version().filter(pk=version.pk, status=Status.BUILDING)
    built.update(status=Status.READY)
    version.refresh_from_db(using=upsert.alias(), fields=["status"])


def prepare(
    version: EncoderVersion, progress: Progress | None = None, *, compare: bool = True
) -> None:
    """Build the indexes a version lacks and, with ``compare``, compare its figures with those of
    the present live version. This takes minutes; if both are done already, no time."""
    version.refresh_from_db(using=upsert.alias(), fields=["status", "figures"])
    indexes.create_indexes(version, progress)
    if version.status == Status.LIVE:
        return
    live = _other_live(version)
    if compare and not gate.is_compared(version, live):
        version.figures["quality"] = quality.compare(version, live, progress)
        version.save(update_fields=["figures"])


def gate_of(version: EncoderVersion) -> list[gate.Line]:
    """Return the version's figures beside the live version's, and whether they are sufficient."""
    return gate.lines(version, _other_live(version))


def promote(
    version: EncoderVersion | int | None = None,
    *,
    force: bool = False,
) -> EncoderVersion:
    """Make a version live, in one transaction; the old version is kept for rollback.

    Without an argument it is the newest ready version. Products whose vectors were made from
    other content than the old version's are enqueued. Raises :class:`VersionError` for a version
    that does not pass the gate; ``force`` promotes it anyway. :func:`prepare` builds and
    measures what the gate requires.
    """
    chosen = find(version)
    if chosen.status == Status.LIVE:
        return chosen
    if not force:
        gate.refuse(chosen, gate_of(chosen))
    _switch(chosen)
    catch_up(chosen)
    return chosen


def rollback(*, force: bool = False) -> EncoderVersion:
    """Make the version live again that the live version replaced; return it.

    A second rollback goes to the version before, never forward again. Raises
    :class:`VersionError` if no such version is kept, or if it lacks an index and would answer
    slowly (``force`` accepts that). Its figures are not checked, because it was live before.
    """
    before = every_version().before_live()
    if before is None:
        raise VersionError(
            "There is nothing to roll back to: no version is kept that was live before this one. "
            "Promote a version by its number ('manage.py similarity promote ID'; "
            "'manage.py similarity status' lists them), or build a version with "
            "'manage.py similarity build'."
        )
    missing = [column for column, s in indexes.states(before).items() if s != indexes.VALID]
    if missing and not force:
        raise VersionError(
            f"Version {before.pk} has no valid index on {', '.join(missing)}: "
            f"'manage.py similarity promote {before.pk}' builds it first, "
            "--force rolls back at once, and queries are slow."
        )
    _switch(before, back=True)
    catch_up(before)
    return before


def catch_up(version: EncoderVersion) -> int:
    """Enqueue products that changed while a now live version was not maintained.

    Returns how many. It follows the switch, which must not wait for it. If this process is killed
    before, the next drain does it.
    """
    if version.catches_up_with_id is None:
        return 0
    with transaction.atomic(using=upsert.alias()):
        if not taken_for_transaction("similarity.catch_up", upsert.alias()):
            return 0  # another process does it
        up_to_date = every_version().filter(pk=version.catches_up_with_id).first()
        changed = _changed_keys(up_to_date, version) if up_to_date else []
    for keys in build.chunks(changed, ENQUEUE_ROWS):
        PendingProduct.objects.enqueue(keys)
    # Except if it went live again meanwhile, over another version.
    done = every_version().filter(pk=version.pk, catches_up_with=version.catches_up_with_id)
    done.update(catches_up_with=None)
    version.catches_up_with = None
    if changed:
        wakeup.on_commit(upsert.alias())
    return len(changed)


def find(version: EncoderVersion | int | None) -> EncoderVersion:
    """Return the version with this number, or the newest ready; raise :class:`VersionError`."""
    if version is None:
        found = every_version().filter(status=Status.READY).first()
        if found is None:
            raise VersionError(
                "No version is ready to be promoted; build a version with "
                "'manage.py similarity build'."
            )
        return found
    pk = version.pk if isinstance(version, EncoderVersion) else version
    try:
        return every_version().get(pk=pk)
    except EncoderVersion.DoesNotExist:
        known = ", ".join(map(str, every_version().values_list("pk", flat=True))) or "none"
        raise VersionError(f"There is no version {pk}; known are: {known}.") from None


def _switch(version: EncoderVersion, *, back: bool = False) -> None:
    """Make a row live and retire the live row; the table allows only one live row.

    Versions form a chain: each names the version it was promoted over in ``replaced``. A
    version that is promoted again leaves its place; a rollback (``back``) keeps it.
    """
    with transaction.atomic(using=upsert.alias()):
        # Every row is locked, so that the second of two promotions sees the first.
        rows = {row.pk: row for row in every_version().select_for_update().order_by("pk")}
        live = next((row for row in rows.values() if row.status == Status.LIVE), None)
        if live is not None and live.pk == version.pk:
            return
        now = timezone.now()
        if not back:
            former = rows[version.pk].replaced_id
            every_version().filter(replaced=version.pk).update(replaced=former)
            version.replaced = live
        every_version().filter(status=Status.LIVE).update(status=Status.RETIRED, retired_at=now)
        version.status, version.promoted_at, version.retired_at = Status.LIVE, now, None
        version.catches_up_with = live
        version.save(
            update_fields=["status", "promoted_at", "retired_at", "replaced", "catches_up_with"]
        )
        for extension in extensions():
            extension.version_goes_live(upsert.alias())


def _other_live(version: EncoderVersion) -> EncoderVersion | None:
    return every_version().filter(status=Status.LIVE).exclude(pk=version.pk).first()


def _changed_keys(live: EncoderVersion, version: EncoderVersion) -> list[Any]:
    """Return products whose vectors in this version are older or newer than in ``live``."""
    same = _stored(version).filter(product=OuterRef("product"), fingerprint=OuterRef("fingerprint"))
    return list(_stored(live).exclude(Exists(same)).values_list("product", flat=True))


def _stored(version: EncoderVersion) -> Any:
    return ProductVectors.objects.using(upsert.alias()).of_version(version)


def _index_bytes(version: EncoderVersion) -> int:
    return sum(indexes.bytes_of(version, indexes.sizes()).values())
