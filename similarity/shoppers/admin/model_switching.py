"""Confirmation pages for making a model live and for rolling back."""

import time
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from similarity.exceptions import SimilarityError
from similarity.shoppers import promotion
from similarity.shoppers.models import ShopperModel

NAME = "admin:similarity_shoppers_shoppermodel"
LIST = f"{NAME}_changelist"


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """Return the URLs ``ID/make-live/`` and ``rollback/KIND/``, for those who may change models."""

    def guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def checked(request: HttpRequest, **arguments: Any) -> HttpResponse:
            if not model_admin.has_change_permission(request):
                raise PermissionDenied
            return view(request, model_admin, **arguments)

        return model_admin.admin_site.admin_view(checked)

    name = NAME.removeprefix("admin:")
    return [
        path("<int:pk>/make-live/", guarded(make_live_view), name=f"{name}_make_live"),
        path("rollback/<slug:kind>/", guarded(rollback_view), name=f"{name}_rollback"),
    ]


def can_go_live(model: ShopperModel) -> bool:
    """Return True for a retired model whose items' vectors are kept."""
    return model.status == ShopperModel.Status.RETIRED and model.items_id is not None


def make_live_view(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> HttpResponse:
    """Make a retired model live again, after confirmation."""
    model = model_admin.get_object(request, str(pk))
    if model is None:
        raise Http404(f"There is no model {pk}.")
    if request.method == "POST":
        return _switched(request, model_admin, "made live", lambda: promotion.make_live(model))
    if not can_go_live(model):
        messages.error(request, f"{model} cannot be made live; only a retired model that is kept.")
        return HttpResponseRedirect(reverse(LIST))
    return _ask(
        request,
        model_admin,
        title=f"Make {model} live?",
        text="It answers all personal shelves again, immediately. The model that is live now is "
        "kept.",
        yes="Yes, make it live",
    )


def rollback_view(request: HttpRequest, model_admin: ModelAdmin, kind: str) -> HttpResponse:
    """Roll back to the model that the live model of that kind replaced, after confirmation."""
    if kind not in ShopperModel.Kind.values:
        raise Http404(f"There is no kind of model {kind!r}.")
    if request.method == "POST":
        return _switched(request, model_admin, "rolled back", lambda: promotion.roll_back(kind))
    before = promotion.model_before(kind)
    if before is None:
        messages.error(request, f"There is no former {kind} model to roll back to.")
        return HttpResponseRedirect(reverse(LIST))
    return _ask(
        request,
        model_admin,
        title=f"Roll back to {kind} model {before.pk}?",
        text="It answers all personal shelves again, immediately. The model that is live now is "
        "kept, and can be made live again.",
        yes="Yes, roll back",
    )


def _switched(
    request: HttpRequest,
    model_admin: ModelAdmin,
    what: str,
    switch: Callable[[], ShopperModel],
) -> HttpResponse:
    began = time.monotonic()
    try:
        model = switch()
    except SimilarityError as error:
        messages.error(request, str(error))
    else:
        taken_s = time.monotonic() - began
        model_admin.log_change(request, model, f"{what.capitalize()}.")
        messages.success(
            request,
            f"{model.get_kind_display()} model {model.pk} is live ({what} in {taken_s:.2f} s).",
        )
    return HttpResponseRedirect(reverse(LIST))


def _ask(request: HttpRequest, model_admin: ModelAdmin, **context: Any) -> HttpResponse:
    return TemplateResponse(
        request,
        "admin/similarity/encoderversion/ask.html",
        {
            **model_admin.admin_site.each_context(request),
            "opts": model_admin.opts,
            **context,
        },
    )
