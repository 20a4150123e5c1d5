"""The contract of every encoder."""

import abc
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.catalog.content import ProductContent
from similarity.types import FloatArray

BoolArray = npt.NDArray[np.bool_]


class Encoded(NamedTuple):
    """``vectors``: float32 (N, D), rows of length one; ``present``: bool (N,).

    A row whose ``present`` is false had no content to encode and is all zero.
    """

    vectors: FloatArray
    present: BoolArray


class Encoder(abc.ABC):
    """An encoder of a part of a product (its text, its photos, …) into vectors.

    ``SIMILARITY["ENCODERS"]`` names a subclass by dotted path. The entry's ``OPTIONS`` are its
    keyword arguments. Creating an encoder is cheap: weights are loaded at the first call of
    :meth:`encode`, once per process. Bad options raise :class:`similarity.exceptions.EncoderError`.
    """

    #: The part it encodes: ``text``, ``image``, ``colour``, ``attributes`` or the host's own.
    name: ClassVar[str]

    #: The fields of ``ProductContent`` it reads.
    fingerprint_fields: ClassVar[tuple[str, ...]]

    @property
    @abc.abstractmethod
    def dimension(self) -> int:
        """Return D, the length of a row."""

    @property
    @abc.abstractmethod
    def signature(self) -> str:
        """Return a name of weights and options; encoders of equal signature give equal vectors."""

    @abc.abstractmethod
    def encode(self, contents: Sequence[ProductContent]) -> Encoded:
        """Encode N products; (0, D) for an empty sequence.

        A batch gives the vectors of single calls, to 1e-3 in each coordinate. Content that is
        missing or cannot be read (for example a damaged image) is not an error: its row is marked
        not present.
        """


def unit_rows(vectors: npt.ArrayLike) -> FloatArray:
    """Scale each row of (N, D) to length one; a zero row stays zero."""
    array = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    return np.divide(array, norms, out=np.zeros_like(array), where=norms > 1e-12)
