import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.extension import extensions
from similarity.management.command import SimilarityCommand
from similarity.operations import status


class Command(SimilarityCommand):
    help = (
        "Show the state of indexing: failing checks, products with vectors, the outbox and its "
        "lag, products that failed too often, versions and the progress of a build, workers, index "
        "sizes, and what to do next."
    )
    examples = """examples:
  manage.py similarity status
  manage.py similarity status --json | jq .outbox.lag_s
  manage.py similarity status --check || page-somebody
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, for monitoring")
        parser.add_argument("--check", action="store_true", help="exit with 1 if a check fails")

    def handle(self, *args: Any, **options: Any) -> None:
        report = status.report()
        if "products" in report:
            for extension in extensions():
                report |= extension.status()
        text = json.dumps(report, indent=1) if options["json"] else "\n".join(_lines(report))
        self.stdout.write(text)
        if options["check"] and not report["healthy"]:
            raise CommandError(_verdict(report))


def _lines(report: dict[str, Any]) -> list[str]:
    """Return the verdict, the checks behind it, the present state, and last the hints."""
    lines = [_verdict(report)]
    for name, check in report["health"].items():
        lines.append(f"{'ok ' if check['ok'] else 'BAD'}        {name}: {check['detail']}")
    if "products" in report:
        lines += ["", *_state_lines(report)]
    return lines + [f"Do         {hint}" for hint in report["hints"]]


def _verdict(report: dict[str, Any]) -> str:
    bad = [name for name, check in report["health"].items() if not check["ok"]]
    return f"Not healthy: {', '.join(bad)}." if bad else "Healthy."


def _state_lines(report: dict[str, Any]) -> list[str]:
    coverage, outbox = report["coverage"], report["outbox"]
    lines = [
        f"Products   {report['products']}, eligible {coverage['eligible']}, "
        f"of them with vectors {coverage['with_vectors']}",
        f"Outbox     {outbox['waiting']} waiting ({outbox['due']} due, {outbox['leased']} in work, "
        f"{outbox['backing_off']} backing off), {outbox['dead']} dead, lag {outbox['lag_s']} s",
        f"Vectors    {_size(report['table_bytes'])}",
    ]
    lines += [f"  dead     product {row['product']}: {row['error']}" for row in report["dead"]]
    if line := _inputs_line(report["inputs"]):
        lines.append(line)
    lines.append(_reconcile_line(report["reconcile"]))
    lines += [_version_line(version) for version in report["versions"]]
    if report["build_running"] and not any(version["building"] for version in report["versions"]):
        lines.append("Version    a new version has begun: its fusion is fitted on a sample")
    if report["rollback_to"]:
        lines.append(
            f"Roll back  to version {report['rollback_to']}: "
            "manage.py similarity promote --rollback"
        )
    lines += [f"Index      {name} {_size(size)}" for name, size in report["index_bytes"].items()]
    for extension in extensions():
        lines += extension.status_lines(report)
    return lines + [_worker_line(name, worker) for name, worker in report["workers"].items()]


def _inputs_line(figures: dict[str, int]) -> str:
    """Return products with an input that counts as absent, by kind; empty without any."""
    told = [
        f"{figures[kind]} with a {kind} that many unlike products share"
        for kind in ("photo", "title", "description")
        if figures[kind]
    ]
    if figures["unread"]:
        told.append(f"{figures['unread']} with a text that the model cannot read")
    return f"Absent     counts, in products: {', '.join(told)}" if told else ""


def _version_line(version: dict[str, Any]) -> str:
    dimensions = " ".join(f"{part}={d}" for part, d in version["dimensions"].items())
    wrong = [
        f"{column} {state}" for column, state in version["indexes"].items() if state != "valid"
    ]
    line = (
        f"Version    {version['id']} {version['status']}: {version['vectors']} products, "
        f"fitted on {version['fitted_on']}, {dimensions}"
    )
    if made := version["cells"]:
        line += f"; {made['cells']} cells, {made['churn']:.0%} placed since they were made"
    if version["building"]:
        return f"{line}; {version['building']['text']}"
    return f"{line}; no valid index: {', '.join(wrong)}" if wrong else line


def _worker_line(name: str, worker: dict[str, Any]) -> str:
    doing = f", {worker['doing']} {worker['done']} of {worker['total']}" if worker["doing"] else ""
    return f"Worker     {name} on {worker['device'] or 'no device yet'}{doing}"


def _reconcile_line(rounds: dict[str, Any]) -> str:
    """Return the findings of the last whole round, and the progress of the present round."""
    told = []
    if done := rounds["finished"]:
        told.append(
            f"{done['checked']} products compared until {done['updated_at']}: {done['stale']} "
            f"stale, {done['missing']} missing, {done['orphaned']} orphaned"
        )
    if running := rounds["running"]:
        told.append(f"a round is running, {running['checked']} products compared")
    return (
        f"Reconcile  {'; '.join(told) or 'no round yet; beat, or manage.py similarity reconcile'}"
    )


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
