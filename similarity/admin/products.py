"""Actions on the host's product pages: re-embed products, and show products similar to a product.

Re-embedding only writes to the outbox and wakes a worker. It redirects to the progress page.
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


@admin.action(description="Show products similar to the selected product", permissions=["view"])
def show_neighbours(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponseRedirect | None:
    if queryset.count() != 1:
        messages.error(request, "Select exactly one product to see similar products.")
        return None
    site = model_admin.admin_site
    return HttpResponseRedirect(preview.address_of(queryset.get(), site))


ACTIONS = (reembed_selected, reembed_matching, show_neighbours)


class ReembedMixin:
    """Adds the actions to a product admin that :func:`add_actions` misses, such as a late one."""

    def get_actions(self, request: HttpRequest, *location: Any, **options: Any) -> dict[str, Any]:
        """Return the class's own actions and the plugin's; Django 6.1 passes a location."""
        actions = super().get_actions(request, *location, **options)  # type: ignore[misc]
        every = [self.get_action(action, *location, **options) for action in ACTIONS]  # type: ignore[attr-defined]
        own = [action for action in every if action]
        allowed = self._filter_actions_by_permissions(request, own)  # type: ignore[attr-defined]
        # Before Django 6.1 this is a tuple, since then an object with a name.
        named = {getattr(entry, "name", None) or entry[1]: entry for entry in allowed}
        return {**named, **actions} if actions else actions


def product_admins() -> list[admin.ModelAdmin]:
    """Return the product model's admin on each admin site with the model."""
    model = conf.product_model()
    return [site._registry[model] for site in all_sites if model in site._registry]


def add_actions() -> None:
    """Add the actions to each product admin, except admins with ``actions = None``."""
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
    """Warn about product admins that were registered after the import of this module."""
    try:
        without = _without_actions()
    except ConfigurationError:
        return []  # similarity.E001 or E002
    return [
        checks.Warning(
            f"{type(model_admin).__name__} has no action to re-embed products, because it "
            "was registered after the admin modules were imported.",
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
