"""Compute the visible part of the map, and its points as marks of an SVG.

The page works without a script and under a strict content security policy. Zooming and moving are
links, the ``<title>`` of a mark is its name, and shape and colour distinguish groups of categories.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from similarity.insights.models import CatalogueMap

SIDE = 1000.0
DEEPEST = 6  # each level shows a quarter of the one above

#: Groups with their own shape and colour; other groups are grey.
COLOURED = 8
OTHERS = COLOURED

#: If there are more categories than colours, colour the first level of their paths.
LEVELS = ">"

#: Radius of a mark on the whole map with MANY products or more; with fewer, up to LARGEST.
RADIUS, MANY, LARGEST = 4.0, 4000, 9.0


@dataclass(frozen=True)
class Window:
    """The visible square: its centre, and how often its side was halved."""

    x: float = SIDE / 2
    y: float = SIDE / 2
    level: int = 0
    category: str = ""

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> "Window":
        """Return the window of a page's query; ignore invalid values."""
        level = _number(query.get("z"), 0, 0, DEEPEST)
        return cls(
            _number(query.get("x"), SIDE / 2, 0, SIDE),
            _number(query.get("y"), SIDE / 2, 0, SIDE),
            int(level),
            query.get("category", ""),
        )._inside()

    @property
    def side(self) -> float:
        return SIDE / 2**self.level

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return left, top, width and height, as in ``viewBox``."""
        return (self.x - self.side / 2, self.y - self.side / 2, self.side, self.side)

    def shows(self, x: float, y: float) -> bool:
        return abs(x - self.x) <= self.side / 2 and abs(y - self.y) <= self.side / 2

    @property
    def address(self) -> str:
        """Return the query string, ``?…``."""
        asked: dict[str, Any] = {}
        if self.level:
            asked = {"z": self.level, "x": round(self.x, 1), "y": round(self.y, 1)}
        if self.category:
            asked["category"] = self.category
        return f"?{urlencode(asked)}"

    def moves(self) -> dict[str, str]:
        """Return name → address of the moves that change the window."""
        step = self.side / 2
        moves = {
            "closer": replace(self, level=min(self.level + 1, DEEPEST)),
            "further": replace(self, level=max(self.level - 1, 0)),
            "left": replace(self, x=self.x - step),
            "up": replace(self, y=self.y - step),
            "down": replace(self, y=self.y + step),
            "right": replace(self, x=self.x + step),
            "whole": replace(self, level=0),
        }
        inside = {name: window._inside() for name, window in moves.items()}
        return {name: window.address for name, window in inside.items() if window != self}

    def quarters(self) -> Iterator[tuple[str, float, float, float, str]]:
        """Yield name, left, top, side and address of the four quarters that a click can open."""
        if self.level == DEEPEST:
            return
        half = self.side / 2
        for name, right, down in (
            ("top left", 0, 0), ("top right", 1, 0), ("bottom left", 0, 1), ("bottom right", 1, 1),
        ):  # fmt: skip
            left, top = self.box[0] + right * half, self.box[1] + down * half
            inner = replace(self, x=left + half / 2, y=top + half / 2, level=self.level + 1)
            yield name, left, top, half, inner.address

    def of(self, category: str) -> "Window":
        return replace(self, category=category)

    def around(self, x: float, y: float) -> "Window":
        """Return a window close to a point, without a filter."""
        return Window(x, y, max(self.level, 3))._inside()

    def _inside(self) -> "Window":
        low, high = self.side / 2, SIDE - self.side / 2
        return replace(self, x=min(max(self.x, low), high), y=min(max(self.y, low), high))


@dataclass(frozen=True)
class Mark:
    """A product on the map: ``group`` is its shape and colour, ``apart`` is True for outliers."""

    key: str
    title: str
    category: str
    x: float
    y: float
    group: int
    apart: bool


@dataclass(frozen=True)
class Legend:
    """A group: its number, its number of products, and the address that shows only this group."""

    group: int
    name: str
    products: int
    address: str


class Picture:
    """The marks inside a window, and the legend of the whole map."""

    def __init__(self, drawn: CatalogueMap, window: Window) -> None:
        self.window = window
        self._points = drawn.points
        self._names = [str(category["name"]) for category in drawn.categories]
        self._apart = {int(outlier["row"]) for outlier in drawn.outliers}
        self._groups = self._grouped()
        counts = Counter(
            self._groups[number] for number in self._points["category"] if self._passes(number)
        )
        self._coloured = [name for name, _count in counts.most_common(COLOURED) if name]
        self._counts = counts

    def marks(self) -> list[Mark]:
        """Return the marks that pass the filter; outliers come last, so that they lie on top."""
        points = self._points
        marks = [
            self._mark(row)
            for row, (x, y) in enumerate(zip(points["x"], points["y"], strict=True))
            if self.window.shows(x, y) and self._passes(points["category"][row])
        ]
        return sorted(marks, key=lambda mark: (mark.apart, mark.group != OTHERS))

    def ghosts(self) -> list[tuple[float, float]]:
        """Return the positions of products that the filter leaves out."""
        points = self._points
        return [
            (x, y)
            for x, y, number in zip(points["x"], points["y"], points["category"], strict=True)
            if self.window.shows(x, y) and not self._passes(number)
        ]

    def legend(self) -> list[Legend]:
        """Return the legend of the whole map, or of the chosen category."""
        legend = [
            Legend(number, name, self._counts[name], self.window.of(name).address)
            for number, name in enumerate(self._coloured)
        ]
        total = sum(self._counts.values())
        if rest := total - sum(entry.products for entry in legend):
            others = len(self._counts.keys() - set(self._coloured) - {""})
            name = f"{others} other categories" if others else "without a category"
            legend.append(Legend(OTHERS, name, rest, ""))
        return legend

    def choices(self) -> list[tuple[str, int]]:
        """Return filter choices with their numbers of products: each level of the paths."""
        counts: Counter[str] = Counter()
        of_category = Counter(self._points["category"])
        for number, name in enumerate(self._names):
            levels = [level.strip() for level in name.split(LEVELS)]
            for depth in range(1, len(levels) + 1):
                counts[f" {LEVELS} ".join(levels[:depth])] += of_category[number]
        return sorted(counts.items())

    @property
    def radius(self) -> float:
        """Return the radius of a mark; it grows with each level, but less than distances."""
        share = MANY / max(1, min(MANY, len(self._points["key"])))
        return round(min(LARGEST, RADIUS * share**0.5) / 1.6**self.window.level, 2)

    def _mark(self, row: int) -> Mark:
        points, number = self._points, self._points["category"][row]
        group = self._groups[number]
        return Mark(
            points["key"][row],
            points["title"][row],
            self._names[number] if number >= 0 else "",
            points["x"][row],
            points["y"][row],
            self._coloured.index(group) if group in self._coloured else OTHERS,
            row in self._apart,
        )

    def _passes(self, number: int) -> bool:
        asked = self.window.category
        return not asked or (number >= 0 and is_within(self._names[number], asked))

    def _grouped(self) -> dict[int, str]:
        """Return the group of each category number, -1 → "".

        With many categories, the group is the first level of the path.
        """
        many = sum(map(self._passes, range(len(self._names)))) > COLOURED
        depth = len(self.window.category.split(LEVELS)) + 1 if self.window.category else 1
        return {-1: ""} | {
            number: LEVELS.join(name.split(LEVELS)[:depth]).strip() if many else name
            for number, name in enumerate(self._names)
        }


def is_within(path: str, above: str) -> bool:
    """Return True if ``path`` is ``above`` or a category below it."""
    levels = [level.strip() for level in path.split(LEVELS)]
    wanted = [level.strip() for level in above.split(LEVELS)]
    return levels[: len(wanted)] == wanted


def _number(text: str | None, otherwise: float, least: float, most: float) -> float:
    try:
        number = float(text or "")
    except ValueError:
        return otherwise
    return min(max(number, least), most) if number == number else otherwise  # NaN is not a number
