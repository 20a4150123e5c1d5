"""Fusion of part vectors into one vector per product: weighted, reduced by PCA, no labels.

The cosine of two fused rows is the weighted mean of their parts' cosines. So the nearest neighbours
of a fused vector are similar in all parts at once.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from similarity.encoders.base import BoolArray, Encoded, FloatArray, unit_rows
from similarity.encoders.weights import package
from similarity.exceptions import EncoderError, VersionError
from similarity.parts import PARTS

#: Parts that stay as their encoder made them, because explanations read their blocks.
UNREDUCED = ("attributes",)

#: A longer stored halfvec no longer fits in its page and scans slower.
MAX_DIMENSION = 512

_FORMAT = 1
_PRIOR_ROWS = 20  # weight of the fixed first guess, in products
_SEED = 20_240_601


class Fused(NamedTuple):
    """``vectors``: float32 (N, D), unit rows; ``parts``: the reduced unit rows of each part.

    A product without any encoded part has a zero row.
    """

    vectors: FloatArray
    parts: dict[str, Encoded]


@dataclass(frozen=True)
class Projection:
    """A map of unit rows (N, D) to unit rows (N, d): less the catalogue's mean, along its axes."""

    mean: FloatArray  # (D,)
    axes: FloatArray  # (D, d), orthonormal columns

    def apply(self, vectors: FloatArray) -> FloatArray:
        return unit_rows((vectors - self.mean) @ self.axes)


class Fusion:
    """Weighted concatenation: √weight × unit part for each part, scaled to length one.

    Each part but ``attributes`` is centred on the catalogue's mean and turned onto its leading
    principal axes, without whitening. In a centred part zero is the average product, so an absent
    part, which is all zero, means "unknown". It draws a product neither towards products with the
    part nor away from them. The present parts share its weight in proportion.
    """

    def __init__(
        self,
        projections: Mapping[str, Projection],
        widths: Mapping[str, int],
        weights: Mapping[str, float],
        fitted_on: int,
    ) -> None:
        self._projections = {part: projections[part] for part in _ordered(projections)}
        self._widths = {part: widths[part] for part in _ordered(widths)}
        self.weights = {part: float(weights[part]) for part in self._widths}
        self.fitted_on = fitted_on

    @classmethod
    def fit(
        cls,
        parts: Mapping[str, Encoded],
        weights: Mapping[str, float],
        dimensions: Mapping[str, int],
    ) -> "Fusion":
        """Learn mean and axes of each part from a catalogue of N products.

        ``weights`` (relative, above zero) and ``dimensions`` name at least the given parts. N may
        be zero or small: mean and axes start from a fixed guess whose influence falls as products
        come. The output's dimension does not depend on N.

        Raises :class:`EncoderError` for weights or dimensions that cannot be used.
        """
        size = _rows(parts)
        shares = _shares(parts, weights)
        widths = {
            part: _target(part, encoded.vectors.shape[1], dimensions)
            for part, encoded in parts.items()
        }
        if sum(widths.values()) > MAX_DIMENSION:
            raise EncoderError(
                f"The fused vector would have {sum(widths.values())} dimensions ({widths}); "
                f"lower 'DIMENSION' in SIMILARITY['ENCODERS'] to {MAX_DIMENSION} together."
            )
        projections = {
            part: _principal_axes(encoded.vectors[encoded.present], widths[part])
            for part, encoded in parts.items()
            if part not in UNREDUCED
        }
        return cls(projections, widths, shares, size)

    @property
    def dimensions(self) -> dict[str, int]:
        """Return the length of the fused row and of each part's stored row."""
        return {"fused": sum(self._widths.values()), **self._widths}

    def reweighted(self, weights: Mapping[str, float]) -> "Fusion":
        """Return the same means and axes under other ``weights`` (relative, above zero)."""
        shares = _shares(self._widths, weights)
        return Fusion(self._projections, self._widths, shares, self.fitted_on)

    def fuse(self, parts: Mapping[str, Encoded]) -> Fused:
        """Fuse N products' parts as their encoders gave them; a part not given is absent."""
        size = _rows(parts)
        return self._joined({part: self._reduce(part, parts[part]) for part in parts}, size)

    def keep(self, fused: Fused, before: FloatArray, keeps: Mapping[str, BoolArray]) -> Fused:
        """Fuse again, with parts of the fused rows ``before`` (N, D) if ``fused`` lacks them.

        ``keeps``: part → (N,), True if the product keeps its former part.
        """
        parts, at = dict(fused.parts), 0
        for part, width in self._widths.items():
            old = unit_rows(before[:, at : at + width])
            at += width
            if part not in keeps or part not in parts:
                continue
            vectors, present = parts[part]
            kept = keeps[part] & ~present & (np.abs(old).max(axis=1, initial=0) > 0)
            parts[part] = Encoded(np.where(kept[:, None], old, vectors), present | kept)
        return self._joined(parts, len(before))

    def _joined(self, parts: Mapping[str, Encoded], size: int) -> Fused:
        """Concatenate reduced parts."""
        reduced = {part: parts[part] for part in _ordered(parts)}
        blocks = [
            np.sqrt(self.weights[part]) * reduced[part].vectors
            if part in reduced
            else np.zeros((size, width))
            for part, width in self._widths.items()
        ]
        return Fused(unit_rows(np.concatenate(blocks, axis=1)), reduced)

    def project(self, part: str, vectors: FloatArray) -> FloatArray:
        """Project raw unit rows (N, D) of a part's encoder into the stored part's space (N, d).

        Search uses it to place a query's text among the products' text vectors.
        """
        if part not in self._widths:
            raise EncoderError(
                f"This fusion has no part {part!r}, only {', '.join(self._widths)}; "
                "build a new version after changing SIMILARITY['ENCODERS']."
            )
        projection = self._projections.get(part)
        expected = len(projection.mean) if projection else self._widths[part]
        if vectors.ndim != 2 or vectors.shape[1] != expected:
            raise EncoderError(
                f"The {part} vectors have the shape {vectors.shape}, and the fusion was fitted "
                f"on rows of {expected}; build a new version with the present encoder."
            )
        return projection.apply(vectors) if projection else unit_rows(vectors)

    def to_bytes(self) -> bytes:
        """Return a safetensors file: means and axes, with weights and dimensions as metadata."""
        tensors = {"fitted_on": np.array([self.fitted_on], dtype=np.int64)}
        for part, projection in self._projections.items():
            tensors[f"{part}.mean"] = np.ascontiguousarray(projection.mean)
            tensors[f"{part}.axes"] = np.ascontiguousarray(projection.axes)
        about = {"format": _FORMAT, "weights": self.weights, "dimensions": self._widths}
        # One entry, because safetensors writes several in no fixed order, and equal fusions must
        # have equal bytes. Imported here, because web machines promote versions without encoder
        # packages.
        save = package("safetensors.numpy").save
        return bytes(save(tensors, metadata={"fusion": json.dumps(about)}))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Fusion":
        """Read the bytes of :meth:`to_bytes`.

        Raises :class:`EncoderError` for damaged bytes and :class:`VersionError` for a format that
        this release does not read.
        """
        about = _metadata(data)
        if about.get("format") != _FORMAT:
            raise VersionError(
                f"The fusion has the format {about.get('format')!r}, and this release reads "
                f"{_FORMAT}; build a new version."
            )
        damaged = package("safetensors").SafetensorError
        try:
            tensors = package("safetensors.numpy").load(data)
            widths, weights = about["dimensions"], about["weights"]
            projections = {
                part: Projection(tensors[f"{part}.mean"], tensors[f"{part}.axes"])
                for part in widths
                if part not in UNREDUCED
            }
            fusion = cls(projections, widths, weights, int(tensors["fitted_on"][0]))
            fusion._check()
        except (damaged, KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(error) from error
        return fusion

    def _reduce(self, part: str, encoded: Encoded) -> Encoded:
        projected = self.project(part, encoded.vectors)
        present: BoolArray = encoded.present & (np.abs(projected).max(axis=1, initial=0) > 0)
        return Encoded(np.where(present[:, None], projected, np.float32(0)), present)

    def _check(self) -> None:
        for part, projection in self._projections.items():
            shape = (len(projection.mean), self._widths[part])
            if projection.mean.ndim != 1 or projection.axes.shape != shape:
                raise ValueError(f"the {part} part's tensors have the wrong shape")
            if not (np.isfinite(projection.mean).all() and np.isfinite(projection.axes).all()):
                raise ValueError(f"the {part} part's tensors hold values that are not finite")
        if abs(sum(self.weights.values()) - 1) > 1e-6 or min(self.weights.values()) <= 0:
            raise ValueError(f"the weights {self.weights} are not shares of one")


def _principal_axes(rows: FloatArray, width: int) -> Projection:
    """Return mean and leading eigenvectors of ``rows`` (N, D), both shrunk towards a fixed guess.

    The guess has the weight of ``_PRIOR_ROWS`` products: a mean of zero and equal variance along
    ``width`` fixed orthogonal directions. Without rows the result is the guess.
    """
    count, dimension = rows.shape
    trust = count / (count + _PRIOR_ROWS)
    guess = _fixed_axes(dimension, width)
    covariance = (1 - trust) / width * (guess @ guess.T)
    mean = np.zeros(dimension)
    if count:
        mean = trust * rows.mean(axis=0, dtype=np.float64)
        centred = rows - mean.astype(np.float32)
        covariance += trust / count * (centred.T @ centred)
    _, vectors = np.linalg.eigh(covariance)
    axes = vectors[:, ::-1][:, :width]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(width)])  # eigh leaves them open
    return Projection(mean.astype(np.float32), (axes * signs).astype(np.float32))


def _fixed_axes(dimension: int, width: int) -> np.ndarray:
    """Return orthonormal columns (dimension, width), the same in every process."""
    noise = np.random.default_rng(_SEED).standard_normal((dimension, width))
    return np.linalg.qr(noise)[0]


def _ordered(parts: Mapping[str, object]) -> list[str]:
    """Return the parts in their order inside a fused row; a host's own parts follow by name."""
    known = [part for part in PARTS if part in parts]
    return known + sorted(part for part in parts if part not in PARTS)


def _rows(parts: Mapping[str, Encoded]) -> int:
    sizes = {part: len(encoded.vectors) for part, encoded in parts.items()}
    if not sizes:
        raise EncoderError("There is no part to fuse; SIMILARITY['ENCODERS'] leaves out all.")
    if any(first != second for first, second in pairwise(sizes.values())):
        raise EncoderError(f"The parts hold different numbers of products: {sizes}.")
    return next(iter(sizes.values()))


def _shares(parts: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    for part in parts:
        weight = weights.get(part)
        if not isinstance(weight, int | float) or not np.isfinite(weight) or weight <= 0:
            raise EncoderError(
                f"The weight of the part {part!r} is {weight!r}; give it a number above zero in "
                f"SIMILARITY['ENCODERS'][{part!r}]['WEIGHT'], or leave the part out: set it to "
                "None."
            )
    total = sum(weights[part] for part in parts)
    return {part: weights[part] / total for part in parts}


def _target(part: str, width: int, dimensions: Mapping[str, int]) -> int:
    if part in UNREDUCED:
        return width
    target = dimensions.get(part)
    if not isinstance(target, int) or target < 1:
        raise EncoderError(
            f"The dimension of the part {part!r} is {target!r}; give it a whole number above "
            f"zero in SIMILARITY['ENCODERS'][{part!r}]['DIMENSION']."
        )
    return min(target, width)


def _metadata(data: bytes) -> dict[str, Any]:
    """Return the metadata that :meth:`Fusion.to_bytes` wrote beside the tensors.

    Safetensors begin with eight bytes that hold the length of the JSON header after them.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        about: dict[str, Any] = dict(json.loads(header["__metadata__"]["fusion"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(error) from error
    return about


def _damaged(error: Exception) -> EncoderError:
    return EncoderError(
        f"The stored fusion is damaged ({type(error).__name__}: {error}); "
        "build a new version, or roll back to the version before."
    )
