"""Plot the co-demand report: weekly sales of the most certain pairs, and a scatter plot each.

Only this module imports matplotlib, and only when it draws a picture. matplotlib comes with the
extra ``reports``.
"""

from io import BytesIO
from typing import Any

import numpy as np

from similarity.exceptions import ConfigurationError
from similarity.planning.demand import WEEK
from similarity.planning.demand_backtest import series_of
from similarity.planning.demand_expectation import line_through
from similarity.planning.demand_report import DemandPair, DemandReport
from similarity.planning.demand_tables import sentence
from similarity.planning.shortage import short_weeks

#: Maximum number of pairs drawn, one below the other.
MOST_PAIRS = 5
#: Two of Okabe and Ito's colours, distinct for the colour-blind and by lightness in grey.
FIRST, SECOND = "#0072B2", "#D55E00"
INK, GRID, SHORT = "#333333", "#DDDDDD", "#BBBBBB"


def plot_png(report: DemandReport, width_px: int = 1300) -> bytes:
    """Return a PNG of up to MOST_PAIRS pairs with a link, the most certain first.

    A sentence above each pair describes it. Raises :class:`ConfigurationError` if matplotlib is not
    installed.
    """
    figure_class, canvas_class = _matplotlib()
    pairs = _without_mirrors(report)[:MOST_PAIRS]
    rows = max(len(pairs), 1)
    dpi = 100
    figure = figure_class(figsize=(width_px / dpi, 0.5 + 2.7 * rows), dpi=dpi, layout="constrained")
    canvas_class(figure)
    if not pairs:
        figure.text(0.5, 0.5, "No demand moves together beyond chance.", ha="center", color=INK)
    parts = figure.subfigures(rows, 1, squeeze=False)[:, 0]
    for part, pair in zip(parts, pairs, strict=False):
        part.suptitle(sentence(report, pair), x=0.01, ha="left", fontsize=11, color=INK)
        weeks, scatter = part.subplots(1, 2, width_ratios=(3, 1))
        _draw_weeks(weeks, report, pair)
        _draw_scatter(scatter, report, pair)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _matplotlib() -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            f"Plots need matplotlib, which cannot be imported ({error}); "
            "install it with: pip install 'django-similarity[reports]'"
        ) from error
    return Figure, FigureCanvasAgg


def _without_mirrors(report: DemandReport) -> list[DemandPair]:
    """Return pairs with a link, each once, because A and B look the same as B and A."""
    seen: set[frozenset[str]] = set()
    pairs = []
    for pair in report.pairs:
        names = frozenset((pair.first, pair.second))
        if pair.link and pair.units and names not in seen:
            seen.add(names)
            pairs.append(pair)
    return pairs


def _draw_weeks(axes: Any, report: DemandReport, pair: DemandPair) -> None:
    sales = report.sales
    for item, colour, style, marker in (
        (pair.first, FIRST, "-", "o"),
        (pair.second, SECOND, "--", "s"),
    ):
        label = _short(report.title(item), 34)
        axes.plot(
            sales.mondays, sales.of(item), style, color=colour, marker=marker, ms=3.5, label=label
        )
    told: str | None = f"short of {_short(report.title(pair.first), 24)}"
    for at in np.nonzero(short_weeks(sales.of(pair.first), sales.traded))[0].tolist():
        around = (sales.mondays[at] - WEEK / 2, sales.mondays[at] + WEEK / 2)
        axes.axvspan(*around, color=SHORT, alpha=0.6, lw=0, label=told)
        told = None  # a single entry in the legend
    axes.set_ylim(bottom=0)
    axes.set_ylabel("units a week", color=INK)
    # Place it above the lines, which would hide it at their peaks.
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=9, ncols=3)
    axes.margins(x=0.01)
    _plain_axes(axes)
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _draw_scatter(axes: Any, report: DemandReport, pair: DemandPair) -> None:
    if pair.link is None:
        return
    x, y = series_of(report.sales, pair.link)
    axes.scatter(x, y, s=18, color=FIRST, alpha=0.6, linewidths=0)
    if x.std() > 0:
        slope, base = line_through(x, y)
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, base + slope * ends, color=SECOND, lw=1.5)
    lag = f", {pair.link.lag} weeks later" if pair.link.lag else ""
    axes.set_xlabel(_short(report.title(pair.first), 30), color=INK, fontsize=9)
    axes.set_ylabel(_short(report.title(pair.second), 22) + lag, color=INK, fontsize=9)
    axes.set_title(
        f"r = {pair.link.correlation:+.2f} without the common movement", fontsize=9, color=INK
    )
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    _plain_axes(axes)


def _plain_axes(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=INK)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
