"""Lines of text about a run's figures, for commands."""

from collections.abc import Iterator, Mapping
from typing import Any

SPLITS = {"leave_one_out": "last item", "by_time": "by time"}


def figure_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each model on each split, and the reason if a split is missing."""
    for split, heading in SPLITS.items():
        for name, found in figures.get(split, {}).items():
            yield (
                f"{heading:10} {name:14} Recall@10 {found['recall@10']:.4f}  "
                f"NDCG@10 {found['ndcg@10']:.4f} ± {found['ndcg@10_error']:.4f}  "
                f"coverage@10 {found['coverage@10']:.1%}"
            )
    if error := figures.get("by_time_error"):
        yield f"Not measured by time: {error}"
