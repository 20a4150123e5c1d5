import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.outbox import reconcile


class Command(SimilarityCommand):
    help = (
        "Compare the catalogue with its stored vectors, and let workers embed products that bulk "
        "changes, raw SQL or a lost message left stale or missing. No model runs here. An "
        "interrupted round is resumed."
    )
    examples = """examples:
  manage.py similarity reconcile                 a whole round, or the rest of one
  manage.py similarity reconcile --dry-run       only count what is stale, missing and orphaned
  manage.py similarity reconcile --rate 100      100 products a second at most
  manage.py similarity reconcile --budget 60     stop after a minute; the next call continues
"""
    if_interrupted = (
        "Stopped. 'manage.py similarity reconcile' resumes the round; --restart begins again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rate", type=float, metavar="N", help="most products a second")
        parser.add_argument("--budget", type=float, metavar="S", help="most seconds to run")
        parser.add_argument("--restart", action="store_true", help="begin a new round")
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        rate = reconcile.RATE if options["rate"] is None else options["rate"]
        if rate <= 0:
            raise CommandError(f"--rate is {rate:g}; give a number of products above 0.")
        with ProgressBars() as bars:
            report = reconcile.reconcile(
                rate=rate,
                budget_s=options["budget"],
                repair=not options["dry_run"],
                restart=options["restart"],
                progress=bars,
            )
        as_json = json.dumps(asdict(report), default=str)
        self.stdout.write(as_json if options["json"] else _text(report))


def _text(report: reconcile.ReconcileReport) -> str:
    begun = "" if report.finished else ", and the round is not finished: run it again to resume"
    return (
        f"{report.checked} products compared: {report.stale} stale, {report.missing} missing, "
        f"{report.orphaned} orphaned; {report.enqueued} enqueued, {report.deleted} deleted{begun}."
    )
