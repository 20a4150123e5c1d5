"""The map of the catalogue in the admin: the picture, its table and the outliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from similarity.admin import preview
from similarity.admin.cards import products_by_key
from similarity.admin.links import change_address
from similarity.admin.read_only import LookedAt
from similarity.catalog.adapter import get_adapter
from similarity.catalog.card import Card, card_of
from similarity.connections import wakeup
from similarity.insights import tasks
from similarity.insights.admin.map_picture import Picture, Window
from similarity.insights.models import CatalogueMap

#: Products listed below the picture, and outliers shown.
LISTED = 100
OUTLIERS = 60

#: Placeholder for a product's key in a preview address that is built once.
_PLACE = "0similarity0"


@dataclass(frozen=True)
class Apart:
    """An outlier as the page shows it; ``nearest`` are cards with the address of a preview."""

    card: Card
    key: str
    category: str
    suggested: str
    own: int
    theirs: int
    of: int
    usual: int  # percent
    preview: str
    change: str
    on_map: str
    nearest: Sequence[tuple[Card, str]]


@admin.register(CatalogueMap)
class CatalogueMapAdmin(LookedAt):
    """A read-only admin; ``manage.py similarity map`` or the button draws a new map by a worker."""

    list_display = ("made_at", "version", "shown", "products", "apart", "took_s")
    show_full_result_count = False
    list_per_page = 20

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs, before the model's own, because ``map/`` is not a key of a map."""
        wrap = self.admin_site.admin_view
        return [
            path("map/", wrap(self.latest_view), name="similarity_insights_cataloguemap_map"),
            path("draw/", wrap(self.draw_view), name="similarity_insights_cataloguemap_draw"),
            *super().get_urls(),
        ]

    @admin.display(description="products apart")
    def apart(self, drawn: CatalogueMap) -> int:
        return len(drawn.outliers)

    def latest_view(self, request: HttpRequest) -> HttpResponse:
        """Show the latest map, or how to draw the first map."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._page(request, CatalogueMap.objects.select_related("version").first())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a map from the list."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        drawn = self.get_object(request, unquote(object_id))
        if drawn is None:
            raise Http404(f"There is no map {object_id!r}.")
        return self._page(request, drawn)

    def draw_view(self, request: HttpRequest) -> HttpResponse:
        """Start a worker task for a new map."""
        if not self._may_draw(request):
            raise PermissionDenied
        if request.method == "POST":
            if wakeup.wake(tasks.map_catalogue.name, expires=3600):
                messages.success(
                    request,
                    "A worker is drawing a new map. It takes from a few seconds to two minutes; "
                    "then reload this page.",
                )
            else:
                messages.error(request, f"The broker {wakeup.broker()} does not answer.")
        return HttpResponseRedirect(self._address())

    def _page(self, request: HttpRequest, drawn: CatalogueMap | None) -> HttpResponse:
        window = Window.asked(request.GET)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Map of the catalogue",
            "opts": self.opts,
            "drawn": drawn,
            "may_draw": self._may_draw(request),
            "draw_address": reverse(
                "admin:similarity_insights_cataloguemap_draw", current_app=self.admin_site.name
            ),
            "window": window,
        }
        if drawn is not None:
            context |= self._shown(drawn, window)
        return TemplateResponse(request, "admin/similarity_insights/cataloguemap/map.html", context)

    def _shown(self, drawn: CatalogueMap, window: Window) -> dict[str, Any]:
        picture = Picture(drawn, window)
        marks = picture.marks()
        before, _place, after = self._preview(_PLACE).partition(_PLACE)
        return {
            "marks": [(mark, f"{before}{quote(mark.key)}{after}") for mark in marks],
            "listed": [(mark, f"{before}{quote(mark.key)}{after}") for mark in marks[-LISTED:]],
            "choices": picture.choices(),
            "ghosts": picture.ghosts(),
            "legend": picture.legend(),
            "radius": picture.radius,
            "box": " ".join(f"{value:g}" for value in window.box),
            "moves": window.moves(),
            "quarters": window.quarters(),
            "categories": [
                (_category(category), window.of(category["name"]).address)
                for category in drawn.categories
            ],
            "every_category": window.of("").address,
            "outliers": self._apart(drawn, window),
            "more_outliers": max(0, len(drawn.outliers) - OUTLIERS),
        }

    def _apart(self, drawn: CatalogueMap, window: Window) -> list[Apart]:
        """Return outliers whose products still exist; load all products at once."""
        outliers = drawn.outliers[:OUTLIERS]
        keys = {drawn.points["key"][outlier["row"]] for outlier in outliers}
        keys |= {key for outlier in outliers for key in outlier["nearest"]}
        products = products_by_key(keys)
        found = []
        for outlier in outliers:
            key = drawn.points["key"][outlier["row"]]
            if (product := products.get(key)) is not None:
                found.append(self._one_apart(drawn, outlier, product, products, window))
        return found

    def _one_apart(
        self,
        drawn: CatalogueMap,
        outlier: dict[str, Any],
        product: Model,
        products: dict[str, Model],
        window: Window,
    ) -> Apart:
        adapter, row = get_adapter(), outlier["row"]
        names = [category["name"] for category in drawn.categories]
        own, suggested = drawn.points["category"][row], outlier["suggested"]
        return Apart(
            card_of(adapter, product),
            str(product.pk),
            names[own] if own >= 0 else "",
            names[suggested] if suggested >= 0 else "",
            outlier["own"],
            outlier["theirs"],
            outlier["of"],
            round(100 * outlier["usual"]),
            self._preview(product.pk),
            change_address(type(product), product.pk, self.admin_site.name),
            window.around(drawn.points["x"][row], drawn.points["y"][row]).address,
            [
                (card_of(adapter, products[key]), self._preview(key))
                for key in outlier["nearest"]
                if key in products
            ],
        )

    def _preview(self, key: Any) -> str:
        return reverse(
            f"admin:{preview.URL_NAME}", args=[quote(key)], current_app=self.admin_site.name
        )

    def _address(self) -> str:
        return reverse(
            "admin:similarity_insights_cataloguemap_map", current_app=self.admin_site.name
        )

    def _may_draw(self, request: HttpRequest) -> bool:
        """Return True if the user may change products, because drawing keeps a worker busy."""
        options = get_adapter().model._meta
        return self.has_view_permission(request) and request.user.has_perm(
            f"{options.app_label}.change_{options.model_name}"
        )


def _category(category: dict[str, Any]) -> dict[str, Any]:
    """Return the category with the share of neighbours in it as a whole percentage."""
    share = category["together"]
    return {**category, "kept": None if share is None else round(100 * share)}
