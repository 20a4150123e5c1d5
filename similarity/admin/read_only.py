"""Base classes for admins of rows that saves, workers and commands write."""

from typing import Any

from django.contrib import admin
from django.db import router
from django.db.models import QuerySet
from django.http import HttpRequest


class WhereWritten(admin.ModelAdmin):
    """An admin that reads from the write database, so that a page shows an action's effect."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(router.db_for_write(self.model))


class NotByHand(WhereWritten):
    """An admin without adding, deleting and editing; only actions and buttons change rows."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields or [field.name for field in self.model._meta.fields]


class LookedAt(NotByHand):
    """An admin for viewing only."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
