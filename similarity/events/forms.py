"""Buttons that work without JavaScript: a form that records an opinion and leads back."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from similarity.events.models import Kind
from similarity.events.recording import record

#: What a shopper may say by a form. A page itself records all else.
OPINIONS = (Kind.LIKE, Kind.DISLIKE, Kind.NOT_INTERESTED)


@never_cache
@csrf_protect
@require_POST
def record_opinion(request: HttpRequest) -> HttpResponse:
    """Record ``type`` (like, dislike, not_interested) of ``product``; go back to ``next``."""
    kinds = {kind.name.lower(): kind for kind in OPINIONS}
    kind = kinds.get(request.POST.get("type", ""))
    product: Any = request.POST.get("product")
    if kind is not None and product:
        record(request, kind, product, token=request.POST.get("token", "")[:200])
    page = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(page if safe else "/")
