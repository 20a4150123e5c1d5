"""Search by picture: products that look like a photo, also with words beside it.

The web process reads no more of the photo than its header: a worker decodes it and answers
with a vector of the kind that ``ProductVectors.image`` holds. Nothing of the photo is stored;
it lies in the cache for the seconds that the worker takes.
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

#: The share of the words where picture and words are given, the picture having the rest;
#: see docs/search.md for what others give.
TEXT_SHARE = 0.5

#: How long a vector can be asked for by its token.
KEPT_S = 1800

#: Threads of this process that may wait for a picture at once. A quarter of its threads leaves
#: the others to pages.
MAX_WAITING = 2

UNAVAILABLE = "Pictures cannot be looked at right now; try again soon, or search by words."


class PictureUnavailable(SimilarityError):
    """No worker answered in time, or there is none; the same picture may be sent again."""


class WaitingThreads:
    """Counts the threads of this process that wait."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    @contextmanager
    def place(self, most: int) -> Iterator[bool]:
        """Count this thread within the block; False where ``most`` others are counted."""
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
    """Refuse what no worker should be troubled with; the file's name and type tell nothing.

    Raises :class:`ImageRejected` as :func:`check_cost` does, within ``QUERY_MAX_BYTES`` and
    ``QUERY_MAX_PIXELS``. A worker checks again, and finds what only decoding shows.
    """
    check_cost(data, Limits.of_query())


def encode_picture(data: bytes, *, timeout_ms: int | None = None) -> FloatArray:
    """Have a worker encode a picture; return its vector (D,) for :func:`search_by_picture`.

    Raises :class:`ImageRejected` for bytes that are no picture within the bounds,
    :class:`PictureUnavailable` where no worker answers within ``timeout_ms`` (default
    ``PICTURE_TIMEOUT_MS``), and at once where ``MAX_WAITING`` threads of this process
    wait for pictures already: pictures never take the threads that other pages need.
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
    """Products that look like the picture of ``vector``, those of ``within`` only, best first.

    Those that are less alike than the floor of the live version are left out, so that there may
    be fewer than ``limit``, or none. With ``text``, the ``MAX_LIMIT`` that look most like it are
    ranked by the words too, and both rankings joined by reciprocal-rank fusion, the words with
    ``TEXT_SHARE``: "this, but in navy". Words that match none of them change nothing.
    ``Hit.tier`` is ``image``, and ``image+text`` where the words found the hit as well.
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
    """Keys of those that hold the words, or where none does of those near to their meaning."""
    products = type(alike[0].product)._default_manager  # type: ignore[union-attr]
    within = products.filter(pk__in=[key_of(hit.key) for hit in alike])
    for by_meaning in (False, True):
        page = search(text, most, within=within, hybrid=by_meaning)
        # Best sellers are no answer to the words.
        found = page.hits if page.total and page.rescued != "popular" else page.related
        if found:
            return [hit.key for hit in found]
    return []


def fuse(alike: Sequence[Hit], told: Sequence[str], text_share: float = TEXT_SHARE) -> list[Hit]:
    """``alike`` re-ordered by reciprocal-rank fusion with the keys ``told``, best first.

    A hit that stands first in both has the score 1.
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
    """Store a picture's vector, not the picture, for ``KEPT_S`` and return a token for it.

    With the token a shopper can filter, reload and go back without sending the picture again.
    Raises :class:`PictureUnavailable` if the cache is away.
    """
    token = secrets.token_urlsafe(16)
    name = _name(token)
    kept = {"version": EncoderVersion.objects.live_key(), "vector": vector.astype("<f2").tobytes()}
    caching.attempt(lambda: caching.store({name: kept}, KEPT_S))
    if caching.read(name) is None:
        raise PictureUnavailable(UNAVAILABLE)
    return token


def load_picture_vector(token: str) -> FloatArray | None:
    """Return the vector of a token; None if it is unknown, too old or of another version."""
    kept = caching.read(_name(token)) if token.isascii() and len(token) < 50 else None
    if kept is None or kept["version"] != EncoderVersion.objects.live_key():
        return None
    return np.frombuffer(kept["vector"], "<f2").astype(np.float32)


def _name(token: str) -> str:
    return caching.key("picture-vector", token)
