"""Report the state of the counting of orders."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from similarity.orders.adapter import get_order_adapter
from similarity.orders.counting import runs, updating
from similarity.orders.counting.engine import CountingRule
from similarity.orders.models import CountRun, PendingOrder

#: Dead orders that a report lists.
DEAD_SHOWN = 5

#: If the last full count is older, the nightly count does not run.
STALE_DAYS = 2


def report() -> dict[str, Any] | None:
    """Return the plain report of orders for ``similarity status``; None without orders."""
    if get_order_adapter() is None:
        return None
    run, waiting = runs.last_run(), updating.waiting()
    counted = runs.figures()
    return {
        "outbox": {**waiting._asdict(), "lag_s": round(waiting.lag_s, 1)},
        "dead": _dead(),
        "orders": run.baskets if run else 0,
        "items": counted.items,
        "items_with_partners": counted.with_partners,
        "reference_day": run.reference_day.isoformat() if run else None,
        "full_at": run.full_at.isoformat() if run else None,
        "full_s": round(run.full_s, 1) if run else None,
        "hints": _hints(run, waiting.dead),
    }


def lines(orders: Mapping[str, Any]) -> list[str]:
    """Return the lines that ``similarity status`` prints for the report."""
    outbox = orders["outbox"]
    told = [
        f"Orders     {orders['orders']} counted, {orders['items']} items "
        f"({orders['items_with_partners']} with partners); last full count: "
        f"{orders['full_at'] or 'never'}",
        f"Outbox     of orders: {outbox['waiting']} waiting ({outbox['due']} due), "
        f"{outbox['dead']} dead, lag {outbox['lag_s']} s",
    ]
    told += [f"  dead     order {row['order']}: {row['error']}" for row in orders["dead"]]
    return told + [f"Do         {hint}" for hint in orders["hints"]]


def _dead() -> list[dict[str, str]]:
    rows = PendingOrder.objects.using(runs.alias()).dead().order_by("-available_at")
    return [{"order": row.order_key, "error": row.last_error} for row in rows[:DEAD_SHOWN]]


def _hints(run: CountRun | None, dead: int) -> list[str]:
    """Return actions that an operator should take now."""
    if run is None:
        return [
            "No orders were counted: start a worker, or run 'manage.py similarity count-orders'."
        ]
    hints = []
    if (timezone.now() - run.full_at).days >= STALE_DAYS:
        hints.append(
            f"The last full count was at {run.full_at:%Y-%m-%d %H:%M}: start celery beat "
            "with similarity.beat_schedule, or run 'manage.py similarity count-orders --full' "
            "each night."
        )
    now = CountingRule.from_settings()
    changed = [
        setting
        for setting, before, after in (
            ("HALF_LIFE_DAYS", run.half_life_days, now.half_life_days),
            ("WINDOW_DAYS", run.window_days, now.window_days),
            ("MAX_BASKET", run.max_basket, now.max_basket),
        )
        if before != after
    ]
    if changed:
        hints.append(
            f"{', '.join(changed)} changed since the last full count and takes effect with the "
            "next full count; 'manage.py similarity count-orders --full' applies it at once."
        )
    if dead:
        hints.append(
            f"{dead} changes of orders are dead; fix the cause and revive them in the admin, "
            "or run 'manage.py similarity count-orders --full'."
        )
    return hints
