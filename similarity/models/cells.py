"""Cells: the fused vectors of a version, kept a second time in the order of their nearness."""

import numpy as np
import numpy.typing as npt
from django.db import models

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
    #: What was measured when they were made; ``scan`` says how many rows a query looks at.
    figures = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

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


def rows_table(cells: int) -> str:
    """Columns ``cell``, ``placed`` (after the build), ``product_id``, ``fused``, ``"group"``."""
    return f"similarity_cells_{int(cells)}"


def sample_table(cells: int) -> str:
    """``cell`` and ``product_id`` of a few thousand rows, by which a filter is judged."""
    return f"{rows_table(cells)}_sample"
