"""Clicks as judgements, corrected for the place at which a result was shown.

A shopper clicks a result after looking at it and finding it good, and looks more at the first
results. The position-based model (Craswell and others, "An Experimental Comparison of Click
Position-Bias Models", 2008) takes the two as independent:

    P(click on d at k for q) = examined(k) · attractive(q, d)

Both are estimated by expectation maximisation (Chuklin, Markov and de Rijke, "Click Models for Web
Search", 2015), which can separate them only because results are shown at several places. A click
then counts 1 / examined(k): inverse propensity weighting (Joachims, Swaminathan and Schnabel,
"Unbiased Learning-to-Rank with Biased Feedback", 2017).
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.exceptions import RankerError
from similarity.search.training.judged import Judged

#: Places from here down count as one place, because few shoppers look there.
DEEPEST = 50
#: A click counts at most as many as this at the first place, so that a single click does not
#: decide.
LARGEST_WEIGHT = 10.0
#: Share of (query, product) pairs that must have been shown at two places or more.
LEAST_MOVED = 0.05

_ROUNDS = 200
_CLOSE = 1e-5
_IMPRESSION, _CLICK = "impression", "click"


class Shown(NamedTuple):
    """How often a product was shown at a place (from 0) for a query, and clicked there."""

    query: str
    product: str
    place: int
    shown: int
    clicked: int


@dataclass(frozen=True)
class PositionBias:
    """``examined`` (K,): the share of shoppers that look at place k; 1 at the first."""

    examined: npt.NDArray[np.float64]

    def weight(self, place: int) -> float:
        """Return the weight of a click at the place."""
        return float(
            min(1 / max(self.examined[min(place, len(self.examined) - 1)], 1e-9), LARGEST_WEIGHT)
        )


def read_clicks(path: Path) -> list[Shown]:
    """Read impressions and clicks from a log: CSV, or events of OpenSearch's UBI as JSON lines.

    A CSV has the columns query, product, position (from 1) and clicked (0 or 1), with one row for
    each shown result. A UBI file (``.json``, ``.jsonl``, also ``.gz``) has ``impression`` and
    ``click`` events with ``user_query``, ``event_attributes.object.object_id`` and
    ``event_attributes.position.ordinal`` (from 0). Raises :class:`RankerError`.
    """
    counted: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    name = path.name.removesuffix(".gz")
    read = _ubi_rows if name.endswith((".json", ".jsonl")) else _csv_rows
    for query, product, place, shown, clicked in read(path):
        entry = counted[query.strip(), product.strip(), min(max(place, 0), DEEPEST - 1)]
        entry[0] += shown
        entry[1] += clicked
    # A click without an impression also counts as shown.
    return [Shown(*key, max(shown, clicked), clicked) for key, (shown, clicked) in counted.items()]


def position_bias(log: Sequence[Shown]) -> PositionBias:
    """Estimate how much each place is looked at, by expectation maximisation.

    Raises :class:`RankerError` if hardly any result was shown at two places, because then a good
    result cannot be distinguished from a high place.
    """
    _require_moves(log)
    pairs = {pair: at for at, pair in enumerate(dict.fromkeys((s.query, s.product) for s in log))}
    pair = np.array([pairs[s.query, s.product] for s in log])
    place = np.array([s.place for s in log])
    shown = np.array([s.shown for s in log], dtype=np.float64)
    clicked = np.array([s.clicked for s in log], dtype=np.float64)
    examined = 1 / (1 + 0.2 * np.arange(place.max() + 1))
    attractive = np.full(len(pairs), max(clicked.sum() / shown.sum(), 1e-3))
    for _ in range(_ROUNDS):
        before = examined
        both = examined[place] * attractive[pair]
        skipped = (shown - clicked) / np.maximum(1 - both, 1e-9)
        # Expected: looked at, or attractive, given that it was not clicked.
        looked = clicked + skipped * examined[place] * (1 - attractive[pair])
        liked = clicked + skipped * attractive[pair] * (1 - examined[place])
        examined = _shares(looked, shown, place, len(examined), 1.0)
        # Half a click in a further showing: a product shown once and clicked once is not perfect.
        attractive = _shares(liked, shown, pair, len(pairs), 0.5)
        if np.abs(examined / examined[0] - before / before[0]).max() < _CLOSE:
            break
    return PositionBias(np.clip(examined / examined[0], 1e-3, 1.0))


def judged_by_clicks(log: Sequence[Shown], bias: PositionBias) -> list[Judged]:
    """Return each query's products with their expected clicks at the first place, per showing."""
    clicks: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    shown: dict[tuple[str, str], int] = defaultdict(int)
    for one in log:
        clicks[one.query][one.product] += one.clicked * bias.weight(one.place)
        shown[one.query, one.product] += one.shown
    return [
        # One showing is added, so that few showings count little.
        Judged(query, {name: worth / (shown[query, name] + 1) for name, worth in found.items()})
        for query, found in clicks.items()
    ]


def _shares(
    expected: npt.NDArray[np.float64],
    shown: npt.NDArray[np.float64],
    at: npt.NDArray[np.int64],
    count: int,
    prior: float,
) -> npt.NDArray[np.float64]:
    """Return Σ expected ÷ Σ shown by group, drawn a little towards one half."""
    total = np.bincount(at, shown, count)
    return (np.bincount(at, expected, count) + prior * 0.5) / (total + prior)


def _require_moves(log: Sequence[Shown]) -> None:
    places: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one in log:
        places[one.query, one.product].add(one.place)
    moved = sum(len(some) > 1 for some in places.values())
    if not any(one.clicked for one in log) or moved < LEAST_MOVED * len(places):
        raise RankerError(
            f"Of {len(places)} results shown, {moved} were shown at several places and "
            f"{sum(one.clicked > 0 for one in log)} were clicked: good results cannot be "
            "distinguished from high places. Show some results in another order now and then (swap "
            "two neighbours at random), collect more, or train on judgements."
        )


def _csv_rows(path: Path) -> Iterator[tuple[str, str, int, int, int]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {"query", "product", "position", "clicked"} - set(reader.fieldnames or ())
        if missing:
            raise RankerError(
                f"{path} lacks the columns {', '.join(sorted(missing))}; a log of clicks has "
                "query, product, position and clicked."
            )
        for row in reader:
            try:
                place, clicked = int(row["position"]) - 1, int(row["clicked"])
            except (TypeError, ValueError):
                raise RankerError(
                    f"{path}, line {reader.line_num}: position is {row['position']!r} and clicked "
                    f"{row['clicked']!r}; give whole numbers, 1 for the first place."
                ) from None
            yield row["query"], row["product"], place, 1, int(clicked > 0)


def _ubi_rows(path: Path) -> Iterator[tuple[str, str, int, int, int]]:
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                event: Mapping[str, Any] = json.loads(line)
                kind = event["action_name"]
            except (ValueError, KeyError, TypeError) as error:
                raise RankerError(
                    f"{path}, line {number} is not a UBI event ({type(error).__name__}: {error}); "
                    "give one JSON object with an action_name on each line."
                ) from None
            found = _ubi_event(event) if kind in (_IMPRESSION, _CLICK) else None
            if found:
                yield *found, int(kind == _IMPRESSION), int(kind == _CLICK)


def _ubi_event(event: Mapping[str, Any]) -> tuple[str, str, int] | None:
    """Return (query, product, place); None for an event that is not about a result."""
    about = event.get("event_attributes") or {}
    product = (about.get("object") or {}).get("object_id")
    place = (about.get("position") or {}).get("ordinal")
    query = event.get("user_query")
    if not query or product is None or not isinstance(place, int):
        return None
    return str(query), str(product), place
