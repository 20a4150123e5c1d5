"""Encoder versions in the admin: their figures, and which of them answers queries."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from similarity import conf
from similarity.admin import preview
from similarity.exceptions import SimilarityError
from similarity.indexing import indexes, retiring, versions
from similarity.models import EncoderVersion, ProductVectors

Status = EncoderVersion.Status


@admin.register(EncoderVersion)
class EncoderVersionAdmin(admin.ModelAdmin):
    """Read only; promoting and retiring ask first. The artefact itself is never loaded."""

    list_display = (
        "name",
        "status",
        "coverage",
        "fused_dimension",
        "weights_text",
        "fitted_on",
        "created_at",
        "promoted_at",
    )
    list_display_links = ("name",)
    list_filter = ("status",)
    actions = ("promote", "retire")
    readonly_fields = (
        "status",
        "coverage",
        "weights_text",
        "dimensions_text",
        "encoders_text",
        "blocks_text",
        "figures_text",
        "index_sizes",
        "fitted_on",
        "fusion_sha256",
        "created_at",
        "promoted_at",
    )
    fields = readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Before the model's own: ``neighbours/`` is no version's key."""
        view = partial(preview.neighbours_view, site=self.admin_site)
        neighbours = path(
            "neighbours/<path:key>/", self.admin_site.admin_view(view), name=preview.URL_NAME
        )
        return [neighbours, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EncoderVersion]:
        """Without the artefact, and with the counts that coverage is made of."""
        vectors = ProductVectors.objects.filter(version=OuterRef("pk"))
        products = conf.product_model()._base_manager.all()
        return (
            super()
            .get_queryset(request)
            .defer("fusion")
            .annotate(vector_count=_count(vectors), product_count=_count(products))
        )

    @admin.display(description="version", ordering="pk")
    def name(self, version: EncoderVersion) -> str:
        return f"Version {version.pk}"

    @admin.display(description="coverage", ordering="vector_count")
    def coverage(self, version: Any) -> str:
        """Products with vectors of this version, of all products."""
        count, total = version.vector_count, version.product_count
        return f"{count} of {total} ({100 * count // total} %)" if total else f"{count} of 0"

    @admin.display(description="dimensions")
    def fused_dimension(self, version: EncoderVersion) -> int | None:
        return version.dimensions.get("fused")

    @admin.display(description="weights")
    def weights_text(self, version: EncoderVersion) -> str:
        return ", ".join(f"{part} {share:.0%}" for part, share in version.weights.items()) or "–"

    @admin.display(description="dimensions")
    def dimensions_text(self, version: EncoderVersion) -> str:
        return ", ".join(f"{part} {size}" for part, size in version.dimensions.items()) or "–"

    @admin.display(description="encoders")
    def encoders_text(self, version: EncoderVersion) -> str:
        return _indented(version.encoders)

    @admin.display(description="blocks")
    def blocks_text(self, version: EncoderVersion) -> str:
        return _indented(version.blocks)

    @admin.display(description="figures")
    def figures_text(self, version: EncoderVersion) -> str:
        return _indented(version.figures)

    @admin.display(description="index sizes")
    def index_sizes(self, version: EncoderVersion) -> str:
        names = {indexes.index_name(version, column) for column in indexes.columns(version)}
        sizes = [
            (name, filesizeformat(size)) for name, size in indexes.sizes().items() if name in names
        ]
        return format_html_join(mark_safe("<br>"), "{}: {}", sizes) or "no index"

    @admin.action(description="Promote selected version", permissions=["change"])
    def promote(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if queryset.count() != 1:
            messages.error(request, "Select exactly one version to promote.")
            return None
        return self._confirmed(
            request, queryset, "promote", "will answer all queries", versions.promote
        )

    @admin.action(description="Retire selected versions", permissions=["change"])
    def retire(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if queryset.filter(status=Status.LIVE).exists():
            messages.error(request, "The live version answers queries; promote another one first.")
            return None
        return self._confirmed(
            request, queryset, "retire", "will no longer be kept up to date", retiring.retire
        )

    def _confirmed(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        action: str,
        consequence: str,
        change: Callable[[EncoderVersion], Any],
    ) -> HttpResponse | None:
        """Ask first; once confirmed, change each version and say how it went."""
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
    """The number of rows, as a subquery that is run inside the list's one query."""
    counted = (
        rows.order_by().annotate(one=Value(1)).values("one").annotate(count=Count("pk"))
    ).values("count")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _indented(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
