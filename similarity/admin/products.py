"""Actions on the host's own product pages: embed again what is selected, or all that match,
and show what is similar to one.

The first two only write the outbox and wake a worker; the page they lead to shows the progress.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.sites import all_sites
from django.core import checks
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from similarity import conf
from similarity.admin import preview
from similarity.exceptions import ConfigurationError
from similarity.models import PendingProduct
from similarity.outbox import draining


@admin.action(description="Re-embed selected products", permissions=["change"])
def reembed_selected(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponseRedirect:
    return _enqueue_and_show(model_admin, request, queryset)


@admin.action(
    description="Re-embed all products that match the filters (tick any one)",
    permissions=["change"],
)
def reembed_matching(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponseRedirect:
    matching = model_admin.get_changelist_instance(request).get_queryset(request)
    return _enqueue_and_show(model_admin, request, matching)


@admin.action(description="Show what is similar to the selected product", permissions=["view"])
def show_neighbours(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponseRedirect | None:
    if queryset.count() != 1:
        messages.error(request, "Select one product to see what is similar to it.")
        return None
    site = model_admin.admin_site
    return HttpResponseRedirect(preview.address_of(queryset.get(), site))


ACTIONS = (reembed_selected, reembed_matching, show_neighbours)


class ReembedMixin:
    """For a product admin that :func:`add_actions` does not reach, registered late, say."""

    def get_actions(self, request: HttpRequest, *location: Any, **options: Any) -> dict[str, Any]:
        """Return the class's own actions and the plugin's; Django 6.1 asks for a location."""
        actions = super().get_actions(request, *location, **options)  # type: ignore[misc]
        every = [self.get_action(action, *location, **options) for action in ACTIONS]  # type: ignore[attr-defined]
        own = [action for action in every if action]
        allowed = self._filter_actions_by_permissions(request, own)  # type: ignore[attr-defined]
        # A tuple before Django 6.1, and an object with a name since.
        named = {getattr(entry, "name", None) or entry[1]: entry for entry in allowed}
        return {**named, **actions} if actions else actions


def product_admins() -> list[admin.ModelAdmin]:
    """The product model's admin on each admin site it is registered with."""
    model = conf.product_model()
    return [site._registry[model] for site in all_sites if model in site._registry]


def add_actions() -> None:
    """Add the actions to each product admin; one whose ``actions`` is None wants none."""
    for model_admin in _without_actions():
        model_admin.actions = [*(model_admin.actions or ()), *ACTIONS]


def _without_actions() -> list[admin.ModelAdmin]:
    return [
        model_admin
        for model_admin in product_admins()
        if model_admin.actions is not None
        and not isinstance(model_admin, ReembedMixin)
        and not set(ACTIONS) & set(model_admin.actions)
    ]


@checks.register("similarity")
def check_actions(**kwargs: Any) -> list[checks.CheckMessage]:
    """A product admin that was registered after this module was imported."""
    try:
        without = _without_actions()
    except ConfigurationError:
        return []  # similarity.E001 or E002
    return [
        checks.Warning(
            f"{type(model_admin).__name__} has no action to re-embed products, for it was "
            "registered after the admin modules were imported.",
            hint="Register it in its app's admin module, or derive it from "
            "similarity.admin.ReembedMixin.",
            obj=type(model_admin),
            id="similarity.W043",
        )
        for model_admin in without
    ]


def _enqueue_and_show(
    model_admin: admin.ModelAdmin, request: HttpRequest, products: QuerySet[Any]
) -> HttpResponseRedirect:
    count = draining.enqueue(products.order_by(), force=True)
    messages.success(request, f"{count} product(s) will be embedded again.")
    site = model_admin.admin_site.name
    address = reverse("admin:similarity_pendingproduct_progress", current_app=site)
    total = PendingProduct.objects.waiting().count()
    return HttpResponseRedirect(f"{address}?of={total}")
