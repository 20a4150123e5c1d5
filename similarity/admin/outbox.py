"""The outbox in the admin: rows that wait, rows that a worker holds, and dead rows with errors."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from similarity import conf
from similarity.admin.links import change_link
from similarity.admin.read_only import NotByHand
from similarity.admin.states import StateFilter
from similarity.catalog import times
from similarity.connections import wakeup
from similarity.models import PendingProduct, leases
from similarity.operations import backlog

#: Seconds between reloads of the progress page.
REFRESH_S = 2


#: Characters shown of an error's first line in the list.
SHOWN = 80

#: State in :func:`similarity.operations.backlog.outbox` → label, and the value of the filter for
#: it.
LABELS = {
    "due": "due now",
    "leased": "held by a worker",
    "backing_off": "waiting for another attempt",
    "dead": "given up",
}
STATES = {"due": "due", "leased": "leased", "backing_off": "later", "dead": "dead"}


class ProductStateFilter(StateFilter):
    labels = {STATES[state]: label for state, label in LABELS.items()}

    def states(self) -> Mapping[str, QuerySet[Any]]:
        now = timezone.now()
        rows = PendingProduct.objects
        return {
            "due": rows.due(),
            "leased": rows.filter(dead=False, lease_until__gte=now),
            "later": rows.filter(dead=False, lease_until=None, available_at__gt=now),
            "dead": rows.dead(),
        }


class AgeFilter(admin.SimpleListFilter):
    """A filter by the time since the product changed."""

    title = "age"
    parameter_name = "age"
    spans: Mapping[str, tuple[str, timedelta]] = {
        "minute": ("over a minute", timedelta(minutes=1)),
        "quarter": ("over 15 minutes", timedelta(minutes=15)),
        "hour": ("over an hour", timedelta(hours=1)),
        "day": ("over a day", timedelta(days=1)),
    }

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Any:
        return [(name, label) for name, (label, _span) in self.spans.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in self.spans:
            raise IncorrectLookupParameters
        return queryset.filter(created_at__lt=Now() - self.spans[value][1])


@admin.register(PendingProduct)
class PendingProductAdmin(NotByHand):
    """A read-only admin with actions to retry and to give up.

    Deleting a row by hand would lose an update.
    """

    list_display = (
        "product",
        "state",
        "age",
        "attempts",
        "workers_killed",
        "next_attempt",
        "error",
    )
    readonly_fields = tuple(
        "workers_killed" if field.name == "kills" else field.name
        for field in PendingProduct._meta.fields
    )
    list_filter = (ProductStateFilter, AgeFilter, "force")
    change_list_template = "admin/similarity/pendingproduct/change_list.html"
    search_fields = ("product_key", "last_error")
    search_help_text = "Product key, or words from the error."
    ordering = ("available_at", "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("retry", "give_up")

    class Media:
        css = {"all": ("similarity/outbox.css",)}

    def get_urls(self) -> list[URLPattern]:
        progress = path(
            "progress/",
            self.admin_site.admin_view(self.progress_view),
            name="similarity_pendingproduct_progress",
        )
        return [progress, *super().get_urls()]

    @admin.display(description="product", ordering="product_key")
    def product(self, row: PendingProduct) -> str:
        """Return the key, as a link to the product's admin page if there is such a page."""
        return change_link(conf.product_model(), row.product_key, self.admin_site.name)

    @admin.display(description="state")
    def state(self, row: PendingProduct) -> str:
        now = timezone.now()
        if row.dead:
            return "given up"
        if row.lease_until and row.lease_until >= now:
            return "held by a worker"
        return "due now" if row.available_at <= now else "waiting for another attempt"

    @admin.display(description="changed", ordering="created_at")
    def age(self, row: PendingProduct) -> SafeString:
        """Return how long ago the product changed, with the exact time as a tooltip."""
        return _since(row.created_at)

    @admin.display(description="workers killed", ordering="kills")
    def workers_killed(self, row: PendingProduct) -> str:
        """Return how many workers died or lost their lease with it, and the maximum."""
        return f"{row.kills} of {leases.MAX_KILLS}" if row.kills else "–"

    @admin.display(description="next attempt", ordering="available_at")
    def next_attempt(self, row: PendingProduct) -> str:
        if row.dead:
            return "none"
        wait_s = (row.available_at - timezone.now()).total_seconds()
        return f"in {duration(wait_s)}" if wait_s > 0 else "now"

    @admin.display(description="last error")
    def error(self, row: PendingProduct) -> str:
        """Return the first line of the error; the full text unfolds."""
        first, _line, rest = row.last_error.partition("\n")
        if not row.last_error:
            return "–"
        if len(first) <= SHOWN and not rest:
            return first
        return format_html(
            '<details class="similarity-error"><summary>{}</summary><pre>{}</pre></details>',
            first if len(first) <= SHOWN else f"{first[:SHOWN]}…",
            row.last_error,
        )

    @admin.action(description="Try selected products again now", permissions=["change"])
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        tried = queryset.retry()
        wakeup.on_commit(PendingProduct.objects.write_alias)
        messages.success(request, f"{tried} product(s) will be tried again now.")

    @admin.action(description="Give selected products up", permissions=["change"])
    def give_up(self, request: HttpRequest, queryset: Any) -> None:
        """Give up the products; their vectors stay until a retry or the next change."""
        chosen = queryset.filter(dead=False).count()
        given = queryset.give_up(f"Given up by {request.user.get_username()}.")
        messages.success(request, f"{given} product(s) given up.")
        if given < chosen:
            messages.warning(
                request,
                f"A worker holds {chosen - given} of the selected products; try again later.",
            )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the number of rows in each state above it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        waiting = backlog.outbox()
        summary = {
            "states": [
                (label, STATES[state], waiting.states[state], state == "dead")
                for state, label in LABELS.items()
            ],
            "exact": backlog.EXACT,
            "lag": duration(waiting.lag_s),
            "late": waiting.lag_s > conf.get("MONITORING", "MAX_LAG_S"),
            "oldest": duration(waiting.oldest_s),
        }
        title = "Products waiting to be embedded"
        context = {"title": title, "summary": summary, **(extra_context or {})}
        return super().changelist_view(request, context)

    def progress_view(self, request: HttpRequest) -> HttpResponse:
        """Show the progress of the outbox; the page reloads until the outbox is empty."""
        if not self._may_see_progress(request):
            raise PermissionDenied
        waiting = PendingProduct.objects.waiting().count()
        asked = request.GET.get("of", "")
        total = max(int(asked) if asked.isdecimal() and len(asked) < 10 else 0, waiting)
        context = {
            **self.admin_site.each_context(request),
            "title": "Embedding products",
            "opts": self.opts,
            "waiting": waiting,
            "total": total,
            "done": total - waiting,
            "percent": 100 * (total - waiting) // total if total else 100,
            "dead": PendingProduct.objects.dead().count(),
            "refresh_s": REFRESH_S if waiting else None,
        }
        return TemplateResponse(request, "admin/similarity/pendingproduct/progress.html", context)

    def _may_see_progress(self, request: HttpRequest) -> bool:
        """Return True if the user may view the outbox or re-embed products."""
        options = conf.product_model()._meta
        return self.has_view_permission(request) or request.user.has_perm(
            f"{options.app_label}.change_{options.model_name}"
        )


def duration(seconds: float) -> str:
    """Return ``12 s``, ``3 min``, ``5 h`` or ``2 days``, a single figure to show in a list."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _since(moment: datetime) -> SafeString:
    age_s = max(0.0, (timezone.now() - moment).total_seconds())
    local = times.shown(moment)
    return format_html(
        '<time datetime="{}" title="{}">{} ago</time>',
        local.isoformat(timespec="seconds"),
        f"{local:%Y-%m-%d %H:%M:%S}",
        duration(age_s),
    )
