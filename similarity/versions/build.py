"""Building a version: its progress, its fusion learnt from a sample, and its vectors.

:mod:`similarity.versions.lifecycle` calls these steps.
"""

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import MD5, Cast
from django.utils import timezone

from similarity import conf
from similarity.catalog import times
from similarity.catalog.adapter import get_adapter
from similarity.connections.clock import database_time
from similarity.connections.locks import is_held
from similarity.encoders.base import Encoded, Encoder
from similarity.encoders.fusion import Fusion
from similarity.encoders.registry import get_encoders
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.types import Progress
from similarity.vectors import encoding, fusions, indexes, pipeline, shared_photos, upsert
from similarity.vectors.fusions import every_version
from similarity.vectors.inputs import Inputs

#: Products a fusion is fitted on; more change its axes little and cost their encoding.
SAMPLE = 2000
PAGE = 1000  # keys read at once

#: The lock that a building process holds.
LOCK = "similarity.build"

#: Tasks that build a version, resume a build, and compare a version with the live version.
TASK = "similarity.build_version"
GO_ON_TASK = "similarity.go_on_building"
COMPARE_TASK = "similarity.compare_version"

#: Seconds between two notes of progress in the database.
NOTE_EVERY_S = 2.0

_PHASES = {"learn": "learning from", "embed": "embedding", "compare": "comparing"}


class BuildProgress:
    """A callable that notes a build's progress in its version's row and passes it to ``show``."""

    def __init__(self, version: EncoderVersion, show: Progress | None = None) -> None:
        self.version, self.show = version, show
        self._phase, self._began, self._first = "", 0.0, 0
        self._noted = float("-inf")

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._began, self._first = phase, now, done
            self._noted = float("-inf")
            self.version.progress["phase_at"] = timezone.now().isoformat()
        if now - self._noted >= NOTE_EVERY_S or done >= total:
            elapsed = now - self._began
            per_s = (done - self._first) / elapsed if elapsed > 0 else 0.0
            self._noted = now
            self.note(phase=phase, done=done, total=total, per_s=round(per_s, 2))
        if self.show:
            self.show(phase, done, total)

    def note(self, **values: Any) -> None:
        """Add ``values`` to the noted progress."""
        self.version.progress |= {**values, "at": timezone.now().isoformat()}
        every_version().filter(pk=self.version.pk).update(progress=self.version.progress)


def is_building() -> bool:
    """Return True if a process is building a version now."""
    return is_held(LOCK, upsert.alias())


def seconds_left(progress: dict[str, Any]) -> float | None:
    """Return the seconds the present phase needs at its present speed; None if unknown."""
    if not progress.get("per_s") or "total" not in progress:
        return None
    since_s = (
        times.aware(timezone.now()) - times.aware(datetime.fromisoformat(progress["at"]))
    ).total_seconds()
    return max(0.0, (progress["total"] - progress["done"]) / progress["per_s"] - max(0.0, since_s))


def described(progress: dict[str, Any], *, running: bool) -> str:
    """Return for example ``embedding 34,000 of 100,000, 12 min left``; empty at first."""
    if "phase" not in progress:
        return ""
    phase, done, total = progress["phase"], progress["done"], progress["total"]
    what = _PHASES.get(phase)
    if what is None:  # an index counts blocks, which mean little to readers
        text = f"{phase.replace('index', 'indexing')}, {100 * done // max(total, 1)} %"
    else:
        text = f"{what} {done:,} of {total:,}"
    if not running:
        return f"stopped at {text}"
    left_s = seconds_left(progress)
    return text if left_s is None or done >= total else f"{text}, {_duration(left_s)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def unfinished() -> EncoderVersion | None:
    """Return the interrupted building version, if it was begun with the present settings."""
    wanted = fusions.records(get_encoders())
    for version in fusions.every_version().filter(status=EncoderVersion.Status.BUILDING):
        if version.encoders == wanted and version.figures.get("settings") == _settings():
            return version
    return None


def begin(sample: int = SAMPLE, progress: Progress | None = None) -> EncoderVersion:
    """Return a new building version with a fusion fitted on a sample, and store its vectors."""
    encoders = get_encoders()
    read_at = database_time(upsert.alias())
    batch, found = _encode_sample(encoders, sample, progress)
    fusion = Fusion.fit(batch.parts, conf.weights(), conf.dimensions())
    artefact = fusion.to_bytes()
    version = EncoderVersion.objects.create(
        encoders=fusions.records(encoders),
        fusion=artefact,
        fusion_sha256=hashlib.sha256(artefact).hexdigest(),
        dimensions=fusion.dimensions,
        weights=fusion.weights,
        blocks=_blocks(encoders, fusion),
        fitted_on=len(batch.contents),
        figures={"settings": _settings()},
    )
    # After a flush the number may be reused, and old indexes hold vectors of another length.
    indexes.drop_indexes(version)
    for keys in chunks([content.key for content in batch.contents], PAGE):
        with transaction.atomic(using=upsert.alias()):
            present = upsert.lock_products(keys)
            pipeline.write_batch(version, batch, present, read_at=read_at)
            pipeline.write_inputs(batch, found, present & set(keys))
    return version


def fill(
    version: EncoderVersion, progress: BuildProgress, until: float = math.inf
) -> tuple[pipeline.EmbedReport, bool]:
    """Embed every product the version has no vectors of, in key order.

    Returns a report, and whether all products were looked at. It resumes after the last noted page
    of any process, and stops at the time ``until`` (monotonic seconds). Products that change
    meanwhile, or changed before that page, come from the outbox, because workers also maintain
    building versions. The outbox also gets products that fail, and products that were being
    embedded when the process was killed: a product may be the cause, and the outbox tries
    each alone.
    """
    products = get_adapter().model._base_manager.using(upsert.alias())
    total, done = products.count(), _stored(version).count()
    report = pipeline.EmbedReport()
    suspects = _missing(version, version.progress.get("trying", []))
    PendingProduct.objects.enqueue(suspects)
    progress("embed", done, max(total, done))
    for page in pages(PAGE, version.progress.get("after")):
        of_page = pipeline.EmbedReport()
        missing = [key for key in _missing(version, page) if key not in suspects]
        for keys in chunks(missing, conf.get("WORKERS", "BATCH_SIZE")):
            progress.note(trying=keys)
            of_page += pipeline.embed_into([version], keys)
            progress("embed", done + of_page.encoded, max(total, done + of_page.encoded))
            if time.monotonic() >= until and keys[-1] != missing[-1]:
                progress.note(trying=[])
                return report + of_page, False
        if of_page.failed or of_page.lost:
            PendingProduct.objects.enqueue(_missing(version, page))
        # Only now, so that unfinished products are in the outbox if this process is killed.
        failed = version.progress.get("failed", 0) + of_page.failed
        progress.note(after=page[-1], failed=failed, trying=[])
        report, done = report + of_page, done + of_page.encoded
        if time.monotonic() >= until:
            return report, False
    progress("embed", max(total, done), max(total, done))
    return report, True


def pages(size: int = PAGE, after: Any = None) -> Iterator[list[str]]:
    """Yield the keys of the whole catalogue, or those ``after`` a key, in key order."""
    adapter = get_adapter()
    while page := adapter.iter_pks(after, size):
        after = page[-1]
        yield [str(key) for key in page]


def chunks(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def sample_keys(size: int) -> list[str]:
    """Return keys spread over the whole catalogue, the same in each call."""
    products: QuerySet[Any] = conf.product_model()._base_manager.using(upsert.alias())
    ordered = products.order_by(MD5(Cast("pk", TextField())))
    return [str(key) for key in ordered.values_list("pk", flat=True)[:size]]


def _encode_sample(
    encoders: dict[str, Encoder], sample: int, progress: Progress | None
) -> tuple[encoding.EncodedBatch, list[Inputs]]:
    """Return the encoded sample and its inputs.

    Products that cannot be read or encoded are left out, because the outbox reports them. Inputs
    shared by early and late products are known only at the end; those products are encoded again.
    """
    adapter = get_adapter()
    keys = sample_keys(sample)
    batches = [encoding.EncodedBatch([], _nothing(encoders))]
    found: list[Inputs] = []
    for done, some in enumerate(chunks(keys, conf.get("WORKERS", "BATCH_SIZE"))):
        if progress:
            progress("learn", done * conf.get("WORKERS", "BATCH_SIZE"), len(keys))
        contents, _unread = encoding.read_contents(adapter, some)
        batch, of_batch, _refused = pipeline.encode_masked(contents, encoders, found)
        found += of_batch
        if batch.contents:
            batches.append(batch)
    if progress:
        progress("learn", len(keys), len(keys))
    return _masked_anew(encoding.join(batches), found, encoders)


def _masked_anew(
    batch: encoding.EncodedBatch, found: list[Inputs], encoders: dict[str, Encoder]
) -> tuple[encoding.EncodedBatch, list[Inputs]]:
    """Encode products again whose shared inputs were found late; return batch and inputs."""
    now = shared_photos.judged(found)
    outdated = {new.key for old, new in zip(found, now, strict=True) if new.absent != old.absent}
    rows = {content.key: row for row, content in enumerate(batch.contents)}
    keys = [key for key in rows if key in outdated]
    for some in chunks(keys, conf.get("WORKERS", "BATCH_SIZE")):
        contents = [batch.contents[rows[key]] for key in some]
        again, _found, _refused = pipeline.encode_masked(contents, encoders, now)
        for part, encoded in again.parts.items():
            places = [rows[content.key] for content in again.contents]
            batch.parts[part].vectors[places] = encoded.vectors
            batch.parts[part].present[places] = encoded.present
    return batch, now


def _nothing(encoders: dict[str, Encoder]) -> dict[str, Encoded]:
    return {
        part: Encoded(np.zeros((0, encoder.dimension), np.float32), np.zeros(0, bool))
        for part, encoder in encoders.items()
    }


def _blocks(encoders: dict[str, Encoder], fusion: Fusion) -> dict[str, Any]:
    """Return named slices of a part's vector, if the fusion does not reduce the part."""
    return {
        part: {name: list(block) for name, block in encoder.blocks.items()}
        for part, encoder in encoders.items()
        if hasattr(encoder, "blocks") and fusion.dimensions[part] == encoder.dimension
    }


def _settings() -> dict[str, Any]:
    return {"weights": conf.weights(), "dimensions": conf.dimensions()}


def _missing(version: EncoderVersion, keys: Sequence[Any]) -> list[str]:
    rows = _stored(version).filter(product__in=keys)
    stored = {str(key) for key in rows.values_list("product", flat=True)}
    return [key for key in keys if key not in stored]


def _stored(version: EncoderVersion) -> QuerySet[ProductVectors]:
    return ProductVectors.objects.using(upsert.alias()).of_version(version)
