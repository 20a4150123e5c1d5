"""The end of encoder versions: out of use, then dropped in steps that stand in nobody's way."""

from datetime import timedelta

from django.db import connections
from django.db.models import F
from django.utils import timezone

from similarity.connections.locks import advisory_lock
from similarity.exceptions import VersionError
from similarity.models import EncoderVersion, ProductVectors
from similarity.vectors import indexes, upsert
from similarity.versions.fusions import every_version
from similarity.versions.progress import LOCK

Status = EncoderVersion.Status

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
    table = connections[upsert.alias()].ops.quote_name(ProductVectors._meta.db_table)
    after = 0
    while True:
        with connections[upsert.alias()].cursor() as cursor:
            # By key, so that no step passes over what the steps before left dead.
            cursor.execute(
                f"WITH step AS (SELECT id FROM {table} WHERE version_id = %s AND id > %s "  # noqa: S608
                f"ORDER BY id LIMIT {DELETE_ROWS}), gone AS (DELETE FROM {table} WHERE id IN "
                "(SELECT id FROM step)) SELECT max(id) FROM step",
                [version.pk, after],
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
