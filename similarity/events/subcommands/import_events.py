import zoneinfo
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.events.imports.files import open_events
from similarity.events.imports.importing import Fault, Imported, ImportRule, import_events
from similarity.management.command import ProgressBars, SimilarityCommand

#: Bad rows that are listed in the terminal; --bad-rows lists all.
LISTED = 20


class Command(SimilarityCommand):
    help = (
        "Read events of shoppers from CSV or Parquet: an export of GA4, the forms of REES46 and "
        "OTTO, or any columns that --column names. Visitors become shoppers under a pseudonym; "
        "user ids become users of the shop. A file that was imported adds nothing when it is "
        "imported again."
    )
    examples = """examples:
  manage.py similarity import-events ga4.parquet --consent-held
  manage.py similarity import-events log.csv.gz --consent-held --product-field sku
  manage.py similarity import-events log.csv --consent-held --column at=when --column visitor=who
"""
    if_interrupted = (
        "Stopped. Events imported so far are complete; run the same command again for the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=".csv, .csv.gz or .parquet")
        parser.add_argument(
            "--consent-held",
            action="store_true",
            help="required: all shoppers in the file consented to being remembered",
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="VALUE=NAME",
            help="the column of a value, for example at=event_time; may be repeated",
        )
        parser.add_argument("--product-field", default="pk", help="unique field (default: the key)")
        parser.add_argument("--user-field", default="pk", help="unique field (default: the key)")
        parser.add_argument("--time-zone", default="UTC", help="of times without one (UTC)")
        parser.add_argument("--bad-rows", type=Path, metavar="FILE", help="list all bad rows there")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["consent_held"]:
            raise CommandError(
                "Events may be kept only with consent: if the shop holds the consent of all "
                "shoppers in the file, say so by --consent-held."
            )
        columns = dict(map(_pair, options["column"]))
        zone = _zone(options["time_zone"])
        rule = ImportRule(zone, options["product_field"], options["user_field"])
        with (
            open_events(options["file"], columns) as source,
            _Faults(options["bad_rows"]) as faults,
            ProgressBars() as bars,
        ):
            done = import_events(source, rule, faults, bars)
        self._conclude(done, faults)

    def _conclude(self, done: Imported, faults: "_Faults") -> None:
        self.stdout.write(
            f"{done.rows} rows read: {done.added} events added, {done.present} were there before, "
            f"{done.unused} rows of kinds that are not kept, {done.faults.total()} bad rows."
        )
        for reason, times in done.faults.most_common():
            self.stdout.write(f"  {times} × {reason}")
        for fault in faults.listed:
            self.stderr.write(f"line {fault.line} {fault.reason}")
        if done.rows and not (done.added or done.present):
            raise CommandError("No event was imported.")


class _Faults:
    """Keeps the first bad rows, and writes all to a file if there is one."""

    def __init__(self, path: Path | None) -> None:
        self.listed: list[Fault] = []
        self._file = path.open("w", encoding="utf-8") if path else None

    def __enter__(self) -> "_Faults":
        return self

    def __exit__(self, *error: object) -> None:
        if self._file:
            self._file.close()

    def __call__(self, fault: Fault) -> None:
        if len(self.listed) < LISTED:
            self.listed.append(fault)
        if self._file:
            self._file.write(f"line {fault.line} {fault.reason}\n")


def _pair(text: str) -> tuple[str, str]:
    value, sign, name = text.partition("=")
    if not sign:
        raise CommandError(f"--column {text!r} has no '='; for example: --column at=event_time")
    return value, name


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        known = "give a name such as Europe/Berlin"
        raise CommandError(f"--time-zone {name!r} is not known; {known}.") from error
