"""Search by faiss-cpu as a peer of the database: the same vectors in memory, with a bitmap filter.

It has none of the shop's data: the bitmap of a filter is made before the timing, as if the table
never changed.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

#: Maximum number of rows with an HNSW index; at a million rows, it takes many minutes.
HNSW_ROWS = 200_000
#: The defaults of pgvector.
M, EF_CONSTRUCTION, EF_SEARCH = 16, 64, 200
#: Lists of the inverted file per square root of the rows, and lists searched per query.
LISTS, PROBES = 4, 32


class FaissPeer:
    """A faiss index: ``vectors`` (N, D) are unit rows, and queries return ``k`` neighbours."""

    def __init__(self, vectors: npt.NDArray[np.float16], k: int) -> None:
        import faiss

        self._faiss, self._vectors, self._k = faiss, vectors, k
        self._indexes: dict[str, Any] = {}
        self._built("IVF", self._ivf)
        if len(vectors) <= HNSW_ROWS:
            self._built("HNSW", self._hnsw)

    @property
    def names(self) -> list[str]:
        return list(self._indexes)

    def search(self, name: str, mask: npt.NDArray[np.bool_]) -> Callable[[int], list[int]]:
        """Return a function: row → keys of its neighbours among the rows of the mask."""
        faiss, index = self._faiss, self._indexes[name]
        bitmap = np.packbits(mask, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(bitmap))
        if name == "IVF":
            parameters = faiss.SearchParametersIVF(sel=selector, nprobe=PROBES)
        else:
            parameters = faiss.SearchParametersHNSW(sel=selector, efSearch=EF_SEARCH)

        def run(row: int, kept: Any = bitmap) -> list[int]:
            vector = self._vectors[row][None].astype(np.float32)
            _likeness, rows = index.search(vector, self._k + 1, params=parameters)
            return [int(one) + 1 for one in rows[0] if one >= 0 and one != row][: self._k]

        return run

    def _built(self, name: str, build: Callable[[], Any]) -> None:
        started = time.perf_counter()
        self._indexes[name] = build()
        print(f"faiss {name} built in {time.perf_counter() - started:.1f} s.", flush=True)

    def _ivf(self) -> Any:
        dimension = self._vectors.shape[1]
        lists = LISTS * int(len(self._vectors) ** 0.5)
        metric = self._faiss.METRIC_INNER_PRODUCT
        quantizer = self._faiss.IndexFlatIP(dimension)
        index = self._faiss.IndexIVFFlat(quantizer, dimension, lists, metric)
        sample = np.random.default_rng(0).permutation(len(self._vectors))[: 40 * lists]
        index.train(self._vectors[sample].astype(np.float32))
        self._add(index)
        return index

    def _hnsw(self) -> Any:
        metric = self._faiss.METRIC_INNER_PRODUCT
        index = self._faiss.IndexHNSWFlat(self._vectors.shape[1], M, metric)
        index.hnsw.efConstruction = EF_CONSTRUCTION
        self._add(index)
        return index

    def _add(self, index: Any) -> None:
        for start in range(0, len(self._vectors), 50_000):
            index.add(self._vectors[start : start + 50_000].astype(np.float32))
