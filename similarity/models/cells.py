"""Cells: sketches of a version's fused vectors, kept in the order of their nearness."""

import numpy as np
import numpy.typing as npt
from django.db import models

from similarity.models.sketches import Sketcher
from similarity.models.versions import EncoderVersion


class VectorCells(models.Model):
    """The cells of a version, made at one time.

    The rows are in a separate table (``similarity.models.cells.rows_table``). So new cells are
    loaded into an empty table, and dropping the former cells costs little. At most one set of a
    version is live.
    """

    version = models.ForeignKey(EncoderVersion, on_delete=models.CASCADE, related_name="+")
    live = models.BooleanField(default=False)
    #: (C, D) unit rows as little-endian float16.
    centroids = models.BinaryField()
    #: (C,) little-endian int32: the category that each cell is part of, see ``category_number``.
    categories = models.BinaryField()
    #: (C,) little-endian int32: rows of each cell when they were made; empty until then.
    counts = models.BinaryField(default=bytes)
    #: (D, P) little-endian float16, and (L, P) float32: see ``similarity.models.sketches``.
    rotations = models.BinaryField()
    thresholds = models.BinaryField()
    #: Measurements from when they were made; ``scan`` is the number of rows a query reads.
    figures = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "vector cells"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(live=True),
                name="similarity_one_live_cells",
            )
        ]

    def __str__(self) -> str:
        return f"cells {self.pk} of version {self.version_id}"

    def category_numbers(self) -> npt.NDArray[np.int32]:
        """Return the category of each cell, (C,)."""
        return np.frombuffer(bytes(self.categories), dtype="<i4").astype(np.int32)

    def centroid_rows(self) -> npt.NDArray[np.float32]:
        """Return the centroids as unit rows (C, D)."""
        rows = np.frombuffer(bytes(self.centroids), dtype="<f2").astype(np.float32)
        return rows.reshape(len(self.categories) // 4, -1)

    def sketcher(self) -> Sketcher:
        """Return the sketcher fitted when the cells were made."""
        thresholds = np.frombuffer(bytes(self.thresholds), dtype="<f4").astype(np.float32)
        rotations = np.frombuffer(bytes(self.rotations), dtype="<f2").astype(np.float32)
        dimension = 2 * len(self.centroids) // len(self.categories)  # of 2 and of 4 bytes each
        rotations = rotations.reshape(dimension, -1)
        return Sketcher(rotations, thresholds.reshape(-1, rotations.shape[1]))


def rows_table(cells: int) -> str:
    """Return the name of the table of a set of cells.

    Its columns are ``cell``, ``product_id``, ``encoded_at``, ``sketch``, ``"group"``, and
    ``placed``, which is true for rows placed since the cells were made.
    """
    return f"similarity_cells_{int(cells)}"


def sample_table(cells: int) -> str:
    """Return the table of a few thousand ``cell`` and ``product_id`` rows, to judge filters by."""
    return f"{rows_table(cells)}_sample"
