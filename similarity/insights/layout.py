"""Lay out vectors as points of a picture, so that similar vectors are close in the picture."""

from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.encoders.base import FloatArray
from similarity.exceptions import ConfigurationError

#: Axes kept before the layout, because t-SNE needs distances and most axes hold noise.
AXES = 50

#: Effective number of neighbours per point; at most a third of the points.
PERPLEXITY = 30.0

#: Rounds that separate clusters, then rounds in which they settle.
EARLY_ROUNDS, ROUNDS = 250, 500

#: From this number of points on, trees find neighbours, and a grid interpolates sums.
MANY = 2000

#: The side of the picture, and the free margin on each side.
SIDE, MARGIN = 1000.0, 20.0

_SEED = 20_240_601


def two_dimensions(vectors: FloatArray, *, threads: int = 1) -> FloatArray:
    """Return float32 (N, 2) points between 0 and :data:`SIDE` for (N, D) unit rows, by t-SNE.

    t-SNE starts from the two leading axes, whose signs are fixed, so that the same catalogue gives
    the same picture. Fewer than 4 points lie on those axes. Raises :class:`ConfigurationError`
    without the extra ``map``.
    """
    axes = principal_axes(vectors, AXES)
    if len(vectors) < 4:
        return _fitted(axes[:, :2] if axes.shape[1] > 1 else np.zeros((len(vectors), 2)))
    try:
        from openTSNE import TSNE
        from openTSNE.affinity import PerplexityBasedNN
    except ImportError as error:
        raise ConfigurationError(
            "Maps of the catalogue need openTSNE; run pip install 'django-similarity[map]' "
            "where workers run."
        ) from error
    spread = max(float(axes[:, 0].std()), 1e-12)
    many = len(vectors) >= MANY
    near = PerplexityBasedNN(
        axes,
        perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
        method="annoy" if many else "exact",
        n_jobs=threads
        if many
        else 1,  # the exact method would start processes, which a worker must not
        random_state=_SEED,
    )
    layout = TSNE(
        negative_gradient_method="fft" if many else "bh",
        early_exaggeration_iter=EARLY_ROUNDS,
        n_iter=ROUNDS,
        n_jobs=threads,
        random_state=_SEED,
    ).fit(affinities=near, initialization=axes[:, :2] / spread * 1e-4)
    return _fitted(np.asarray(layout))


def principal_axes(vectors: FloatArray, count: int) -> FloatArray:
    """Return float32 (N, at most ``count``) leading axes of (N, D), at least 2 if D allows."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    _values, turned = np.linalg.eigh(centred.T @ centred)
    turned = turned[:, ::-1][:, :count]
    # The sign of an axis is arbitrary; make the largest entry positive.
    largest = np.abs(turned).argmax(axis=0)
    turned *= np.where(turned[largest, np.arange(turned.shape[1])] < 0, -1.0, 1.0)
    return np.asarray(centred @ turned, dtype=np.float32)


def _fitted(points: npt.NDArray[np.floating[Any]]) -> FloatArray:
    """Return the points moved and scaled into the picture, with the same scale on both axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (SIDE - 2 * MARGIN) / max(float((high - low).max()), 1e-9)
    middle = (low + high) / 2
    return np.asarray((points - middle) * scale + SIDE / 2, dtype=np.float32)
