"""Cells: sketches of a version's fused vectors, kept in the order of their nearness."""

import numpy as np
import numpy.typing as npt
from django.db import models

from similarity.models.sketches import Sketcher
from similarity.models.versions import EncoderVersion


class VectorCells(models.Model):
    """The cells of one version, as they were made at one time.

    The rows themselves are in a table of their own (``similarity.models.cells.rows_table``),
    so that making cells anew is a load into an empty table, and letting the former ones go
    costs nothing. At most one set of a version is live.
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
    #: What was measured when they were made; ``scan`` says how many rows a query looks at.
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
        """(C,) the category of each cell."""
        return np.frombuffer(bytes(self.categories), dtype="<i4").astype(np.int32)

    def centroid_rows(self) -> npt.NDArray[np.float32]:
        """(C, D) unit rows."""
        rows = np.frombuffer(bytes(self.centroids), dtype="<f2").astype(np.float32)
        return rows.reshape(len(self.categories) // 4, -1)

    def sketcher(self) -> Sketcher:
        """As it was fitted when the cells were made."""
        thresholds = np.frombuffer(bytes(self.thresholds), dtype="<f4").astype(np.float32)
        rotations = np.frombuffer(bytes(self.rotations), dtype="<f2").astype(np.float32)
        dimension = 2 * len(self.centroids) // len(self.categories)  # of 2 and of 4 bytes each
        rotations = rotations.reshape(dimension, -1)
        return Sketcher(rotations, thresholds.reshape(-1, rotations.shape[1]))


def rows_table(cells: int) -> str:
    """``cell``, ``product_id``, ``encoded_at``, ``sketch``, ``"group"``; ``placed`` since."""
    return f"similarity_cells_{int(cells)}"


def sample_table(cells: int) -> str:
    """``cell`` and ``product_id`` of a few thousand rows, by which a filter is judged."""
    return f"{rows_table(cells)}_sample"
