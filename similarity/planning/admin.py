"""Co-demand in the admin: related items of each item, as sentences, charts, a table and CSV."""

import csv
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import slugify

from similarity.admin.read_only import LookedAt
from similarity.planning.demand_chart import chart
from similarity.planning.demand_tables import COLUMNS
from similarity.planning.models import DemandSnapshot


class WarningsFilter(admin.SimpleListFilter):
    title = "warnings"
    parameter_name = "warned"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Any:
        return [("yes", "with a warning")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(warnings__gt=0) if self.value() == "yes" else queryset


@admin.register(DemandSnapshot)
class DemandSnapshotAdmin(LookedAt):
    """A read-only admin; ``manage.py similarity co-demand --all`` makes the snapshots."""

    list_display = ("title", "kind", "headline", "pairs", "warnings")
    list_filter = ("kind", WarningsFilter)
    search_fields = ("title", "item")
    list_per_page = 50
    show_full_result_count = False
    change_form_template = "admin/similarity_planning/demandsnapshot/report.html"

    class Media:
        css = {"all": ("similarity_planning/co_demand.css",)}

    def get_urls(self) -> list[URLPattern]:
        table = path(
            "<path:object_id>/csv/",
            self.admin_site.admin_view(self.csv_view),
            name="similarity_planning_demandsnapshot_csv",
        )
        return [table, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        snapshot: DemandSnapshot = kwargs["obj"]
        report = snapshot.report
        context |= {
            "title": f"Products that move with {snapshot.title}",
            "subtitle": None,
            "snapshot": snapshot,
            "report": report,
            "charts": [
                (partner["title"], partner["sentence"], chart(report["weeks"], partner))
                for partner in report["weeks"]["partners"]
            ],
            "csv_address": reverse(
                "admin:similarity_planning_demandsnapshot_csv",
                args=[quote(snapshot.pk)],
                current_app=self.admin_site.name,
            ),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def csv_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the table of one item as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        snapshot = self.get_object(request, unquote(object_id))
        if snapshot is None:
            raise Http404(f"There is no report {object_id!r}.")
        name = slugify(snapshot.title) or snapshot.pk
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="co-demand-{name}.csv"'
        writer = csv.writer(response)
        writer.writerow(COLUMNS)
        writer.writerows(snapshot.report["csv"])
        return response
