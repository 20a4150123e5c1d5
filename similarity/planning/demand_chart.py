"""Draw weekly sales of two items as SVG, without a plotting library."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 760, 190
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 10, 26
#: Two of Okabe and Ito's colours; dashes also distinguish the lines.
FIRST, SECOND = "#0072b2", "#d55e00"

#: Axis ends whose half is also a round number.
STEPS = (10, 16, 20, 30, 40, 60, 80)


def chart(weeks: dict[str, Any], partner: dict[str, Any]) -> SafeString:
    """Return a chart: the item's line, its partner's line dashed, and its short weeks in grey."""
    first, second = weeks["units"], partner["units"]
    top = nice_top(max([*first, *second, 1]))
    lines = (_line(first, top, FIRST, ""), _line(second, top, SECOND, "6 4"))
    return format_html(
        '<svg class="similarity-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        "{}{}{}{}</svg>",
        WIDTH,
        HEIGHT,
        f"Weekly units of {weeks['title']} and {partner['title']}",
        _short(weeks["short"], len(first)),
        _levels(top),
        _months(date.fromisoformat(weeks["monday"]), len(first)),
        format_html_join("", "{}", ((line,) for line in lines)),
    )


def nice_top(most: float) -> int:
    """Return the next round number of at least ``most``: 10, 16, 20, 30, 40, 60, 80, 100, 160 …"""
    scale = 1
    while True:
        for step in STEPS:
            if step * scale >= most:
                return step * scale
        scale *= 10


def _x(week: float, weeks: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * week / max(weeks - 1, 1), 1)


def _y(units: float, top: int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * units / top, 1)


def _line(units: Sequence[int], top: int, colour: str, dashes: str) -> SafeString:
    points = " ".join(f"{_x(at, len(units))},{_y(sold, top)}" for at, sold in enumerate(units))
    return format_html(
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}"/>',
        points,
        colour,
        dashes,
    )


def _short(short: Sequence[int], weeks: int) -> SafeString:
    half = (WIDTH - LEFT - RIGHT) / max(weeks - 1, 1) / 2
    return format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" fill="#999" opacity=".35"/>',
        (
            (round(_x(at, weeks) - half, 1), TOP, round(2 * half, 1), HEIGHT - TOP - BOTTOM)
            for at in short
        ),
    )


def _levels(top: int) -> SafeString:
    return format_html_join(
        "",
        '<line x1="{}" x2="{}" y1="{}" y2="{}" class="similarity-level"/>'
        '<text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, f"{units:g}")
            for units in (0, top / 2, top)
            for y in (_y(units, top),)
        ),
    )


def _months(monday: date, weeks: int) -> SafeString:
    """Return each month's name below its first week; skip months if there are many weeks."""
    days = [monday + timedelta(weeks=at) for at in range(weeks)]
    firsts = [at for at, day in enumerate(days) if day.day <= 7]
    every = -(-len(firsts) // 12) or 1
    return format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="middle">{}</text>',
        ((_x(at, weeks), HEIGHT - 8, _month(days[at], at == firsts[0])) for at in firsts[::every]),
    )


def _month(day: date, first: bool) -> str:
    return f"{day:%b %Y}" if first or day.month == 1 else f"{day:%b}"
