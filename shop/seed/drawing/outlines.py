"""Outlines as lists of points, in units."""

import math
from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]


def path(start: Point, *steps: Sequence[float]) -> list[Point]:
    """Points along a path: a step of 2 numbers is a line, of 4 a quadratic Bézier curve, of
    6 a cubic one; each ends with where it goes."""
    points = [start]
    for step in steps:
        if len(step) == 2:
            points.append((step[0], step[1]))
            continue
        x0, y0 = points[-1]
        anchors = [(x0, y0), *zip(step[::2], step[1::2], strict=True)]
        points += [_bezier(anchors, at / 16) for at in range(1, 17)]
    return points


def _bezier(anchors: list[Point], at: float) -> Point:
    while len(anchors) > 1:
        anchors = [
            (ax + (bx - ax) * at, ay + (by - ay) * at) for (ax, ay), (bx, by) in pairwise(anchors)
        ]
    return anchors[0]


def mirror(points: Sequence[Point], axis: float = 500) -> list[Point]:
    """The points reflected left to right, in reverse order."""
    return [(2 * axis - x, y) for x, y in reversed(points)]


def both(points: Sequence[Point], axis: float = 500) -> list[Point]:
    """A closed outline from its right half, given from top to bottom."""
    return [*points, *mirror(points, axis)]


def oval(
    x: float, y: float, rx: float, ry: float | None = None, start: float = 0, end: float = 360
) -> list[Point]:
    """An ellipse or an arc of it; degrees run clockwise from the right."""
    ry = rx if ry is None else ry
    count = 56
    angles = [math.radians(start + (end - start) * at / count) for at in range(count + 1)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


def box(left: float, top: float, right: float, bottom: float, radius: float = 0) -> list[Point]:
    """A rectangle with round corners."""
    if radius <= 0:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    radius = min(radius, (right - left) / 2, (bottom - top) / 2)
    return [
        *oval(left + radius, top + radius, radius, start=180, end=270),
        *oval(right - radius, top + radius, radius, start=270, end=360),
        *oval(right - radius, bottom - radius, radius, start=0, end=90),
        *oval(left + radius, bottom - radius, radius, start=90, end=180),
    ]


def smooth(points: Sequence[Point], closed: bool = True) -> list[Point]:
    """A curve through all the points (Catmull-Rom)."""
    count = len(points)
    out: list[Point] = []
    for at in range(count if closed else count - 1):
        near = [
            points[i % count] if closed else points[min(max(i, 0), count - 1)]
            for i in range(at - 1, at + 3)
        ]
        out += [_catmull(near, step / 10) for step in range(10)]
    return out if closed else [*out, points[-1]]


def _catmull(near: list[Point], t: float) -> Point:
    def one(a: float, b: float, c: float, d: float) -> float:
        return 0.5 * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - a - 3 * c + d) * t**3
        )

    xs, ys = zip(*near, strict=True)
    return one(*xs), one(*ys)


def turned(points: Sequence[Point], degrees: float, about: Point) -> list[Point]:
    """The points rotated clockwise about one."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x0, y0 = about
    return [
        (x0 + (x - x0) * cos - (y - y0) * sin, y0 + (x - x0) * sin + (y - y0) * cos)
        for x, y in points
    ]


def moved(points: Sequence[Point], dx: float, dy: float) -> list[Point]:
    return [(x + dx, y + dy) for x, y in points]


def between(a: Point, b: Point, at: float) -> Point:
    return a[0] + (b[0] - a[0]) * at, a[1] + (b[1] - a[1]) * at
