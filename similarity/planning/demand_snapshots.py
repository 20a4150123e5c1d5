"""Store reports for the admin, whose pages compute no reports and import no scipy or plots."""

from collections import defaultdict
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from similarity.planning.demand_report import DemandPair, DemandReport
from similarity.planning.demand_tables import HEADINGS, cells, csv_row, sentence, summary, warning
from similarity.planning.models import DemandSnapshot
from similarity.planning.shortage import short_weeks

#: Pairs stored per item, and partners whose weeks are drawn.
MOST_PAIRS = 50
DRAWN = 4


def keep(report: DemandReport) -> int:
    """Replace the stored report of this kind and return the number of items."""
    pairs_of: dict[str, list[DemandPair]] = defaultdict(list)
    for pair in report.pairs:
        pairs_of[pair.first].append(pair)
    now = timezone.now()
    rows = [
        DemandSnapshot(made_at=now, **_snapshot(report, item, pairs[:MOST_PAIRS]))
        for item, pairs in pairs_of.items()
    ]
    alias = router.db_for_write(DemandSnapshot)
    with transaction.atomic(using=alias):
        DemandSnapshot.objects.using(alias).filter(kind=report.kind).delete()
        DemandSnapshot.objects.using(alias).bulk_create(rows, batch_size=500)
    return len(rows)


def _snapshot(report: DemandReport, item: str, pairs: list[DemandPair]) -> dict[str, Any]:
    warnings = [text for pair in pairs if (text := warning(report, pair))]
    return {
        "kind": report.kind,
        "item": item[:500],
        "title": report.title(item)[:500],
        "pairs": len(pairs),
        "warnings": len(warnings),
        "p_value": min((pair.link.p_value for pair in pairs if pair.link), default=None),
        "headline": sentence(report, pairs[0]),
        "report": {
            "summary": summary(report),
            "headings": list(HEADINGS),
            "sentences": [sentence(report, pair) for pair in pairs],
            "rows": [list(cells(report, pair)) for pair in pairs],
            "csv": [csv_row(report, pair) for pair in pairs],
            "warnings": warnings,
            "weeks": _weeks(report, item, pairs),
        },
    }


def _weeks(report: DemandReport, item: str, pairs: list[DemandPair]) -> dict[str, Any]:
    """Return the data of a plot: first Monday, and weekly units of the item and its partners."""
    sales = report.sales
    short = short_weeks(sales.of(item), sales.traded)
    return {
        "monday": sales.monday.isoformat(),
        "title": report.title(item),
        "units": sales.of(item).tolist(),
        "short": [at for at, is_short in enumerate(short.tolist()) if is_short],
        "partners": [
            {
                "title": report.title(pair.second),
                "sentence": sentence(report, pair),
                "units": sales.of(pair.second).tolist(),
            }
            for pair in pairs[:DRAWN]
        ],
    }
