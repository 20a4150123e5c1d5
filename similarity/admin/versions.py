"""Encoder versions in the admin: their figures, and the version that answers queries."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

from similarity import conf
from similarity.admin import preview, switching, version_facts
from similarity.admin.read_only import NotByHand
from similarity.exceptions import SimilarityError
from similarity.models import EncoderVersion, ProductVectors
from similarity.vectors import indexes
from similarity.vectors.fusions import every_version
from similarity.versions import build, lifecycle

Status = EncoderVersion.Status


@admin.register(EncoderVersion)
class EncoderVersionAdmin(NotByHand):
    """A read-only admin; promoting and retiring need confirmation.

    The artefact is never loaded.
    """

    list_display = (
        "name",
        "state",
        "coverage",
        "fused_dimension",
        "index_size",
        "created_at",
        "promoted_at",
    )
    list_display_links = ("name",)
    list_filter = (("status", admin.AllValuesFieldListFilter),)
    actions = ("promote", "retire")
    readonly_fields = (
        "encoders_text",
        "blocks_text",
        "figures_text",
        "progress_text",
        "fusion_sha256",
    )
    fields = readonly_fields

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs, before the model's own.

        The order matters because ``neighbours/`` is not the key of a version.
        """
        view = partial(preview.neighbours_view, site=self.admin_site)
        neighbours = path(
            "neighbours/<path:key>/", self.admin_site.admin_view(view), name=preview.URL_NAME
        )
        return [neighbours, *switching.urls(self), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        running = build.is_building()
        building = every_version().filter(status=Status.BUILDING)
        context = {
            "may_change": self.has_change_permission(request),
            "before": every_version().before_live(),
            "stopped": not running and building.exists(),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        context = self._told_of(request, version) if version is not None else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def _told_of(self, request: HttpRequest, version: EncoderVersion) -> dict[str, Any]:
        """Return the context of a version's page, in addition to its fields."""
        live = every_version().live()
        running = version.status == Status.BUILDING and build.is_building()
        done, total = (version.progress.get(name, 0) for name in ("done", "total"))
        compared = version.figures.get("quality") or {}
        return {
            "title": f"Version {version.pk}",
            "subtitle": None,
            "version": version,
            "badge": version_facts.badge(version),
            "live_pk": live.pk if live else None,
            "before": every_version().before_live(),
            "may_change": self.has_change_permission(request),
            "can_compare": live is not None
            and version.status in (Status.READY, Status.RETIRED)
            and version.pk != live.pk,
            "running": running,
            "building": version_facts.building_text(version, running=running),
            "error": version.progress.get("error", ""),
            "percent": 100 * done // total if total and version.status == Status.BUILDING else None,
            "lines": lifecycle.gate_of(version) if version.status != Status.BUILDING else [],
            "compared_at": parse_datetime(compared.get("at", "")),
            "sample": compared.get("sample"),
            "facts": version_facts.rows(version, live),
        }

    def get_queryset(self, request: HttpRequest) -> QuerySet[EncoderVersion]:
        """Return versions without the artefact, with the counts for coverage."""
        vectors = ProductVectors.objects.filter(version=OuterRef("pk"))
        products = conf.product_model()._base_manager.all()
        return (
            super()
            .get_queryset(request)
            .exclude(status=Status.ITEMS)
            .defer("fusion")
            .annotate(vector_count=_count(vectors), product_count=_count(products))
        )

    @admin.display(description="version", ordering="pk")
    def name(self, version: EncoderVersion) -> str:
        return f"Version {version.pk}"

    @admin.display(description="state", ordering="status")
    def state(self, version: EncoderVersion) -> str:
        running = version.status == Status.BUILDING and build.is_building()
        told = version_facts.building_text(version, running=running)
        return format_html("{} {}", version_facts.badge(version), told)

    @admin.display(description="coverage", ordering="vector_count")
    def coverage(self, version: Any) -> str:
        """Return the number and share of products with vectors of this version."""
        count, total = version.vector_count, version.product_count
        return f"{count:,} of {total:,} ({100 * count // total} %)" if total else f"{count} of 0"

    @admin.display(description="numbers")
    def fused_dimension(self, version: EncoderVersion) -> int | None:
        return version.dimensions.get("fused")

    @admin.display(description="indexes")
    def index_size(self, version: EncoderVersion) -> str:
        sizes = indexes.bytes_of(version, indexes.sizes()).values()
        return filesizeformat(sum(sizes)) if sizes else "no index"

    @admin.display(description="encoders")
    def encoders_text(self, version: EncoderVersion) -> str:
        return _indented(version.encoders)

    @admin.display(description="blocks")
    def blocks_text(self, version: EncoderVersion) -> str:
        return _indented(version.blocks)

    @admin.display(description="figures")
    def figures_text(self, version: EncoderVersion) -> str:
        return _indented(version.figures)

    @admin.display(description="building")
    def progress_text(self, version: EncoderVersion) -> str:
        return _indented(version.progress)

    @admin.action(description="Promote selected version", permissions=["change"])
    def promote(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if queryset.count() != 1:
            messages.error(request, "Select exactly one version to promote.")
            return None
        address = reverse("admin:similarity_encoderversion_promote", args=[queryset.get().pk])
        return HttpResponseRedirect(address)

    @admin.action(description="Retire selected versions", permissions=["change"])
    def retire(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if queryset.filter(status=Status.LIVE).exists():
            messages.error(
                request, "The live version answers queries; promote another version first."
            )
            return None
        return self._confirmed(
            request, queryset, "retire", "will no longer be updated", lifecycle.retire
        )

    def _confirmed(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        action: str,
        consequence: str,
        change: Callable[[EncoderVersion], Any],
    ) -> HttpResponse | None:
        """Ask for confirmation; then change each version and report the results."""
        chosen = list(queryset)
        if request.POST.get("confirmed") != "yes":
            context = {
                **self.admin_site.each_context(request),
                "title": f"{action.capitalize()} {', '.join(map(str, chosen))}?",
                "opts": self.opts,
                "versions": chosen,
                "action": action,
                "consequence": consequence,
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(
                request, "admin/similarity/encoderversion/confirm.html", context
            )
        for version in chosen:
            try:
                change(version)
            except SimilarityError as error:
                messages.error(request, str(error))
            else:
                self.log_change(request, version, f"{action.capitalize()}d.")
                messages.success(request, f"Version {version.pk}: {action}d.")
        return None


def _count(rows: QuerySet[Any]) -> Coalesce:
    """Return the number of rows, as a subquery within the list's single query."""
    counted = (
        rows.order_by().annotate(one=Value(1)).values("one").annotate(count=Count("pk"))
    ).values("count")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _indented(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
