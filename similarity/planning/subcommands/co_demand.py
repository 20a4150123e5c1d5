from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.planning.co_demand import all_reports, category_report, product_report, shop_sales
from similarity.planning.demand import WEEKS
from similarity.planning.demand_links import FALSE_SHARE, MAX_LAG, LinkRule
from similarity.planning.demand_plot import plot_png
from similarity.planning.demand_report import DemandQuestion, DemandReport
from similarity.planning.demand_snapshots import keep
from similarity.planning.demand_tables import table, write_csv

#: Rows that are printed; a CSV file contains all rows.
PRINTED = 40


class Command(SimilarityCommand):
    help = (
        "Find products whose demand moves together, for stock planning. The report compares "
        "weekly sales at several lags without the movement of the whole shop. It lists pairs "
        "bought together, expected sales of a product if another product sells, and the effect "
        "of a product that was out of stock."
    )
    examples = """examples:
  manage.py similarity co-demand --product 17               products that move with it
  manage.py similarity co-demand --product 17 --sells 250   if it sells 250, expect …
  manage.py similarity co-demand --category "Home > Lamps"  categories
  manage.py similarity co-demand --all                      all, stored for the admin
  manage.py similarity co-demand --all --csv reports/       CSV files of products and categories
  manage.py similarity co-demand --all --plot pairs.png     plot of the most certain pairs
"""
    if_interrupted = "Stopped; the previous reports are unchanged, and no file was written."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--product", metavar="KEY", help="primary key of a product")
        what.add_argument("--category", metavar="NAME", help="name of a category in the catalogue")
        what.add_argument("--all", action="store_true", help="all products, and all categories")
        parser.add_argument(
            "--csv", type=Path, metavar="DIR", help="write CSV files to this folder"
        )
        parser.add_argument("--plot", type=Path, metavar="FILE", help="write a PNG")
        parser.add_argument(
            "--sells", type=float, metavar="N", help="units of the product in the sentences"
        )
        parser.add_argument("--weeks", type=int, default=WEEKS, help=f"weeks of sales ({WEEKS})")
        parser.add_argument(
            "--max-lag", type=int, default=MAX_LAG, help=f"longest lag in weeks ({MAX_LAG})"
        )
        parser.add_argument(
            "--false-share",
            type=float,
            default=FALSE_SHARE,
            help=f"maximum expected share of false links ({FALSE_SHARE})",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="with --all: do not store reports for the admin"
        )
        parser.add_argument(
            "--limit", type=int, default=1000, help="maximum number of pairs (1000)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _require_sensible(options)
        rule = LinkRule(max_lag=options["max_lag"], false_share=options["false_share"])
        question = DemandQuestion(quantity=options["sells"], rule=rule, most_pairs=options["limit"])
        with ProgressBars() as bars:
            reports = _reports(question, options, bars)
        for report in reports:
            self._print(report)
            if options["all"] and not options["dry_run"]:
                self.stdout.write(f"Kept for the admin: {keep(report)} items.\n")
        if options["csv"]:
            self._write_csv(reports, options["csv"])
        if options["plot"]:
            _write(options["plot"], plot_png(reports[0]))
            self.stdout.write(f"Plot: {options['plot']}")

    def _print(self, report: DemandReport) -> None:
        self.stdout.write(table(replace(report, pairs=report.pairs[:PRINTED])))
        left = len(report.pairs) - PRINTED
        if left > 0:
            self.stdout.write(f"… and {left} more pairs; --csv DIR writes all.")
        self.stdout.write("")

    def _write_csv(self, reports: list[DemandReport], folder: Path) -> None:
        for report in reports:
            name = "categories" if report.kind == "category" else "products"
            path = folder / f"co_demand_{name}.csv"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with path.open("w", newline="", encoding="utf-8-sig") as file:
                    count = write_csv(report, file)
            except OSError as error:
                raise CommandError(f"{str(path)!r} cannot be written: {error}") from error
            self.stdout.write(f"{count} pairs: {path}")


def _reports(
    question: DemandQuestion, options: dict[str, Any], bars: ProgressBars
) -> list[DemandReport]:
    sales = shop_sales(options["weeks"])
    if options["product"] is not None:
        return [product_report(sales, question, product=options["product"], progress=bars)]
    if options["category"] is not None:
        return [category_report(sales, question, category=options["category"], progress=bars)]
    return list(all_reports(sales, question, bars))


def _require_sensible(options: dict[str, Any]) -> None:
    for name, least in (("weeks", 1), ("limit", 1)):
        if not least <= options[name] <= 100_000:
            raise CommandError(f"--{name} is {options[name]}; give a number from {least} up.")
    if options["sells"] is not None and not 0 < options["sells"] < 1e9:
        raise CommandError(f"--sells is {options['sells']:g}; give a number of units above 0.")


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CommandError(f"{str(path)!r} cannot be written: {error}") from error
