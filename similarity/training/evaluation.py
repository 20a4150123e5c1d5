"""Quality of similar products: each part alone against the fused vector."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from similarity.encoders.base import Encoded, FloatArray
from similarity.encoders.fusion import Fusion
from similarity.training.datasets import Dataset
from similarity.training.metrics import (
    IntArray,
    Share,
    label_shares,
    link_recalls,
    neighbours,
)

FUSED = "fused"


@dataclass(frozen=True)
class Quality:
    """A row of the table: the quality of the vectors called ``name``."""

    name: str
    shares: Mapping[str, Share]
    recalls: Mapping[str, float]
    found: IntArray  # (N, 10), positions of the neighbours

    def figures(self) -> dict[str, float]:
        """Return every figure under its name in the JSON output."""
        figures: dict[str, float] = {}
        for label, share in self.shares.items():
            figures[f"{label}@10"] = share.precision
            figures[f"{label}_attained"] = share.attained
            figures[f"{label}_map@10"] = share.mean_average_precision
        return figures | {f"{kind}_recall@10": value for kind, value in self.recalls.items()}


@dataclass(frozen=True)
class Report:
    dataset: Dataset
    fusion: Fusion
    rows: Sequence[Quality]

    @property
    def fused(self) -> Quality:
        return self.rows[-1]

    def as_json(self) -> dict[str, object]:
        return {
            "dataset": self.dataset.name,
            "products": len(self.dataset.contents),
            "weights": self.fusion.weights,
            "dimensions": self.fusion.dimensions,
            "attainable": {
                label: {"share": share.attainable, "queries": share.queries}
                for label, share in self.fused.shares.items()
            },
            "figures": {row.name: row.figures() for row in self.rows},
        }


def evaluate(
    dataset: Dataset,
    parts: Mapping[str, Encoded],
    weights: Mapping[str, float],
    dimensions: Mapping[str, int],
) -> Report:
    """Judge each part's own vectors, as the encoder made them, and the fused vectors.

    The fusion is fitted on this catalogue, as a shop's is. A product without a part has no
    neighbours by that part, which counts as ten misses.
    """
    fusion = Fusion.fit(parts, weights, dimensions)
    rows = [
        judge(part, encoded.vectors, dataset)
        for part, encoded in parts.items()
        if encoded.present.any()
    ]
    rows.append(judge(FUSED, fusion.fuse(parts).vectors, dataset))
    return Report(dataset, fusion, rows)


def judge(name: str, vectors: FloatArray, dataset: Dataset) -> Quality:
    found = neighbours(vectors, dataset.groups)
    return Quality(name, label_shares(found, dataset), link_recalls(found, dataset), found)


def table(report: Report) -> str:
    """Return the report as fixed-width text, a row for each part and for the fused vector."""
    labels = list(report.fused.shares)
    ranked = list(dict.fromkeys([labels[-1], labels[0]])) if labels else []
    head = ["", *labels, *(f"{labels[-1]} of attainable" for _ in labels[:1])]
    head += [f"mAP@10 {label}" for label in ranked]
    head += [f"{kind} recall@10" for kind in report.fused.recalls]
    lines = [head]
    for row in report.rows:
        figures = [row.shares[label].precision for label in labels]
        figures += [row.shares[labels[-1]].attained for _ in labels[:1]]
        figures += [row.shares[label].mean_average_precision for label in ranked]
        figures += row.recalls.values()
        lines.append([row.name, *(f"{figure:.3f}" for figure in figures)])
    attainable = [f"{report.fused.shares[label].attainable:.3f}" for label in labels]
    lines.append(["attainable", *attainable])
    return _aligned(lines)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Align the first column left, the others right; short lines end early."""
    widths = [
        max(len(cell) for cell in column) for column in itertools.zip_longest(*lines, fillvalue="")
    ]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=False))
        )
        for line in lines
    )


def halves(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (chosen on, reported on): two fixed random halves of N queries, bool (N,) each."""
    first = np.zeros(count, dtype=bool)
    first[np.random.default_rng(1).permutation(count)[: count // 2]] = True
    return first, ~first
