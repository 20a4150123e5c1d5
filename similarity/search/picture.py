"""Search by picture: products that look like a photo, optionally combined with words.

The web process reads only the photo's header. A worker decodes the photo and answers with a vector
like those in ``ProductVectors.image``. The photo is not stored; it lies in the cache for the
seconds that the worker takes.
"""

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from django.db.models import QuerySet

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.catalog.picture_header import Limits, check_cost
from similarity.connections import caching
from similarity.exceptions import SimilarityError
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import FloatArray
from similarity.search import ask_worker, hybrid
from similarity.search.engine import search
from similarity.search.query_vectors import picture_vector
from similarity.similar.hits import Hit
from similarity.similar.shelves import live_version, similar_to_vector
from similarity.similar.within import Within, key_of

#: The weight of the words if picture and words are given; the picture has the rest. docs/search.md
#: compares other values.
TEXT_SHARE = 0.5

#: Seconds that a vector can be loaded by its token.
KEPT_S = 1800

#: Threads of this process that may wait for a picture at once: about a quarter of its threads, so
#: that the others stay free for pages.
MAX_WAITING = 2

UNAVAILABLE = "Pictures cannot be looked at right now; try again soon, or search by words."


class PictureUnavailable(SimilarityError):
    """No worker answered in time, or no worker runs; the same picture may be sent again."""


class WaitingThreads:
    """A counter of the threads of this process that wait."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    @contextmanager
    def place(self, most: int) -> Iterator[bool]:
        """Count this thread within the block; yield False if ``most`` others are counted
        already."""
        with self._lock:
            free = self._count < most
            self._count += free
        try:
            yield free
        finally:
            with self._lock:
                self._count -= free


_waiting = WaitingThreads()


def check_picture(data: bytes) -> None:
    """Raise :class:`ImageRejected` for a file that must not reach a worker.

    Check the contents as :func:`check_cost` does, within ``QUERY_MAX_BYTES`` and
    ``QUERY_MAX_PIXELS``, because the file's name and type are no proof. A worker checks again, and
    finds faults that only decoding shows.
    """
    check_cost(data, Limits.of_query())


def encode_picture(data: bytes, *, timeout_ms: int | None = None) -> FloatArray:
    """Let a worker encode a picture; return its vector (D,) for :func:`search_by_picture`.

    Raises :class:`ImageRejected` for bytes that are no picture within the limits, and
    :class:`PictureUnavailable` if no worker answers within ``timeout_ms`` (default
    ``PICTURE_TIMEOUT_MS``). Raises the latter at once if ``MAX_WAITING`` threads of this process
    already wait for pictures, so that pictures never take the threads that other pages need.
    """
    check_picture(data)
    limit_ms = ask_worker.PICTURE_TIMEOUT_MS if timeout_ms is None else timeout_ms
    with _waiting.place(MAX_WAITING) as free:
        vector = picture_vector(data, timeout_ms=limit_ms) if free else None
    if vector is None:
        raise PictureUnavailable(UNAVAILABLE)
    return vector


def search_by_picture(
    vector: FloatArray, text: str = "", limit: int = 24, *, within: QuerySet[Any] | None = None
) -> list[Hit]:
    """Return products of ``within`` that look like the picture of ``vector``, best first.

    Products less similar than the floor of the live version are left out, so the list may have
    fewer than ``limit`` hits, or be empty. With ``text``, the words also rank the ``MAX_LIMIT``
    products that look most similar. Reciprocal-rank fusion joins both rankings, the words with
    ``TEXT_SHARE``: "this, but in navy". If the words match no product, the order stays.
    ``Hit.tier`` is ``image``, or ``image+text`` if the words found the hit too.
    """
    room = get_adapter().eligible() if within is None else within
    version = live_version(Within(room).using)
    if version is None:
        return []
    wanted = conf.MAX_LIMIT if text else limit
    alike = similar_to_vector(vector, wanted, column="image", version=version, within=room)
    # A score is (1 + cosine) / 2.
    alike = [hit for hit in alike if 2 * hit.score - 1 >= version.query_floor("photo")]
    if not text or not alike:
        return alike[:limit]
    return fuse(alike, _told(text, alike, wanted))[:limit]


def _told(text: str, alike: Sequence[Hit], most: int) -> list[str]:
    """Return keys of hits that hold the words, or else of hits near to their meaning."""
    products = type(alike[0].product)._default_manager  # type: ignore[union-attr]
    within = products.filter(pk__in=[key_of(hit.key) for hit in alike])
    for by_meaning in (False, True):
        page = search(text, most, within=within, hybrid=by_meaning)
        # Best sellers do not answer the words.
        found = page.hits if page.total and page.rescued != "popular" else page.related
        if found:
            return [hit.key for hit in found]
    return []


def fuse(alike: Sequence[Hit], told: Sequence[str], text_share: float = TEXT_SHARE) -> list[Hit]:
    """Return ``alike`` re-ordered by reciprocal-rank fusion with the keys ``told``, best first.

    A hit that is first in both has the score 1.
    """
    if not told:
        return list(alike)
    scores = hybrid.fuse([(1 - text_share, [hit.key for hit in alike]), (text_share, told)])
    held = set(told)
    fused = [
        replace(hit, score=scores[hit.key], tier="image+text" if hit.key in held else "image")
        for hit in alike
    ]
    return sorted(fused, key=lambda hit: -hit.score)


def store_picture_vector(vector: FloatArray) -> str:
    """Store a picture's vector, not the picture, for ``KEPT_S``; return a token for it.

    With the token a shopper can filter, reload and go back without sending the picture again.
    Raises :class:`PictureUnavailable` if the cache is down.
    """
    token = secrets.token_urlsafe(16)
    name = _name(token)
    kept = {"version": EncoderVersion.objects.live_key(), "vector": vector.astype("<f2").tobytes()}
    caching.attempt(lambda: caching.store({name: kept}, KEPT_S))
    if caching.read(name) is None:
        raise PictureUnavailable(UNAVAILABLE)
    return token


def load_picture_vector(token: str) -> FloatArray | None:
    """Return the vector of a token; None if the token is unknown, too old or of another version."""
    kept = caching.read(_name(token)) if token.isascii() and len(token) < 50 else None
    if kept is None or kept["version"] != EncoderVersion.objects.live_key():
        return None
    return np.frombuffer(kept["vector"], "<f2").astype(np.float32)


def _name(token: str) -> str:
    return caching.key("picture-vector", token)
