"""Learned rankers and hot queries in the admin, read-only."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from similarity.admin.read_only import LookedAt
from similarity.search.models import HotQuery, RankerVersion


@admin.register(RankerVersion)
class RankerVersionAdmin(LookedAt):
    """Learned rankers and their quality; ``similarity train-ranker`` makes them."""

    list_display = ("__str__", "status", "trained_on", "ndcg", "created_at", "promoted_at")
    list_filter = ("status",)
    fields = ("status", "trained_on", "figures_text", "sha256", "created_at", "promoted_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[RankerVersion]:
        return super().get_queryset(request).defer("artefact")

    @admin.display(description="trained on")
    def trained_on(self, ranker: RankerVersion) -> str:
        return str(ranker.figures.get("trained_on", ""))

    @admin.display(description="NDCG@10, of the blend")
    def ndcg(self, ranker: RankerVersion) -> str:
        told = ranker.figures.get("ndcg", {})
        means = [told.get(name, {}).get("ndcg") for name in ("learned", "blend")]
        return ", ".join("–" if mean is None else f"{mean:.4f}" for mean in means)

    @admin.display(description="figures")
    def figures_text(self, ranker: RankerVersion) -> str:
        return json.dumps(ranker.figures, indent=1)


@admin.register(HotQuery)
class HotQueryAdmin(LookedAt):
    """Frequent queries of shoppers; a deleted query is forgotten."""

    list_display = ("text", "asked", "asked_at")
    search_fields = ("text",)
    ordering = ("-asked", "text")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
