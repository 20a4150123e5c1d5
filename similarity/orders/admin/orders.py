"""Changed orders in the admin: rows that wait to be counted, and dead rows with their errors."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from similarity.admin.links import change_link
from similarity.admin.read_only import NotByHand
from similarity.admin.states import StateFilter
from similarity.connections import wakeup
from similarity.exceptions import ConfigurationError
from similarity.orders.adapter import get_order_adapter
from similarity.orders.counting import runs
from similarity.orders.models import PendingOrder


class OrderStateFilter(StateFilter):
    labels = {
        "due": "due now",
        "later": "waiting for another attempt",
        "dead": "given up",
    }

    def states(self) -> Mapping[str, QuerySet[Any]]:
        rows = PendingOrder.objects
        return {
            "due": rows.due(),
            "later": rows.waiting().exclude(pk__in=rows.due().values("pk")),
            "dead": rows.dead(),
        }


@admin.register(PendingOrder)
class PendingOrderAdmin(NotByHand):
    """A read-only admin with an action to revive.

    Deleting a row by hand would lose a change.
    """

    list_display = ("order", "state", "attempts", "available_at", "error", "created_at")
    list_filter = (OrderStateFilter,)
    search_fields = ("order_key", "last_error")
    search_help_text = "Order key, or words from the error."
    ordering = ("available_at", "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("revive",)

    @admin.display(description="order", ordering="order_key")
    def order(self, row: PendingOrder) -> str:
        """Return the key, as a link to the order's admin page if there is such a page."""
        try:
            adapter = get_order_adapter()
            if adapter is None:
                return row.order_key
            return change_link(adapter.model, row.order_key, self.admin_site.name)
        except ConfigurationError:
            return row.order_key

    @admin.display(description="state")
    def state(self, row: PendingOrder) -> str:
        if row.dead:
            return "given up"
        return "due now" if row.available_at <= timezone.now() else "waiting for another attempt"

    @admin.display(description="last error")
    def error(self, row: PendingOrder) -> str:
        return row.last_error[:120] or "–"

    @admin.action(description="Revive selected rows that were given up", permissions=["change"])
    def revive(self, request: HttpRequest, queryset: Any) -> None:
        revived = queryset.revive()
        wakeup.on_commit(runs.alias(), runs.TASK)
        messages.success(request, f"{revived} change(s) of orders will be counted again.")
