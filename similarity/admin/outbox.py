"""The outbox in the admin: what waits, what a worker holds, what was given up, and why."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from similarity import conf
from similarity.admin.links import change_link
from similarity.admin.states import StateFilter
from similarity.connections import wakeup
from similarity.models import PendingProduct

#: Seconds after which the progress page loads itself again.
REFRESH_S = 2


class ProductStateFilter(StateFilter):
    labels = {
        "due": "due now",
        "leased": "held by a worker",
        "later": "waiting for another attempt",
        "dead": "given up",
    }

    def states(self) -> Mapping[str, QuerySet[Any]]:
        now = timezone.now()
        rows = PendingProduct.objects
        return {
            "due": rows.due(),
            "leased": rows.filter(dead=False, lease_until__gte=now),
            "later": rows.filter(dead=False, lease_until=None, available_at__gt=now),
            "dead": rows.dead(),
        }


@admin.register(PendingProduct)
class PendingProductAdmin(admin.ModelAdmin):
    """Read only, but for reviving: a row deleted by hand would be an update lost."""

    list_display = (
        "product",
        "state",
        "generation",
        "force",
        "attempts",
        "available_at",
        "lease_until",
        "error",
        "created_at",
    )
    list_filter = (ProductStateFilter, "force")
    search_fields = ("product_key", "last_error")
    search_help_text = "Product key, or words of the error."
    ordering = ("available_at", "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("revive",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in PendingProduct._meta.fields]

    def get_urls(self) -> list[URLPattern]:
        progress = path(
            "progress/",
            self.admin_site.admin_view(self.progress_view),
            name="similarity_pendingproduct_progress",
        )
        return [progress, *super().get_urls()]

    @admin.display(description="product", ordering="product_key")
    def product(self, row: PendingProduct) -> str:
        """The key, as a link to the product's own page where the admin has one."""
        return change_link(conf.product_model(), row.product_key, self.admin_site.name)

    @admin.display(description="state")
    def state(self, row: PendingProduct) -> str:
        now = timezone.now()
        if row.dead:
            return "given up"
        if row.lease_until and row.lease_until >= now:
            return "held by a worker"
        return "due now" if row.available_at <= now else "waiting for another attempt"

    @admin.display(description="last error")
    def error(self, row: PendingProduct) -> str:
        return row.last_error[:120] or "–"

    @admin.action(description="Revive selected rows that were given up", permissions=["change"])
    def revive(self, request: HttpRequest, queryset: Any) -> None:
        revived = queryset.revive()
        wakeup.on_commit(PendingProduct.objects.write_alias)
        messages.success(request, f"{revived} product(s) will be tried again.")

    def progress_view(self, request: HttpRequest) -> HttpResponse:
        """How much of the outbox is done, reloading itself until it is empty."""
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
        """Those who see the outbox, and those who may re-embed products."""
        options = conf.product_model()._meta
        return self.has_view_permission(request) or request.user.has_perm(
            f"{options.app_label}.change_{options.model_name}"
        )
