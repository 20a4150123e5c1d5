"""Shoppers in the admin: a coarse list, and single histories by a permission of its own.

A profile's number stands in no address, because addresses are logged: everything that concerns one
shopper is an action, whose form the browser sends in its body.
"""

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern

from similarity.admin.cards import products_by_key
from similarity.admin.read_only import NotByHand
from similarity.catalog import times
from similarity.catalog.adapter import get_adapter
from similarity.catalog.card import title_of
from similarity.events import erasure, partitions
from similarity.events.models import Event, Kind, Profile

#: Events of a history that a page shows; an export holds all.
SHOWN = 200
#: Shoppers that are erased at once.
MOST_ERASED = 100


class SignedInFilter(admin.SimpleListFilter):
    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Any:
        return [("yes", "signed in"), ("no", "anonymous")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(user__isnull=self.value() == "no")
        return queryset


@admin.register(Profile)
class ProfileAdmin(NotByHand):
    """A list of who consented, without names; the actions need ``view_history`` or ``delete``."""

    list_display = ("account", "consent_month")
    list_display_links = None
    list_filter = (SignedInFilter,)
    ordering = ("pk",)  # a random number, so the list tells nothing of the order of consents
    list_per_page = 50
    show_full_result_count = False
    actions = ("show_history", "export", "erase")

    def get_urls(self) -> list[URLPattern]:
        """Return only the list's address; all others would hold a profile's number."""
        return [url for url in super().get_urls() if str(url.name).endswith("_changelist")]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Let only those who may see a history look for an account."""
        name = get_user_model().USERNAME_FIELD
        return (f"=user__{name}",) if self.has_history_permission(request) else ()

    def has_history_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("similarity_events.view_history")

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("similarity_events.delete_profile")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse an action without its permission, which Django only leaves out of the menu."""
        action = request.POST.get("action")
        if action in ("show_history", "export") and not self.has_history_permission(request):
            raise PermissionDenied
        if action == "erase" and not self.has_erase_permission(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    @admin.display(description="account", ordering="user")
    def account(self, profile: Profile) -> str:
        return "signed in" if profile.user_id else "anonymous"

    @admin.display(description="consent since")
    def consent_month(self, profile: Profile) -> str:
        return f"{times.shown(profile.consented_at):%Y-%m}"

    @admin.action(description="Show history of the selected shopper", permissions=["history"])
    def show_history(self, request: HttpRequest, queryset: QuerySet[Profile]) -> Any:
        profile = self._single(request, queryset)
        if profile is None:
            return None
        log(request, profile, CHANGE, "Looked at the history of this shopper.")
        context = {
            **self.admin_site.each_context(request),
            "title": "History of a shopper",
            "opts": self.opts,
            "profile": profile,
            "consent_month": self.consent_month(profile),
            "events": _events(profile),
            "most": SHOWN,
        }
        page = "admin/similarity_events/profile/history.html"
        return TemplateResponse(request, page, context)

    @admin.action(description="Export all data of the selected shopper", permissions=["history"])
    def export(self, request: HttpRequest, queryset: QuerySet[Profile]) -> Any:
        profile = self._single(request, queryset)
        if profile is None:
            return None
        log(request, profile, CHANGE, "Exported the history of this shopper.")
        name = {"Content-Disposition": 'attachment; filename="shopper.json"'}
        return HttpResponse(
            json.dumps(erasure.export(profile), indent=1, ensure_ascii=False),
            content_type="application/json",
            headers=name,
        )

    @admin.action(description="Erase the selected shoppers", permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Profile]) -> Any:
        profiles = list(queryset.select_related("user")[: MOST_ERASED + 1])
        if len(profiles) > MOST_ERASED:
            messages.error(request, f"Select at most {MOST_ERASED} shoppers at once.")
            return None
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": "Erase shoppers",
                "opts": self.opts,
                "profiles": profiles,
            }
            page = "admin/similarity_events/profile/erase.html"
            return TemplateResponse(request, page, context)
        events = 0
        for profile in profiles:
            events += erasure.erase(profile)
            log(request, profile, DELETION, "Erased everything that was kept of this shopper.")
        messages.success(request, f"{len(profiles)} shopper(s) and {events} event(s) erased.")
        return None

    def _single(self, request: HttpRequest, queryset: QuerySet[Profile]) -> Profile | None:
        found = list(queryset.select_related("user")[:2])
        if len(found) == 1:
            return found[0]
        messages.error(request, "Select one shopper: each look at a history is logged.")
        return None


def log(request: HttpRequest, profile: Profile, flag: int, message: str) -> None:
    """Log what staff did in Django's own log, by the account; it never names a profile."""
    subject: Any = profile.user or profile
    staff: Any = request.user
    LogEntry.objects.create(
        user=staff,
        content_type=ContentType.objects.get_for_model(subject),
        object_id=str(profile.user.pk) if profile.user else None,
        object_repr=str(subject)[:200],
        action_flag=flag,
        change_message=message,
    )


def _events(profile: Profile) -> list[dict[str, Any]]:
    rows = Event.objects.using(partitions.alias()).filter(profile_id=profile.pk)
    events = list(rows.order_by("-at")[:SHOWN])
    adapter = get_adapter()
    products = products_by_key({str(event.product_id) for event in events})
    titles = {key: title_of(adapter, product) for key, product in products.items()}
    return [
        {
            "at": event.at,
            "kind": Kind(event.kind).label,
            "product": titles.get(str(event.product_id), f"{event.product_id} (deleted)"),
            "quantity": event.quantity,
            "source": "shop" if event.by_server else "browser",
        }
        for event in events
    ]
