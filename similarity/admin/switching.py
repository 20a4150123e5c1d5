"""Confirmation pages for building, promoting and rolling back versions."""

import time
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from similarity.connections import wakeup
from similarity.exceptions import SimilarityError
from similarity.models import EncoderVersion
from similarity.vectors.fusions import every_version
from similarity.versions import build, gate, lifecycle

LIST = "admin:similarity_encoderversion_changelist"
_NO_BROKER = (
    "The broker accepted no message, so no worker will start: start the broker and try again, "
    "or run 'manage.py similarity {command}'."
)


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """Return the URLs ``build/``, ``rollback/``, ``ID/promote/`` and ``ID/compare/``.

    They need the permission to change versions.
    """

    def guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def checked(request: HttpRequest, **arguments: Any) -> HttpResponse:
            if not model_admin.has_change_permission(request):
                raise PermissionDenied
            return view(request, model_admin, **arguments)

        return model_admin.admin_site.admin_view(checked)

    name = "similarity_encoderversion_{}".format
    return [
        path("build/", guarded(build_view), name=name("build")),
        path("rollback/", guarded(rollback_view), name=name("rollback")),
        path("<int:pk>/promote/", guarded(promote_view), name=name("promote")),
        path("<int:pk>/compare/", guarded(compare_view), name=name("compare")),
    ]


def build_view(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """Ask a worker to build a version with the present settings."""
    if request.method != "POST":
        text = (
            "A worker fits a fusion with the present settings, embeds every product for it and "
            "builds its indexes, while the live version continues to serve. This takes as long "
            "as embedding the whole catalogue; the page of the version shows its progress. A "
            "stopped build resumes at the point where it stopped."
        )
        return _ask(request, model_admin, "Build a version?", text, "Yes, build")
    if build.is_building():
        messages.warning(request, "A version is already being built.")
    elif wakeup.wake(build.TASK, args=[time.time()]):
        messages.success(request, "The build starts as soon as a worker is free.")
    else:
        messages.error(request, _NO_BROKER.format(command="build"))
    return HttpResponseRedirect(reverse(LIST))


def promote_view(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> HttpResponse:
    """Show the quality comparison; then switch, by force only if staff ticked it."""
    version = _version(pk)
    force = request.POST.get("force") == "yes"
    if request.method == "POST":
        return _switched(
            request, model_admin, "promoted", lambda: lifecycle.promote(version, force=force)
        )
    return _ask(
        request,
        model_admin,
        f"Promote version {pk}?",
        "It will answer all queries. The version that is live now is kept, so that you can roll "
        "back.",
        "Yes, promote",
        version=version,
        lines=lifecycle.gate_of(version),
    )


def rollback_view(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """Roll back to the previous live version, after confirmation."""
    if request.method == "POST":
        return _switched(request, model_admin, "rolled back", lifecycle.rollback)
    before = every_version().before_live()
    if before is None:
        messages.error(request, "There is no earlier live version to roll back to.")
        return HttpResponseRedirect(reverse(LIST))
    return _ask(
        request,
        model_admin,
        f"Roll back to version {before.pk}?",
        "It will answer all queries again, immediately. Products that changed since then are "
        "embedded for it afterwards.",
        "Yes, roll back",
        version=before,
        lines=lifecycle.gate_of(before),
        back=True,
    )


@require_POST
def compare_view(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> HttpResponse:
    """Ask a worker to compare the version with the live version."""
    version = _version(pk)
    if wakeup.wake(build.COMPARE_TASK, args=[version.pk]):
        messages.success(
            request, "A worker is comparing the versions; reload this page in a few minutes."
        )
    else:
        messages.error(request, _NO_BROKER.format(command=f"promote {pk}"))
    return HttpResponseRedirect(reverse("admin:similarity_encoderversion_change", args=[pk]))


def _version(pk: int) -> EncoderVersion:
    try:
        return lifecycle.find(pk)
    except SimilarityError as error:
        raise Http404(str(error)) from error


def _switched(
    request: HttpRequest,
    model_admin: ModelAdmin,
    what: str,
    switch: Callable[[], EncoderVersion],
) -> HttpResponse:
    began = time.monotonic()
    try:
        version = switch()
    except SimilarityError as error:
        messages.error(request, str(error))
    else:
        taken_s = time.monotonic() - began
        model_admin.log_change(request, version, f"{what.capitalize()}.")
        messages.success(request, f"Version {version.pk} is live ({what} in {taken_s:.2f} s).")
    return HttpResponseRedirect(reverse(LIST))


def _ask(
    request: HttpRequest,
    model_admin: ModelAdmin,
    title: str,
    text: str,
    yes: str,
    **context: Any,
) -> HttpResponse:
    lines = context.get("lines", [])
    return TemplateResponse(
        request,
        "admin/similarity/encoderversion/ask.html",
        {
            **model_admin.admin_site.each_context(request),
            "opts": model_admin.opts,
            "title": title,
            "text": text,
            "yes": yes,
            "live_pk": every_version().live_key(),
            "refused": any(line.state == gate.REFUSED for line in lines),
            **context,
        },
    )
