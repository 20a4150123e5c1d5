"""The result of an import, with every refused row."""

import csv
from pathlib import Path
from types import TracebackType
from typing import TextIO

from shop.feeds.product import FeedError, Refusal
from shop.feeds.writer import Written
from similarity import inert_cell

SHOWN = {"row": 20, "cell": 10, "image": 5}


class ImportReport:
    """Counts, the first refusals, and optionally all refusals in a CSV file."""

    def __init__(self, path: Path | None = None) -> None:
        self.created = self.updated = self.unchanged = self.deactivated = 0
        self.images_added = self.prices_made_up = self.line = 0
        self.drafts = 0
        self.refused = {"row": 0, "cell": 0, "image": 0}
        self.notes: list[str] = []
        self.shown: list[Refusal] = []
        self._file: TextIO | None = None
        if path:
            self._open(path)

    def __enter__(self) -> "ImportReport":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    @property
    def imported(self) -> int:
        return self.created + self.updated + self.unchanged

    def add(self, written: Written) -> None:
        """Count the results of a chunk."""
        self.created += written.created
        self.updated += written.updated
        self.unchanged += written.unchanged
        self.images_added += written.images_added
        self.prices_made_up += written.prices_made_up
        self.drafts += written.drafts
        for refusal in written.refusals:
            self.refuse(refusal)

    def note(self, text: str) -> None:
        """Report an assumption about the whole file, or unread columns."""
        self.notes.append(text)
        if self._file:
            self._rows.writerow(["", "", "note", inert_cell(text)])

    def refuse(self, refusal: Refusal) -> None:
        self.refused[refusal.kind] += 1
        if self.refused[refusal.kind] <= SHOWN[refusal.kind]:
            self.shown.append(refusal)
        if self._file:
            cells = [refusal.sku, refusal.kind, refusal.reason]
            self._rows.writerow([refusal.line, *map(inert_cell, cells)])

    def lines(self) -> list[str]:
        """Return the report for the screen: notes and refusals, then the table of counts."""
        lines = [_printable(note) for note in self.notes]
        lines += [
            _printable(f"  line {r.line}  {r.sku or '(no SKU)'}: {r.reason}") for r in self.shown
        ]
        hidden = sum(self.refused.values()) - len(self.shown)
        if hidden:
            lines.append(f"  and {hidden} more; --report FILE.csv writes all of them")
        counts = {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused["row"],
            "cells remarked on": self.refused["cell"],
            "deactivated": self.deactivated,
            "images added": self.images_added,
            "images failed": self.refused["image"],
            "prices by default": self.prices_made_up,
        }
        if self.drafts:
            counts["drafts left out"] = self.drafts
        return [*lines, *(f"{name:<18}{count:>8}" for name, count in counts.items())]

    def _open(self, path: Path) -> None:
        try:
            self._file = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise FeedError(f"The report {str(path)!r} cannot be written: {error}.") from error
        self._rows = csv.writer(self._file)
        self._rows.writerow(["line", "sku", "kind", "reason"])


def _printable(line: str) -> str:
    """Return ``line`` without characters that move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)
