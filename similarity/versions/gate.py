"""The gate: figures a version must reach before it may go live, compared with the live version."""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

from similarity.exceptions import SimilarityError, VersionError
from similarity.models import EncoderVersion
from similarity.parts import PARTS
from similarity.vectors import fusions, indexes
from similarity.versions import quality

logger = logging.getLogger(__name__)

GOOD, WARNING, REFUSED = "good", "warning", "refused"


class Line(NamedTuple):
    """A row of the table: figures of the version and the live version, and the requirement."""

    name: str
    new: str
    live: str
    wanted: str
    state: str = GOOD
    #: The remedy if the figure is not good.
    remedy: str = ""


#: Least share of the eligible products that must have vectors.
MIN_COVERAGE = 0.95
#: Share of common neighbours below which a warning is given.
WARN_OVERLAP = 0.2
#: Measure → (name for readers, largest allowed loss against the live version).
_MEASURES = {
    "same_category": ("neighbours of the same category", 0.05),
    "variants": ("variants among the nearest", 0.1),
    "bought_together": ("products near products bought with them", 0.05),
}


def lines(version: EncoderVersion, live: EncoderVersion | None) -> list[Line]:
    """Return the whole table; ``live`` is None or ``version`` if there is no other version."""
    other = live if live is not None and live.pk != version.pk else None
    return [
        _coverage(version, other),
        _indexes(version),
        _encoders(version),
        *_compared(version, other),
    ]


def refuse(version: EncoderVersion, table: list[Line]) -> None:
    """Raise :class:`VersionError` with every figure that is too low and its remedy."""
    refused = [line for line in table if line.state == REFUSED]
    if refused:
        reasons = "".join(f"\n- {_reason(line)}" for line in refused)
        raise VersionError(
            f"Version {version.pk} is not promoted:{reasons}\n--force promotes it anyway."
        )


def _reason(line: Line) -> str:
    beside = "" if line.live == "–" else f" (live {line.live})"
    return f"{line.name}: {line.new}{beside}, wanted {line.wanted}. {line.remedy}"


def is_compared(version: EncoderVersion, live: EncoderVersion | None) -> bool:
    """Return True if its stored figures were compared with the present live version."""
    compared = version.figures.get("quality")
    return compared is not None and (live is None or compared["with"] == live.pk)


def _coverage(version: EncoderVersion, live: EncoderVersion | None) -> Line:
    stored, eligible = quality.coverage(version)
    share = stored / eligible if eligible else 1.0
    least = MIN_COVERAGE
    return Line(
        "eligible products with vectors",
        f"{stored:,} of {eligible:,} ({_percent(share)})",
        _percent(_share(*quality.coverage(live))) if live else "–",
        f"at least {_percent(least)}",
        GOOD if share >= least else REFUSED,
        "Finish it with 'manage.py similarity build', or let workers drain the outbox.",
    )


def _indexes(version: EncoderVersion) -> Line:
    states = indexes.states(version)
    wrong = [f"{column} {state}" for column, state in states.items() if state != indexes.VALID]
    return Line(
        "indexes",
        f"{', '.join(wrong)}" if wrong else f"valid on {', '.join(states)}",
        "–",
        "all valid",
        REFUSED if wrong else GOOD,
        f"'manage.py similarity promote {version.pk}' builds them first.",
    )


def _encoders(version: EncoderVersion) -> Line:
    name, wanted = "encoders", "available"
    try:
        difference = fusions.mismatch(version)
    except SimilarityError as error:  # encoder packages may be missing on a web machine
        logger.info("It is unknown if version %s has its encoders: %s", version.pk, error)
        return Line(name, "unknown on this machine", "–", wanted)
    if not difference:
        return Line(name, "available", "–", wanted)
    remedy = "No worker could keep it up to date: restore their weights."
    return Line(name, difference, "–", wanted, REFUSED, remedy)


def _compared(version: EncoderVersion, live: EncoderVersion | None) -> Iterator[Line]:
    found = version.figures.get("quality")
    if live is None:
        return
    if not is_compared(version, live):
        yield Line(
            "comparison with the live version",
            "none",
            f"version {live.pk}",
            "made",
            REFUSED,
            f"'manage.py similarity promote {version.pk}' compares them first.",
        )
        return
    for measure, (name, most) in _MEASURES.items():
        if measure in found["new"] and measure in found["live"]:
            yield _measure(name, most, found["new"][measure], found["live"][measure])
    least = WARN_OVERLAP
    # The database keeps no order of keys.
    columns = sorted(found["overlap"], key=("fused", *PARTS).index)
    for column, share in ((column, found["overlap"][column]) for column in columns):
        yield Line(
            "neighbours in both versions" + ("" if column == "fused" else f", by {column} alone"),
            _percent(share),
            "–",
            f"warns under {_percent(least)}",
            WARNING if share < least else GOOD,
            "Shelves will look quite different: look at some products in the preview first.",
        )


def _measure(name: str, most: float, new: float, live: float) -> Line:
    return Line(
        name,
        _percent(new),
        _percent(live),
        f"at most {100 * most:g} points less",
        GOOD if new >= live - most - 1e-9 else REFUSED,
        "Look at some products in the preview, and at SIMILARITY['ENCODERS'].",
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def table(rows: list[Line]) -> str:
    """Return the lines as columns, for a terminal."""
    marks = {GOOD: "ok", WARNING: "look", REFUSED: "NO"}
    cells: list[tuple[Any, ...]] = [("", "figure", "new", "live", "wanted")]
    cells += [(marks[row.state], *row[:4]) for row in rows]
    widths = [max(len(row[at]) for row in cells) for at in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
