"""Draw many pictures on all cores."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from shop.seed.drawing.look import Look
from shop.seed.drawing.picture import jpeg

#: Below this many pictures, starting processes costs more than it saves.
ALONE = 24


def drawn(jobs: Sequence[tuple[Look, str]]) -> Iterator[bytes]:
    """Yield JPEG files of (look, view), in order."""
    if len(jobs) < ALONE:
        yield from map(_draw, jobs)
        return
    # spawn: a forked child would share this process's database connection
    # an executor, because a Pool waits for ever if one of its processes is killed
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as executor:
        yield from executor.map(_draw, jobs, chunksize=4)


def _draw(job: tuple[Look, str]) -> bytes:
    return jpeg(*job)
