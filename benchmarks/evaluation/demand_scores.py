"""Format the figures of the co-demand evaluation as tables and as JSON."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from similarity.planning import forecast
from similarity.planning.demand_backtest import HORIZON
from similarity.planning.demand_expectation import LEVEL


class Score(NamedTuple):
    """Errors of a forecast over all items, origins and weeks ahead."""

    mae: float
    wape: float
    rmsse: float
    coverage: float | None


class Held(NamedTuple):
    """``share`` of ``cases`` in their interval; ``width`` is the interval's size over the sales."""

    what: str
    cases: int
    share: float
    width: float


@dataclass(frozen=True)
class DemandEvaluation:
    """Scores by forecast, over all items and items with partners, and coverage of intervals."""

    dataset: str
    items: int
    weeks: int
    origins: list[int]
    everything: dict[str, Score]
    with_partners: dict[str, Score]
    held: list[Held]
    #: For pairs whose sales move together: the error of Y's next weeks by Y alone, and with the
    #: known sales of the shop or of X in them.
    knowing: dict[str, float]
    #: Number of links found in the real sales, and in sales with shuffled weeks.
    links: dict[str, int]

    def text(self) -> str:
        head = (
            f"{self.dataset}: {self.weeks} whole weeks, {self.items} items; the next {HORIZON} "
            f"weeks as of weeks {', '.join(map(str, self.origins))}."
        )
        tables = [
            _table("All items", self.everything),
            _table("Items with partners", self.with_partners),
            _knowing_table(self.knowing),
            _held_table(self.held),
        ]
        links = ", ".join(f"{what} {many}" for what, many in self.links.items())
        note = (
            f"The season of seasonal naive is {forecast.SEASON_WEEKS} weeks: a yearly one needs "
            "more than a year of sales."
        )
        return "\n\n".join([head, *tables, f"Links told: {links}", note])

    def as_json(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "items": self.items,
            "weeks": self.weeks,
            "origins": self.origins,
            "all_items": {name: score._asdict() for name, score in self.everything.items()},
            "with_partners": {name: score._asdict() for name, score in self.with_partners.items()},
            "knowing_partner": self.knowing,
            "links": self.links,
            "intervals": [held._asdict() for held in self.held],
        }


def _table(title: str, rows: dict[str, Score]) -> str:
    lines = [f"{title:28}{'MAE':>8}{'WAPE':>8}{'RMSSE':>8}{'coverage':>10}"]
    for name, score in rows.items():
        covered = "" if score.coverage is None else f"{score.coverage:10.3f}"
        lines.append(f"{name:28}{score.mae:8.2f}{score.wape:8.3f}{score.rmsse:8.3f}{covered}")
    return "\n".join(lines)


def _knowing_table(knowing: dict[str, float]) -> str:
    return (
        f"Y in {HORIZON} weeks together, {knowing['pairs']:.0f} pairs that move together\n"
        f"{'WAPE by own history':28}{knowing['own history']:8.3f}\n"
        f"{'WAPE where the shop is known':28}{knowing['shop known']:8.3f}\n"
        f"{'WAPE where X is known':28}{knowing['X known']:8.3f}"
    )


def _held_table(rows: list[Held]) -> str:
    lines = [f"{f'Intervals of {LEVEL:.0%}':44}{'cases':>7}{'held':>8}{'width ÷ sold':>14}"]
    lines += [f"{row.what:44}{row.cases:7}{row.share:8.3f}{row.width:14.2f}" for row in rows]
    return "\n".join(lines)
