"""The pipeline: keys → content → fingerprint → encoders → fusion → upsert → acknowledge."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

import numpy as np
from django.db import InterfaceError, OperationalError, transaction

from similarity.catalog.adapter import get_adapter
from similarity.catalog.content import ProductContent
from similarity.connections import metrics
from similarity.connections.clock import database_time
from similarity.encoders.base import Encoded, Encoder
from similarity.encoders.fusion import Fused
from similarity.encoders.registry import get_encoders
from similarity.exceptions import SimilarityError
from similarity.extension import extensions
from similarity.models import EncoderVersion, PendingProduct, retries
from similarity.models.inputs import DESCRIPTION, TITLE
from similarity.vectors import encoding, inputs, shared_photos, upsert
from similarity.vectors.fusions import encoders_of, fusion_of, runnable_versions
from similarity.vectors.inputs import Inputs

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EmbedReport:
    """Numbers of products that were encoded, unchanged, gone, or failed.

    ``errors`` holds the reason of each failure. ``lost`` counts claims whose lease another worker
    took over, and products being changed or deleted at the moment of writing. No row was written
    for these, and they are still pending.
    """

    encoded: int = 0
    unchanged: int = 0
    gone: int = 0
    failed: int = 0
    lost: int = 0
    errors: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: "EmbedReport") -> "EmbedReport":
        counts = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.name != "errors"
        }
        return EmbedReport(**counts, errors={**self.errors, **other.errors})


@dataclass(frozen=True)
class _Work:
    """A batch between reading and writing; ``stale``: version → keys to write there.

    ``names``: version → part → the name of its rows in the batch, because two versions may have
    rows of one part by different encoders.
    """

    keys: Sequence[str]
    read_at: datetime
    contents: Sequence[ProductContent]
    stale: Mapping[int, set[str]]
    batch: encoding.EncodedBatch
    names: Mapping[int, Mapping[str, str]]
    errors: Mapping[str, str]
    shared: Sequence[Inputs] = ()

    def batch_of(self, version: EncoderVersion) -> encoding.EncodedBatch:
        """Return the rows made by this version's own encoders."""
        names = self.names[version.pk].items() if self.batch.contents else ()
        return encoding.EncodedBatch(
            self.batch.contents, {part: self.batch.parts[name] for part, name in names}
        )


def embed(
    keys: Sequence[str],
    *,
    force: bool = False,
    claims: Sequence[PendingProduct] | None = None,
) -> EmbedReport:
    """Embed products for every maintained version; return the report.

    No model runs for a product whose fingerprint is stored already, unless ``force`` is set. With
    ``claims`` the products are those of the claimed outbox rows, which are acknowledged in the
    transaction that writes the vectors; ``keys`` is then not read. That transaction also writes
    the data of extensions, even for a product without vectors. If encoders or versions allow no
    work, extensions still write their data.

    Raises :class:`SimilarityError` if encoders or versions allow no work at all; claims are
    released first.
    """
    try:
        return embed_into(runnable_versions(), keys, force=force, claims=claims)
    except SimilarityError as error:
        metrics.count("embed_errors_total", len(keys) or len(claims or ()), kind="settings")
        waiting = list(keys) or [row.product_key for row in claims or ()]
        for extension in extensions():
            extension.write_without_vectors(waiting)
        PendingProduct.objects.release(claims or (), error=f"{type(error).__name__}: {error}")
        raise
    except (KeyboardInterrupt, SystemExit, OperationalError) as error:
        if isinstance(error, OperationalError):
            metrics.count("embed_errors_total", len(keys) or len(claims or ()), kind="database")
        PendingProduct.objects.release(claims or ())
        raise
    except InterfaceError:  # the connection is closed, so the leases run out
        raise
    except Exception as error:
        if not claims:
            raise
        return _one_by_one(claims, error)


def _one_by_one(claims: Sequence[PendingProduct], error: Exception) -> EmbedReport:
    """Store each product of a failed batch alone, so that only the faulty product fails."""
    if len(claims) > 1:
        return sum((embed([], claims=[row]) for row in claims), EmbedReport())
    key, reason = claims[0].product_key, f"{type(error).__name__}: {error}"
    logger.error(
        "The vectors of product %s cannot be stored.",
        key,
        exc_info=error,
        extra={"product_keys": [key], "stage": "write"},
    )
    metrics.count("embed_errors_total", kind="write")
    PendingProduct.objects.fail(claims, reason)
    return EmbedReport(failed=1, errors={key: reason})


def embed_into(
    versions: Sequence[EncoderVersion],
    keys: Sequence[str],
    *,
    force: bool = False,
    claims: Sequence[PendingProduct] | None = None,
) -> EmbedReport:
    """Embed as :func:`embed` does, for these versions, by the encoders they were made with."""
    if claims is not None:
        keys = [row.product_key for row in claims]
    forced = set(keys) if force else {row.product_key for row in claims or () if row.force}
    began = time.monotonic()
    work = _read_and_encode(versions, list(dict.fromkeys(map(str, keys))), forced)
    with metrics.timed("batch_seconds", stage="write"):
        lost = _store(versions, work, claims)
    for row in claims or ():
        if row.product_key not in lost and row.product_key not in work.errors:
            waited = (work.read_at - row.created_at).total_seconds()
            metrics.observe("embed_delay_seconds", max(0.0, waited) + time.monotonic() - began)
    report = _report(work, lost)
    logger.info(
        "Of %d products %d were encoded, %d were unchanged, %d are gone, %d failed and %d were "
        "left to other workers.",
        len(work.keys),
        *(report.encoded, report.unchanged, report.gone, report.failed, report.lost),
        extra={
            "product_keys": list(work.keys),
            "version": [version.pk for version in versions],
            "stage": "write",
        },
    )
    return report


def _report(work: _Work, lost: set[str]) -> EmbedReport:
    stale = {content.key for content in work.batch.contents}
    return EmbedReport(
        encoded=len(stale - lost),
        unchanged=sum(1 for content in work.contents if content.key not in stale)
        - sum(1 for content in work.contents if content.key in work.errors),
        gone=len(set(work.keys) - {c.key for c in work.contents} - set(work.errors)),
        failed=len(work.errors),
        lost=len(lost),
        errors=work.errors,
    )


def _read_and_encode(
    versions: Sequence[EncoderVersion], keys: list[str], forced: set[str]
) -> _Work:
    with metrics.timed("batch_seconds", stage="read"):
        read_at = database_time(upsert.alias())
        contents, unread = encoding.read_contents(get_adapter(), keys)
        stored = upsert.fingerprints(versions, [content.key for content in contents])
    stale = {
        version.pk: {
            content.key
            for content in contents
            if content.key in forced or not content.matches(stored.get((version.pk, content.key)))
        }
        for version in versions
    }
    wanted = set().union(*stale.values())
    names = {version.pk: _row_names(version) for version in versions}
    encoders = {
        names[version.pk][part]: encoder
        for version in versions
        for part, encoder in encoders_of(version).items()
    }
    with metrics.timed("batch_seconds", stage="encode"):
        batch, found, refused = encode_masked([c for c in contents if c.key in wanted], encoders)
    return _Work(keys, read_at, contents, stale, batch, names, {**unread, **refused}, found)


def encode_masked(
    contents: Sequence[ProductContent],
    encoders: Mapping[str, Encoder],
    beside: Sequence[Inputs] = (),
) -> tuple[encoding.EncodedBatch, list[Inputs], encoding.Errors]:
    """Encode products without inputs shared with unlike products (see ``shared_photos``).

    Returns the batch, with the contents as the catalogue has them, the inputs, and errors.
    """
    without, found = shared_photos.masked(contents, encoders.values(), beside)
    batch, refused = encoding.encode(without, encoders)
    whole = {content.key: content for content in contents}
    return batch._replace(contents=[whole[one.key] for one in batch.contents]), found, refused


def _row_names(version: EncoderVersion) -> dict[str, str]:
    """Return part → the batch's name for its rows: equal for versions that share the encoder."""
    configured = get_encoders()
    return {
        part: part
        if part in configured and configured[part].signature == record["signature"]
        else f"{part} ({record['signature']})"
        for part, record in version.encoders.items()
    }


def _store(
    versions: Sequence[EncoderVersion], work: _Work, claims: Sequence[PendingProduct] | None
) -> set[str]:
    """Write and acknowledge in one transaction; return the keys for which no row was written."""
    existing = {content.key for content in work.contents}
    with transaction.atomic(using=upsert.alias()):
        held = PendingProduct.objects.hold(claims) if claims is not None else set(work.keys)
        locked = upsert.lock_products(held & existing)
        read_at = work.read_at if claims is None else None
        written = [content for content in work.contents if content.key in held & locked]
        for extension in extensions():
            extension.write(written, read_at)
        done = held & (locked | (set(work.keys) - existing)) - set(work.errors)
        for version in versions:
            stale = work.stale[version.pk] & done
            write_batch(version, work.batch_of(version), stale, read_at=read_at)
            _tell_written(version, [one for one in work.batch.contents if one.key in stale])
        touched = write_inputs(work.batch, work.shared, done)
        delayed = _delayed(work, claims or ())
        finished = done - set(delayed)
        PendingProduct.objects.acknowledge([c for c in claims or () if c.product_key in finished])
    for row in claims or ():
        if row.product_key in done & set(delayed):
            PendingProduct.objects.fail([row], delayed[row.product_key])
        elif row.product_key in work.errors:
            PendingProduct.objects.fail([row], work.errors[row.product_key])
        elif row.product_key not in done:
            PendingProduct.objects.release([row])
    _settle(touched)
    return set(work.keys) - done - set(work.errors)


def _tell_written(version: EncoderVersion, contents: Sequence[ProductContent]) -> None:
    for extension in extensions() if contents else ():
        extension.vectors_are_written(version, contents)


def write_inputs(batch: encoding.EncodedBatch, found: Sequence[Inputs], keys: set[str]) -> set[int]:
    """Store the inputs of the batch's products in ``keys``; return the names to settle."""
    text = batch.parts.get("text")
    unread = {
        content.key
        for row, content in enumerate(batch.contents)
        if text is not None and not text.present[row]
    }
    kinds = {
        each.key: {one.name & 3 for one in each.inputs if one.name not in each.absent}
        for each in found
    }
    unread = {key for key in unread if kinds.get(key, set()) & {TITLE, DESCRIPTION}}
    settled = {content.key for content in batch.contents if not content.delayed}
    return inputs.write(found, unread, keys & settled)


def _settle(touched: set[int]) -> None:
    """Settle after the commit, so that the later of two workers sees the rows of both."""
    try:
        shared_photos.settle(touched)
    except Exception:  # a door: the written rows stand, and the nightly round judges them again
        logger.exception("Inputs that products share cannot be judged now.")


def _delayed(work: _Work, claims: Sequence[PendingProduct]) -> dict[str, str]:
    """Return products embedded without a photo that may be available later, with the reason.

    They are tried again, but not after the last attempt: reconcile then finds them, because they
    are stored as outdated.
    """
    reasons = {content.key: content.delayed for content in work.contents}
    most = retries.MAX_ATTEMPTS
    return {
        row.product_key: reason
        for row in claims
        if row.attempts < most and (reason := reasons.get(row.product_key))
    }


def write_batch(
    version: EncoderVersion,
    batch: encoding.EncodedBatch,
    keys: set[str],
    *,
    read_at: datetime | None,
) -> None:
    """Fuse and write those rows of a batch whose key is in ``keys``."""
    rows = [row for row, content in enumerate(batch.contents) if content.key in keys]
    if not rows:
        return
    parts = {
        part: Encoded(encoded.vectors[rows], encoded.present[rows])
        for part, encoded in batch.parts.items()
        if part in version.encoders
    }
    contents = [batch.contents[row] for row in rows]
    fused = _with_kept(version, fusion_of(version).fuse(parts), contents)
    upsert.write(version, contents, fused, read_at=read_at)


def _with_kept(version: EncoderVersion, fused: Fused, contents: Sequence[ProductContent]) -> Fused:
    """Keep the stored picture parts of products whose photos are temporarily unavailable."""
    delayed = [row for row, content in enumerate(contents) if content.delayed]
    pictured = [
        part
        for part, encoder in encoders_of(version).items()
        if "images" in encoder.fingerprint_fields
    ]
    if not delayed or not pictured:
        return fused
    stored = upsert.fused_rows(version, [contents[row].key for row in delayed])
    before = np.zeros_like(fused.vectors)
    for row in delayed:
        if (known := stored.get(contents[row].key)) is not None:
            before[row] = known
    keeps = np.zeros(len(contents), dtype=np.bool_)
    keeps[delayed] = True
    return fusion_of(version).keep(fused, before, dict.fromkeys(pictured, keeps))
