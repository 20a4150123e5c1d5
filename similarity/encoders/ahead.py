"""Photos read and decoded in separate threads while the network is busy with others.

Pillow and the sockets let other threads run meanwhile. The photos decoded ahead are limited by
number here, and by pixels in :class:`similarity.encoders.images.PixelBudget`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from django.db import connections

from similarity.catalog.content import ImageRef, ProductContent
from similarity.encoders.images import photo_of

if TYPE_CHECKING:
    from PIL import Image

Prepared = TypeVar("Prepared")

#: Photos read, decoded or waiting at once: a batch of a network.
AHEAD = 32

#: Enough to hide a storage behind a network; decoding keeps fewer than that busy.
THREADS = 4


def photos_ahead(
    contents: Sequence[ProductContent], prepare: "Callable[[Image.Image], Prepared]"
) -> Iterator[list[tuple[bytes, Prepared]]]:
    """Yield each product's readable photos: the name of the bytes and ``prepare(photo)``.

    The threads call ``prepare``. This thread reads a single photo itself.
    """
    jobs = [(ref, content.key) for content in contents for ref in content.images]
    if len(jobs) < 2:
        results = (_prepared(ref, key, prepare) for ref, key in jobs)
        yield from _by_product(contents, results)
        return
    pool = ThreadPoolExecutor(min(THREADS, len(jobs)), "similarity-photos")
    try:
        yield from _by_product(contents, _in_order(pool, jobs, prepare))
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor,
    jobs: Sequence[tuple[ImageRef, str]],
    prepare: "Callable[[Image.Image], Prepared]",
) -> Iterator[tuple[bytes, Prepared] | None]:
    coming = (pool.submit(_in_thread, ref, key, prepare) for ref, key in jobs)
    under_way: deque[Future[tuple[bytes, Prepared] | None]] = deque(islice(coming, AHEAD))
    while under_way:
        result = under_way.popleft().result()
        under_way.extend(islice(coming, 1))
        yield result


def _by_product(
    contents: Sequence[ProductContent], results: Iterator[tuple[bytes, Prepared] | None]
) -> Iterator[list[tuple[bytes, Prepared]]]:
    for content in contents:
        some = islice(results, len(content.images))
        yield [result for result in some if result is not None]


def _in_thread(
    ref: ImageRef, key: str, prepare: "Callable[[Image.Image], Prepared]"
) -> tuple[bytes, Prepared] | None:
    try:
        return _prepared(ref, key, prepare)
    finally:
        connections.close_all()  # this thread's, in case the host's storage asks the database


def _prepared(
    ref: ImageRef, key: str, prepare: "Callable[[Image.Image], Prepared]"
) -> tuple[bytes, Prepared] | None:
    photo = photo_of(ref, key)
    return (photo.name, prepare(photo.image)) if photo is not None else None
