"""``manage.py import_catalog``: products and photos from a CSV, TSV or XML file."""

import argparse
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from shop.feeds import mapping
from shop.feeds.importer import Importer, ImportOptions
from shop.feeds.money import parse_price
from shop.feeds.product import FeedError, RowRefused
from shop.feeds.report import ImportReport
from shop.feeds.writer import WriteOptions

EXAMPLES = """
examples:
  manage.py import_catalog feed.tsv --images photos
      a Google Merchant feed, detected by its columns; photos found by the ends of their paths
  manage.py import_catalog products_export.csv.gz --dry-run --report refused.csv
      show the changes of a Shopify export, and every row that would be refused
  manage.py import_catalog stock.csv --mapping stock.toml --deactivate-missing
      your own columns; products missing from the file are taken off sale

Products are identified by their SKU, so a second run writes only changes. A row that cannot be
imported is reported, and the import continues. The command downloads no files and deletes no
products. docs/import.md explains the mapping file.

exit status: 0 done, even with refused rows; 1 no row could be imported; 130 stopped by Ctrl-C
"""


class Command(BaseCommand):
    help = (
        "Import products and photos from a CSV, TSV or XML file, plain or gzipped: a Google "
        "Merchant product feed, an export of Shopify, WooCommerce or Magento, or any other by a "
        "mapping file."
    )

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(*args, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the file: .csv, .tsv, .txt, .xml, also as .gz")
        parser.add_argument(
            "--images",
            type=Path,
            metavar="FOLDER",
            help="folder of the photos (default: the folder of the file)",
        )
        parser.add_argument(
            "--format",
            choices=["auto", *mapping.known(), "mapping"],
            default="auto",
            help="meaning of the columns (default: detected by their names)",
        )
        parser.add_argument(
            "--mapping",
            type=Path,
            metavar="FILE",
            help="TOML or JSON that names the column of each field",
        )
        parser.add_argument("--encoding", default="", help="if it is not detected, or wrongly")
        parser.add_argument("--limit", type=_positive, metavar="N", help="stop after N products")
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="CSV of every refused row, cell and image"
        )
        parser.add_argument("--dry-run", action="store_true", help="write nothing, report all")
        parser.add_argument(
            "--deactivate-missing",
            action="store_true",
            help="take products off sale that are not in the file, put back those that are",
        )
        parser.add_argument(
            "--default-stock",
            type=_whole,
            default=25,
            metavar="N",
            help="stock of new products without stock in the file (default: 25)",
        )
        parser.add_argument(
            "--default-price",
            type=_price,
            metavar="PRICE",
            help="price of new products without one (default: they are refused)",
        )
        parser.add_argument(
            "--currency",
            type=_currency,
            help="currency of prices without a currency (default: EUR for new products)",
        )

    def handle(self, **options: Any) -> None:
        if options["format"] == "mapping" and not options["mapping"]:
            raise CommandError("--format mapping needs --mapping FILE.")
        if options["deactivate_missing"] and options["limit"]:
            raise CommandError("--deactivate-missing needs the whole file; leave out --limit.")
        try:
            with ImportReport(options["report"]) as report:
                self._import(_import_options(options), report, options["verbosity"])
        except FeedError as error:
            raise CommandError(str(error)) from error

    def _import(self, options: ImportOptions, report: ImportReport, verbosity: int) -> None:
        importer = Importer(options, report)
        try:
            # disable=None draws no bar where the output is not a terminal.
            with tqdm(
                total=options.path.stat().st_size if options.path.is_file() else 0,
                unit="B",
                unit_scale=True,
                desc=options.path.name,
                disable=None if verbosity else True,
            ) as bar:
                importer.run(lambda position: bar.update(position - bar.n))
        except KeyboardInterrupt as interrupt:
            raise CommandError(
                f"Stopped. The rows up to line {report.line} are imported; "
                "run the same command again to go on.",
                returncode=130,
            ) from interrupt
        finally:
            if options.write.dry_run:
                self.stdout.write("Dry run: nothing was written.")
            if report.imported or report.shown:
                self.stdout.write("\n".join(report.lines()))


def _import_options(options: dict[str, Any]) -> ImportOptions:
    same = ("path", "images", "format", "mapping", "encoding", "limit", "deactivate_missing")
    write = WriteOptions(
        default_stock=options["default_stock"],
        default_price=options["default_price"],
        currency=options["currency"] or "",
        activate=options["deactivate_missing"],
        dry_run=options["dry_run"],
    )
    return ImportOptions(**{name: options[name] for name in same}, write=write)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _price(text: str) -> Decimal:
    try:
        price = parse_price(text)
    except RowRefused as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if price is None:
        raise argparse.ArgumentTypeError("is empty")
    return price.amount


def _currency(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a code such as EUR")
    return text.upper()
