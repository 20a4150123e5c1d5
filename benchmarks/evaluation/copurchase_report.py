"""Format the figures of the co-purchase evaluation as tables and as JSON."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from benchmarks.evaluation.hidden_items import Found


class Row(NamedTuple):
    """A recommender and its results; ``ours`` is False for a peer."""

    title: str
    found: Found
    ours: bool


@dataclass(frozen=True)
class CopurchaseEvaluation:
    """The results: ``choices`` on the validation slice, ``rows`` on the later baskets.

    The plugin's own rows come last, the default first among them.
    """

    dataset: str
    baskets: int
    items: int
    asked: int
    choices: list[Row]
    rows: list[Row]

    @property
    def default(self) -> Row:
        return next(row for row in self.rows if row.ours)

    @property
    def best_peer(self) -> Row:
        """Return the peer with the highest NDCG@10."""
        others = (row for row in self.rows if not row.ours)
        return max(others, key=lambda row: row.found.ndcg_at_10)

    @property
    def lead(self) -> tuple[float, float]:
        """Return the default's lead over the best peer in NDCG@10, and its standard error.

        The standard error is over baskets.
        """
        more = self.default.found.gains - self.best_peer.found.gains
        return float(more.mean()), float(more.std(ddof=1) / np.sqrt(len(more)))

    def text(self) -> str:
        lead, error = self.lead
        return "\n".join(
            [
                f"{self.dataset}: {self.baskets} baskets, {self.items} items.",
                "",
                *_table("Choice, on a validation slice of the training time", self.choices),
                "",
                *_table(f"Hidden items of later baskets, {self.asked} carts", self.rows),
                "",
                f"NDCG@10 of the default beyond the best other ({self.best_peer.title}): "
                f"{lead:+.4f}, standard error {error:.4f}.",
            ]
        )

    def as_json(self) -> dict[str, Any]:
        lead, error = self.lead
        return {
            "dataset": self.dataset,
            "baskets": self.baskets,
            "items": self.items,
            "carts": self.asked,
            "choices": _figures(self.choices),
            "figures": _figures(self.rows),
            "best_peer": self.best_peer.title,
            "lead_ndcg@10": lead,
            "lead_standard_error": error,
        }


def _table(title: str, rows: list[Row]) -> list[str]:
    width = max(len(title), *(len(row.title) for row in rows)) + 2
    lines = [f"{title:{width}}{'HR@5':>8}{'HR@10':>8}{'NDCG@10':>9}"]
    for name, found, _ours in rows:
        lines.append(
            f"{name:{width}}{found.hits_at_5:8.4f}{found.hits_at_10:8.4f}{found.ndcg_at_10:9.4f}"
        )
    return lines


def _figures(rows: list[Row]) -> dict[str, dict[str, float]]:
    return {
        row.title: {
            "hr@5": row.found.hits_at_5,
            "hr@10": row.found.hits_at_10,
            "ndcg@10": row.found.ndcg_at_10,
        }
        for row in rows
    }
