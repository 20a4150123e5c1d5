"""Events by day and kind in the admin: a chart, and a table of the same numbers."""

from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from similarity.admin.read_only import LookedAt
from similarity.catalog import times
from similarity.events import counting, partitions, status
from similarity.events.admin import day_chart
from similarity.events.models import EventDay, Kind

#: Choices of the number of days; the first is the usual one.
DAYS = (30, 7, 90, 365)


@admin.register(EventDay)
class EventDayAdmin(LookedAt):
    """Read-only numbers, which tell of no single shopper."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.get("days", "")
        length = int(asked) if asked in map(str, DAYS) else DAYS[0]
        using, today = partitions.alias(), times.today()
        counts = counting.read_days(today - timedelta(days=length - 1), today, using)
        of_today = counting.count_today(using)
        counts |= {} if of_today is None else {today: of_today}
        context = {
            **self.admin_site.each_context(request),
            "title": "Events by day",
            "opts": self.opts,
            "choices": [(days, days == length) for days in sorted(DAYS)],
            "unknown_today": of_today is None,
            "state": status.report(),
            **_shown([today - timedelta(days=back) for back in range(length)], counts),
        }
        return TemplateResponse(request, "admin/similarity_events/eventday/days.html", context)


def _shown(days: list[date], counts: dict[date, dict[int, int]]) -> dict[str, Any]:
    """Return the chart, its legend and its table; ``days`` begin with the latest."""
    kinds = [kind for kind in Kind if any(kind in counts.get(day, {}) for day in days)]
    rows = [
        (day, [counts[day].get(kind, 0) for kind in kinds], sum(counts[day].values()))
        for day in days
        if day in counts
    ]
    return {
        "chart": day_chart.draw(days[::-1], counts) if rows else "",
        "legend": day_chart.legend(kinds),
        "kinds": [kind.label for kind in kinds],
        "rows": rows,
    }
