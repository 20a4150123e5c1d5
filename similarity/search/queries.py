"""The worker's side of search: it answers questions of pages and prepares frequent queries."""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import numpy as np
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils import timezone
from pgvector import HalfVector

from similarity import conf
from similarity.catalog.content import ImageRef, ProductContent
from similarity.encoders.base import Encoded, Encoder, FloatArray
from similarity.encoders.cross import cross_encoder
from similarity.encoders.images import decode_query
from similarity.exceptions import ImageRejected, SimilarityError, VersionError
from similarity.models import EncoderVersion
from similarity.search import ask_worker, mailbox
from similarity.search.mailbox import Answer, Question
from similarity.search.models import HotQuery, HotQueryVector
from similarity.vectors import fusions, upsert

logger = logging.getLogger(__name__)

#: The task that prepares hot queries.
TASK = "similarity.prepare_hot_queries"

#: A query that was not asked for this long is deleted.
FORGOTTEN_AFTER = timedelta(days=90)

#: Rows the table holds at most, for each prepared query.
ROWS_EACH = 10

_BATCH = 256

#: Queries whose vectors are prepared: the most frequent.
HOT_QUERIES = 1000


def answer(arguments: Sequence) -> bool:
    """Answer the question in a task's arguments; return False if its payload is gone."""
    question = mailbox.received(*arguments)
    if question is None:
        return False
    mailbox.reply(question, compute(question))
    return True


def compute(question: Question) -> Answer:
    """Return the answer; its ``refused`` is set for a picture that cannot be decoded.

    Raises :class:`SimilarityError` if encoders or version do not fit the question.
    """
    if question.kind not in _KINDS:
        raise VersionError(
            f"A question of the kind {question.kind!r} is not known; web processes and workers "
            "run different releases: deploy one to both."
        )
    try:
        return Answer(_KINDS[question.kind](question))
    except ImageRejected as error:
        return Answer(None, str(error))


def warm_up(*, texts: bool = True, pictures: bool = True) -> None:
    """Load the models that the first question, of text or with a picture, would wait for."""
    version = fusions.every_version().live()
    if version is not None and texts:
        compute(Question("text", "", version.pk, b"shirt"))
    if version is not None and pictures and "image" in version.encoders:
        # This loads the network, although there is no photo.
        fusions.encoder_of(version, "image").encode([])
    if conf.get("SEARCH", "CROSS_ENCODER") and texts:
        cross_encoder(conf.get("SEARCH", "CROSS_ENCODER"))


def text_vectors(texts: Sequence[str], version: EncoderVersion) -> Encoded:
    """Encode N queries in the spaces of the version's vectors that words can be compared with.

    Returns rows (N, d) and a mask. A row holds a unit vector for each of ``version.query_parts``,
    in turn; a vector is all zero if the part cannot encode the query.
    """
    parts = [
        _projected(part, _encode_texts(fusions.encoder_of(version, part), texts), version)
        for part in version.query_parts
    ]
    if not parts:
        return Encoded(np.zeros((len(texts), 0), np.float32), np.zeros(len(texts), np.bool_))
    rows = np.concatenate([part.vectors for part in parts], axis=1)
    return Encoded(rows, np.any([part.present for part in parts], axis=0))


def keep(query: str, times: int) -> None:
    """Add ``times`` to the count of a normalised query."""
    counted = {"asked": F("asked") + times, "asked_at": Now()}
    rows = HotQuery.objects.using(upsert.alias()).filter(text=query)
    if not rows.update(**counted):
        row = HotQuery(text=query, asked=times, asked_at=timezone.now())
        HotQuery.objects.using(upsert.alias()).bulk_create([row], ignore_conflicts=True)


def prepare(versions: Iterable[EncoderVersion] | None = None) -> int:
    """Make the vectors that hot queries lack; return how many.

    Serves the live version and the ready versions if they have the configured encoders.
    ``versions`` names others.
    """
    _forget()
    made = 0
    for version in _prepared_versions() if versions is None else versions:
        try:
            made += _prepare(version)
        except SimilarityError as error:
            logger.warning("Hot queries are not prepared for version %s: %s", version.pk, error)
    return made


def _text(question: Question) -> FloatArray | None:
    encoded = text_vectors([question.payload.decode()], _version(question.version))
    return encoded.vectors[0] if encoded.present[0] else None


def _picture(question: Question) -> FloatArray | None:
    data = question.payload
    photo = ImageRef("picture", lambda limit: data[: limit + 1])
    version = _version(question.version)
    encoder = fusions.encoder_of(version, "image")
    decode_query(photo, data, ask_worker.PICTURE_TIMEOUT_MS / 1000)
    encoded = encoder.encode([ProductContent(key="", title="", images=[photo])])
    encoded = _projected("image", encoded, version)
    return encoded.vectors[0] if encoded.present[0] else None


def _pairs(question: Question) -> FloatArray | None:
    model = conf.get("SEARCH", "CROSS_ENCODER")
    if not model:
        return None
    asked = json.loads(question.payload)
    return cross_encoder(model).scores(asked["query"], asked["texts"])


_KINDS: dict[str, Callable[[Question], FloatArray | None]] = {
    "text": _text,
    "picture": _picture,
    "pairs": _pairs,
}


def _encode_texts(encoder: Encoder, texts: Sequence[str]) -> Encoded:
    """Encode texts with the encoder's method for queries, or as titles if it has no such method."""
    if hasattr(encoder, "encode_texts"):
        encoded: Encoded = encoder.encode_texts(texts)
        return encoded
    return encoder.encode([ProductContent(key="", title=text) for text in texts])


def _projected(part: str, encoded: Encoded, version: EncoderVersion) -> Encoded:
    projected = fusions.fusion_of(version).project(part, encoded.vectors)
    present = encoded.present & (np.abs(projected).max(axis=1, initial=0) > 0)
    return Encoded(np.where(present[:, None], projected, np.float32(0)), present)


def _version(pk: int) -> EncoderVersion:
    """Return a version whose vectors this process can make."""
    version = fusions.every_version().filter(pk=pk).first()
    if version is None:
        raise VersionError(f"There is no encoder version {pk} any more; queries ask the live one.")
    difference = fusions.mismatch(version)
    if difference:
        raise VersionError(
            f"Queries of version {pk} cannot be encoded, its encoders cannot be had any more "
            f"({difference}): put their weights back, or run "
            "'manage.py similarity build --promote'."
        )
    return version


def _prepared_versions() -> list[EncoderVersion]:
    statuses = (EncoderVersion.Status.LIVE, EncoderVersion.Status.READY)
    versions = fusions.every_version().filter(status__in=statuses)
    return [version for version in versions if not fusions.mismatch(version)]


def _prepare(version: EncoderVersion) -> int:
    alias = upsert.alias()
    made = HotQueryVector.objects.filter(query=OuterRef("pk"), version=version)
    hottest = HotQuery.objects.using(alias).hottest(HOT_QUERIES)
    # A sliced queryset accepts no further condition, so the hottest are selected by key.
    queries = HotQuery.objects.using(alias).filter(pk__in=[query.pk for query in hottest])
    lacking = list(queries.exclude(Exists(made)))
    for start in range(0, len(lacking), _BATCH):
        batch = lacking[start : start + _BATCH]
        rows, present = text_vectors([query.text for query in batch], version)
        HotQueryVector.objects.using(alias).bulk_create(
            [
                HotQueryVector(query=query, version=version, vector=HalfVector(row))
                for query, row, has in zip(batch, rows, present, strict=True)
                if has
            ],
            ignore_conflicts=True,
        )
    return len(lacking)


def _forget() -> None:
    """Delete the queries not asked for a long time, and the rarest beyond the limit of rows."""
    queries = HotQuery.objects.using(upsert.alias())
    queries.filter(asked_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
    most = ROWS_EACH * HOT_QUERIES
    surplus = queries.order_by("-asked", "text").values_list("pk", flat=True)[most:]
    queries.filter(pk__in=list(surplus)).delete()
