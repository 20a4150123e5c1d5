"""A filter by the state of waiting rows in the lists of the outboxes."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest


class StateFilter(admin.SimpleListFilter):
    """A filter by state; derive it with ``labels`` (state → label) and :meth:`states`."""

    title = "state"
    parameter_name = "state"
    labels: Mapping[str, str] = {}

    def states(self) -> Mapping[str, QuerySet[Any]]:
        """Return state → the rows that are in it now."""
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
