"""A filter by the state of rows that wait, for the outboxes' lists."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest


class StateFilter(admin.SimpleListFilter):
    """Derive it with ``labels`` (state → what people read) and :meth:`states`."""

    title = "state"
    parameter_name = "state"
    labels: Mapping[str, str] = {}

    def states(self) -> Mapping[str, QuerySet[Any]]:
        """State → the rows that are in it now."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Any:
        return list(self.labels.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        states = self.states()
        if value not in states:
            raise IncorrectLookupParameters
        return queryset.filter(pk__in=states[value].values("pk"))
