"""Synonyms in the admin: words that shoppers use for one another."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from similarity.admin.read_only import WhereWritten
from similarity.search import synonyms
from similarity.search.models import Synonym


@admin.register(Synonym)
class SynonymAdmin(WhereWritten):
    """Synonyms; a committed change takes effect with the next query."""

    list_display = ("terms", "direction", "active", "note", "changed_at")
    list_filter = ("active",)
    search_fields = ("terms", "only_from", "note")
    search_help_text = "A word of the terms or of the note."
    actions = ("switch_on", "switch_off")

    @admin.display(description="direction")
    def direction(self, synonym: Synonym) -> str:
        return f"only from {synonym.only_from}" if synonym.only_from else "both ways"

    def save_model(self, request: HttpRequest, obj: Synonym, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        synonyms.forget_on_commit()

    def delete_model(self, request: HttpRequest, obj: Synonym) -> None:
        super().delete_model(request, obj)
        synonyms.forget_on_commit()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        synonyms.forget_on_commit()

    @admin.action(description="Switch selected synonyms on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._switch(request, queryset, active=True)

    @admin.action(description="Switch selected synonyms off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._switch(request, queryset, active=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Any], *, active: bool) -> None:
        count = queryset.update(active=active)
        synonyms.forget_on_commit()
        messages.success(request, f"{count} synonym(s) switched {'on' if active else 'off'}.")
