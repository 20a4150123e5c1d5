"""Draw the events of each day as stacked bars in SVG, without a plotting library."""

from collections.abc import Mapping, Sequence
from datetime import date

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from similarity.events.models import Kind

WIDTH, HEIGHT = 900, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 10, 26

#: Okabe and Ito's colours, told apart by the colour-blind. The table names every number besides.
COLOURS = {
    Kind.VIEW: "#0072b2",
    Kind.CLICK: "#56b4e9",
    Kind.ADD_TO_CART: "#e69f00",
    Kind.PURCHASE: "#009e73",
    Kind.SEARCH: "#999999",
    Kind.IMPRESSION: "#cccccc",
    Kind.LIKE: "#cc79a7",
    Kind.DISLIKE: "#d55e00",
    Kind.NOT_INTERESTED: "#000000",
}


def draw(days: Sequence[date], counts: Mapping[date, Mapping[int, int]]) -> SafeString:
    """Return a chart of the days, each a bar of the kinds from bottom to top."""
    top = nice_top(max([1, *(sum(counts.get(day, {}).values()) for day in days)]))
    bars = [bar for at, day in enumerate(days) for bar in _bars(at, day, days, counts, top)]
    return format_html(
        '<svg class="similarity-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        f"Events by day from {days[0]} to {days[-1]}; the table below has the numbers",
        _levels(top),
        format_html_join(
            "",
            '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"><title>{}</title></rect>',
            bars,
        ),
        _dates(days),
    )


def legend(kinds: Sequence[int]) -> SafeString:
    """Return the colour of each kind with its name."""
    return format_html_join(
        " ",
        '<span class="similarity-kind"><svg width="12" height="12" aria-hidden="true">'
        '<rect width="12" height="12" fill="{}"/></svg> {}</span>',
        ((COLOURS[Kind(kind)], Kind(kind).label) for kind in kinds),
    )


def nice_top(most: int) -> int:
    """Return a round number of at least ``most`` whose half is round too."""
    scale = 1
    while True:
        for step in (2, 4, 6, 10, 16):
            if step * scale >= most:
                return step * scale
        scale *= 10


def _bars(
    at: int,
    day: date,
    days: Sequence[date],
    counts: Mapping[date, Mapping[int, int]],
    top: int,
) -> list[tuple[float, float, float, float, str, str]]:
    wide, bars, below = (WIDTH - LEFT - RIGHT) / len(days), [], 0
    for kind in Kind:
        if events := counts.get(day, {}).get(kind, 0):
            y, foot = _y(below + events, top), _y(below, top)
            named = f"{day:%Y-%m-%d}: {events} × {kind.label}"
            x = round(LEFT + wide * (at + 0.1), 1)
            bars.append((x, y, round(0.8 * wide, 1), round(foot - y, 1), COLOURS[kind], named))
            below += events
    return bars


def _y(events: float, top: int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * events / top, 1)


def _levels(top: int) -> SafeString:
    return format_html_join(
        "",
        '<line x1="{}" x2="{}" y1="{}" y2="{}" class="similarity-level"/>'
        '<text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, f"{events:,.0f}")
            for events in (0, top / 2, top)
            for y in (_y(events, top),)
        ),
    )


def _dates(days: Sequence[date]) -> SafeString:
    """Return some ten dates below the bars."""
    wide, every = (WIDTH - LEFT - RIGHT) / len(days), -(-len(days) // 10)
    return format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (round(LEFT + wide * (at + 0.5), 1), HEIGHT - 8, f"{days[at]:%d %b}")
            for at in range(0, len(days), every)
        ),
    )
