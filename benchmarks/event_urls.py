"""The shop's addresses and ``plain/``: events as a developer without the plugin would keep them."""

import json
from typing import Any

from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from shop.urls import urlpatterns as of_the_shop


class PlainEvent(models.Model):
    """A row of the plain table: no consent, no bounds, no key, no partition."""

    visitor = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    product = models.BigIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "shop"
        db_table = "benchmark_plainevent"
        managed = False

    def __str__(self) -> str:
        return f"{self.kind} {self.product}"


def make_table() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(PlainEvent)


@csrf_exempt
def plain(request: HttpRequest) -> HttpResponse:
    visitor = request.COOKIES.get("visitor", "")
    events: list[dict[str, Any]] = json.loads(request.body)["events"]
    PlainEvent.objects.bulk_create(
        [PlainEvent(visitor=visitor, kind=one["type"], product=one["product"]) for one in events]
    )
    return HttpResponse(status=202)


urlpatterns = [path("plain/", plain), *of_the_shop]
