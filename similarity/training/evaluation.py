"""How similar the similar products are: each part alone against the fused vector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from similarity.encoders.base import Encoded, FloatArray
from similarity.encoders.fusion import Fusion
from similarity.training.datasets import Dataset
from similarity.training.metrics import (
    ALL,
    IntArray,
    Share,
    label_shares,
    link_recalls,
    neighbours,
)

FUSED = "fused"


@dataclass(frozen=True)
class Quality:
    """One row of the table: what the vectors called ``name`` find."""

    name: str
    shares: Mapping[str, Share]
    recalls: Mapping[str, float]
    found: IntArray  # (N, 10), positions of the neighbours

    def figures(self) -> dict[str, float]:
        """Every figure under the name the JSON output gives it."""
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
    """Judge each part's own vectors, as the encoder made them, and the fused ones.

    The fusion is fitted on this catalogue, as a shop's is. A product without a part
    finds nothing by that part, which counts as ten misses.
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
    """The report as fixed-width text, a row for each part and one for the fused vector."""
    labels = list(report.fused.shares)
    strictest = ALL if ALL in labels else labels[-1] if labels else None
    head = ["", *labels]
    if strictest:
        head += [f"{strictest} of attainable", f"mAP@10 {strictest}", f"mAP@10 {labels[0]}"]
    head += [f"{kind} recall@10" for kind in report.fused.recalls]
    lines = [head]
    for row in report.rows:
        cells = [f"{row.shares[label].precision:.3f}" for label in labels]
        if strictest:
            strict, first = row.shares[strictest], row.shares[labels[0]]
            cells.append(f"{strict.attained:.3f}")
            cells += [f"{share.mean_average_precision:.3f}" for share in (strict, first)]
        cells += [f"{recall:.3f}" for recall in row.recalls.values()]
        lines.append([row.name, *cells])
    attainable = [f"{report.fused.shares[label].attainable:.3f}" for label in labels]
    lines.append(["attainable", *attainable])
    widths = [max(len(line[at]) for line in lines if at < len(line)) for at in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in lines
    )


def halves(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(chosen on, reported on): two fixed random halves of N queries, bool (N,) each."""
    first = np.zeros(count, dtype=bool)
    first[np.random.default_rng(1).permutation(count)[: count // 2]] = True
    return first, ~first
