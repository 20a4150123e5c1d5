"""Format the co-demand report as sentences, a text table and CSV."""

import csv
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from similarity.connections.csv_cells import inert_cell as _plain
from similarity.planning.demand_expectation import Expectation
from similarity.planning.demand_report import DemandPair, DemandReport

COLUMNS = (
    "if_sold_key",
    "if_sold",
    "expect_key",
    "expect",
    "lag_weeks",
    "correlation",
    "p_value",
    "units_sold",
    "within_weeks",
    "units_low",
    "units_expected",
    "units_high",
    "interval",
    "orders_together",
    "shoppers_together",
    "lift",
    "of_100_orders_low",
    "of_100_orders_expected",
    "of_100_orders_high",
    "short_weeks",
    "sold_in_short_weeks",
    "usual_in_short_weeks",
    "effect_p_value",
)
#: Maximum width of a name in the text table.
NAME_WIDTH = 34
HEADINGS = (
    "if this sells",
    "expect of this",
    "lag",
    "r",
    "when it sells",
    "expect",
    "orders (lift)",
    "of 100 orders",
    "while short",
)


def write_csv(report: DemandReport, file: TextIO) -> int:
    """Write a line for each pair under COLUMNS and return the number of lines."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    rows = [csv_row(report, pair) for pair in report.pairs]
    writer.writerows(rows)
    return len(rows)


def csv_row(report: DemandReport, pair: DemandPair) -> list[Any]:
    link, units, together, effect = pair.link, pair.units, pair.together, pair.stock_out
    return [
        *(text for item in (pair.first, pair.second) for text in _named(report, item)),
        *([link.lag, f"{link.correlation:.3f}", f"{link.p_value:.3g}"] if link else [""] * 3),
        *(
            [f"{units.sold:g}", units.weeks, *_bounds(units), f"{units.level:.0%}"]
            if units
            else [""] * 6
        ),
        *(
            [pair.partner.orders, pair.partner.shoppers, f"{pair.partner.lift:.2f}"]
            if pair.partner
            else [""] * 3
        ),
        *(_bounds(together) if together else [""] * 3),
        *(
            [effect.weeks, f"{effect.sold:g}", f"{effect.usual:.1f}", f"{effect.p_value:.3f}"]
            if effect
            else [""] * 4
        ),
    ]


def table(report: DemandReport) -> str:
    """Return the report as text: the data it is based on, a row per pair, and the warnings."""
    lines = [*summary(report), ""]
    if not report.pairs:
        lines.append(
            "No demand moves together beyond chance, and no pair is bought together often enough."
        )
    else:
        rows = [HEADINGS, *(_text_row(report, pair) for pair in report.pairs)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(HEADINGS))]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
    warnings = [text for pair in report.pairs if (text := warning(report, pair))]
    return "\n".join([*lines, *([""] if warnings else []), *warnings])


def summary(report: DemandReport) -> list[str]:
    """Return sentences about weeks and items, and about the reliability of the intervals."""
    sales, calibration = report.sales, report.calibration
    kinds = "categories" if report.kind == "category" else "products"
    told = f"Intervals should hold {calibration.level:.0%} of cases"
    if calibration.covered is None:
        told += "; the shop's past is too short to check their width."
    else:
        told += (
            " and have the width that the shop's own past requires; in the latest weeks they "
            f"would have held {calibration.covered:.0%} of {calibration.cases}."
        )
    span = f"from {sales.monday} to the week of {sales.mondays[-1]}"
    return [f"{len(sales.names)} {kinds} sold in {sales.weeks} weeks, {span}.", told]


def sentence(report: DemandReport, pair: DemandPair) -> str:
    """Return a sentence: "If Mug sells 100 (about 3 weeks), expect 23–31 of Plate", for example."""
    first, second = report.title(pair.first), report.title(pair.second)
    if pair.units:
        span = f"about {_weeks(pair.units.weeks)}"
        later = f", {_weeks(_lag(pair))} later" if _lag(pair) else ""
        return (
            f"If {first} sells {pair.units.sold:g} ({span}), "
            f"expect {interval(pair.units)} of {second}{later}."
        )
    if pair.together:
        return f"Of 100 orders with {first}, expect {interval(pair.together)} to hold {second}."
    return f"{first} and {second} are bought together."


def warning(report: DemandReport, pair: DemandPair) -> str:
    """Return the change in sales of the second item while the first was short, or ""."""
    effect = pair.stock_out
    if effect is None:
        return ""
    first, second = report.title(pair.first), report.title(pair.second)
    what = "less" if effect.change < 0 else "more"
    meaning = (
        "they sell together, or both were missing" if effect.change < 0 else "it may replace it"
    )
    return (
        f"Warning: in {_weeks(effect.weeks)} with almost no sales of {first} (usually "
        f"{effect.missed:.0f} a week) {second} sold {effect.sold:.0f} instead of "
        f"{effect.usual:.0f}, {abs(effect.change):.0%} {what}: {meaning}."
    )


def interval(expectation: Expectation) -> str:
    return f"{expectation.low:.0f}–{expectation.high:.0f}"


def cells(report: DemandReport, pair: DemandPair) -> Iterator[str]:
    """Yield the cells under HEADINGS."""
    link, partner, effect = pair.link, pair.partner, pair.stock_out
    yield report.title(pair.first)
    yield report.title(pair.second)
    yield _weeks(link.lag) if link and link.lag else "–"
    yield f"{link.correlation:+.2f}" if link else "–"
    yield f"{pair.units.sold:g} in {_weeks(pair.units.weeks)}" if pair.units else "–"
    yield interval(pair.units) if pair.units else "–"
    yield f"{partner.orders} ({partner.lift:.1f}×)" if partner else "–"
    yield interval(pair.together) if pair.together else "–"
    yield f"{effect.change:+.0%} in {_weeks(effect.weeks)}" if effect else "–"


def _text_row(report: DemandReport, pair: DemandPair) -> Sequence[str]:
    row = list(cells(report, pair))
    return [
        *(name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1] + "…" for name in row[:2]),
        *row[2:],
    ]


def _named(report: DemandReport, item: str) -> tuple[str, str]:
    members = report.sales.members.get(item, ())
    key = members[0] if members and report.kind == "product" else item
    return _plain(key), _plain(report.title(item))


def _bounds(expectation: Expectation) -> list[str]:
    return [f"{value:.1f}" for value in (expectation.low, expectation.expected, expectation.high)]


def _lag(pair: DemandPair) -> int:
    return pair.link.lag if pair.link else 0


def _weeks(many: int) -> str:
    return "1 week" if many == 1 else f"{many} weeks"
