"""The life of encoder versions: first start, building, promotion, rolling back.

How it ends is told in ``retiring``.
"""

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


#: Rows one statement deletes.
DELETE_ROWS = 5000

#: How long beat leaves a version that was retired.
KEPT_FOR = timedelta(days=1)


def retire(version: EncoderVersion) -> None:
    """Take a version that never went live out of use: it is kept up to date no more.

    Its indexes go, its vectors stay until :func:`drop_retired`; 'manage.py similarity promote'
    builds the indexes again. Raises :class:`VersionError` for the live version and for one that
    is being built. A version retired before stays as it is, with its indexes for rolling back.
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
    """Delete a version with its indexes and vectors, in small steps; the live one is refused."""
    row = every_version().filter(pk=version.pk)
    # From here on no worker writes to it.
    if not row.exclude(status=Status.LIVE).update(status=Status.RETIRED) and row.exists():
        raise VersionError(f"Version {version.pk} is live; promote another before dropping it.")
    indexes.drop_indexes(version)
    _delete_vectors(version)
    before = row.values_list("replaced", flat=True).first()
    every_version().filter(replaced=version).update(replaced=before)
    version.delete()


def _delete_vectors(version: EncoderVersion) -> None:
    """A statement, and so a transaction, for every ``DELETE_ROWS``: none holds locks for long."""
    after = 0
    while True:
        with connections[upsert.alias()].cursor() as cursor:
            # By key, so that no step passes over what the steps before left dead.
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
    """Drop retired versions but ``keep`` of them; returns their ids.

    Kept is the one that rolling back returns to, then those that were live last. None goes
    that was retired within ``older_than``: whoever rolled back may want to look at it, or
    find that it was not to blame.
    """
    before = every_version().before_live()
    # A version that never was live has nothing to roll back to, and goes before any that was.
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


Status = EncoderVersion.Status

#: Products one statement enqueues when a version goes live.
ENQUEUE_ROWS = 5000


def ensure_live_version(*, wait_s: float = 600.0) -> EncoderVersion:
    """The live version; at the first start it is made from what the catalogue holds now.

    One process makes it, under a lock; others wait for it up to ``wait_s``, after which
    :class:`similarity.connections.locks.LockTaken` is raised.
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
    """Make a version with the present settings and embed the whole catalogue for it.

    Returns it ready, not live; or still building where ``budget_s`` was over before all was
    embedded. A build that was interrupted, or killed, goes on where it stopped as long as
    encoders, weights and dimensions are the same; others are dropped. Products that fail are
    left to the outbox, which keeps their error. ``progress`` is called with phase (``learn``,
    ``embed``, ``index fused`` …), done and total, which the version's row holds too. ``by``
    says who builds: beat lets workers go on with what they began (:func:`go_on`).
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
    """Whether a version was begun after that time, in seconds since 1970."""
    return every_version().filter(created_at__gte=datetime.fromtimestamp(asked_at, UTC)).exists()


def go_on(budget_s: float) -> EncoderVersion | None:
    """Go on with what a worker began to build and nobody is at; None where there is nothing."""
    began = every_version().filter(status=Status.BUILDING, progress__by="worker")
    if not began.exists() or is_building():
        return None
    # One that another release's settings were begun with is left to workers that have them.
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
    """What follows once all is embedded: indexes, figures, the state ``ready``."""
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
    # It may have been promoted by force meanwhile, and must not be taken down again.
    built = every_version().filter(pk=version.pk, status=Status.BUILDING)
    built.update(status=Status.READY)
    version.refresh_from_db(using=upsert.alias(), fields=["status"])


def prepare(
    version: EncoderVersion, progress: Progress | None = None, *, compare: bool = True
) -> None:
    """Build the indexes a version lacks and, with ``compare``, take its figures beside those of
    the version that is live now; minutes where neither is done yet, nothing where both are."""
    version.refresh_from_db(using=upsert.alias(), fields=["status", "figures"])
    indexes.create_indexes(version, progress)
    if version.status == Status.LIVE:
        return
    live = _other_live(version)
    if compare and not gate.is_compared(version, live):
        version.figures["quality"] = quality.compare(version, live, progress)
        version.save(update_fields=["figures"])


def gate_of(version: EncoderVersion) -> list[gate.Line]:
    """What the version shows, beside the live one, and whether that is enough."""
    return gate.lines(version, _other_live(version))


def promote(
    version: EncoderVersion | int | None = None,
    *,
    force: bool = False,
) -> EncoderVersion:
    """Make a version the live one, in one transaction; the old one is kept for rolling back.

    Without an argument it is the newest that is ready. Products whose vectors were made
    from other content than the old version's are enqueued. Raises :class:`VersionError`
    for a version that does not pass the gate; ``force`` promotes it all the same.
    :func:`prepare` makes what the gate asks for.
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
    """Make the version live again that the live one was promoted over.

    Rolling back again goes one further back, never forward to what was rolled back from.
    Raises :class:`VersionError` where none is kept, or where it lacks an index and would
    answer slowly (``force`` takes it all the same). Its figures are not looked at: it was live.
    """
    before = every_version().before_live()
    if before is None:
        raise VersionError(
            "There is nothing to roll back to: no version is kept that was live before this one. "
            "Promote one by its number ('manage.py similarity promote ID'; "
            "'manage.py similarity status' lists them), or build one with "
            "'manage.py similarity build'."
        )
    missing = [column for column, s in indexes.states(before).items() if s != indexes.VALID]
    if missing and not force:
        raise VersionError(
            f"Version {before.pk} has no valid index on {', '.join(missing)}: "
            f"'manage.py similarity promote {before.pk}' builds it first, "
            "--force goes back at once and answers slowly."
        )
    _switch(before, back=True)
    catch_up(before)
    return before


def catch_up(version: EncoderVersion) -> int:
    """Enqueue products that changed while a version now live was not kept up to date.

    Returns how many. It follows the switch, which must not wait for it, and the next drain
    does it where this process is killed before.
    """
    if version.catches_up_with_id is None:
        return 0
    with transaction.atomic(using=upsert.alias()):
        if not taken_for_transaction("similarity.catch_up", upsert.alias()):
            return 0  # somebody is at it
        up_to_date = every_version().filter(pk=version.catches_up_with_id).first()
        changed = _changed_keys(up_to_date, version) if up_to_date else []
    for keys in build.chunks(changed, ENQUEUE_ROWS):
        PendingProduct.objects.enqueue(keys)
    # Unless it went live once more meanwhile, over another.
    done = every_version().filter(pk=version.pk, catches_up_with=version.catches_up_with_id)
    done.update(catches_up_with=None)
    version.catches_up_with = None
    if changed:
        wakeup.on_commit(upsert.alias())
    return len(changed)


def find(version: EncoderVersion | int | None) -> EncoderVersion:
    """The version of this number, or the newest that is ready; raises :class:`VersionError`."""
    if version is None:
        found = every_version().filter(status=Status.READY).first()
        if found is None:
            raise VersionError(
                "No version is ready to be promoted; make one with 'manage.py similarity build'."
            )
        return found
    pk = version.pk if isinstance(version, EncoderVersion) else version
    try:
        return every_version().get(pk=pk)
    except EncoderVersion.DoesNotExist:
        known = ", ".join(map(str, every_version().values_list("pk", flat=True))) or "none"
        raise VersionError(f"There is no version {pk}; known are: {known}.") from None


def _switch(version: EncoderVersion, *, back: bool = False) -> None:
    """One row goes live, one is retired; a constraint of the table allows no second live row.

    Versions stand in a row, each promoted over the one that it names in ``replaced``. One that
    is promoted anew leaves its place; one that is gone ``back`` to keeps it.
    """
    with transaction.atomic(using=upsert.alias()):
        # Every row is locked, so that of two promotions at once the second sees the first's.
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
    """Products of which this version's vectors are older or newer than those of ``live``."""
    same = _stored(version).filter(product=OuterRef("product"), fingerprint=OuterRef("fingerprint"))
    return list(_stored(live).exclude(Exists(same)).values_list("product", flat=True))


def _stored(version: EncoderVersion) -> Any:
    return ProductVectors.objects.using(upsert.alias()).of_version(version)


def _index_bytes(version: EncoderVersion) -> int:
    return sum(indexes.bytes_of(version, indexes.sizes()).values())
