"""A deterministic encoder of titles, fast except for a pause that makes a batch last.

It writes the products that it holds to a file of its process, so that a kill can hit a batch and
its recovery can be timed. Titles with ``poison-kill`` end the process as the kernel does when
memory runs out; ``poison-segfault`` ends it like a fault in a native library.
"""

import ctypes
import hashlib
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.conf import settings

from similarity.catalog.content import ProductContent
from similarity.encoders.base import Encoded, Encoder, unit_rows

#: Seconds that encoding a product takes in addition to arithmetic, like a small network.
PAUSE_S = 0.01


class ChaosEncoder(Encoder):
    name = "text"
    fingerprint_fields = ("title", "description")

    @property
    def dimension(self) -> int:
        return 24

    @property
    def signature(self) -> str:
        return "chaos-24"

    def encode(self, contents: Sequence[ProductContent]) -> Encoded:
        if settings.FOLDER:
            hold(contents)
        vectors = np.zeros((len(contents), self.dimension), np.float32)
        for row, content in enumerate(contents):
            words = f"{content.title} {content.description}".split()
            for word in words:
                seed = hashlib.sha256(word.encode()).digest()[:8]
                vectors[row] += np.random.default_rng(list(seed)).standard_normal(24)
        return Encoded(unit_rows(vectors), np.ones(len(contents), bool))


def hold(contents: Sequence[ProductContent]) -> None:
    """Record the held products, spend the time of encoding them, and die of a poison.

    The text of a query has no key and is not a product.
    """
    held = {"at": time.time(), "keys": [content.key for content in contents if content.key]}
    path = Path(settings.FOLDER) / "held" / str(os.getpid())
    path.with_suffix(".new").write_text(json.dumps(held))
    path.with_suffix(".new").rename(path)
    for content in contents:
        time.sleep(PAUSE_S)
        if "poison" in content.title:
            with (Path(settings.FOLDER) / "poisoned").open("a") as file:
                file.write(f"{content.key} {len(contents)}\n")
        if "poison-kill" in content.title:
            os.kill(os.getpid(), signal.SIGKILL)
        if "poison-segfault" in content.title:
            ctypes.string_at(0)
