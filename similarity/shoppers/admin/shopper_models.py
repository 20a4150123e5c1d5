"""Training runs in the admin: their figures and plots, and the model that answers."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

from similarity.admin.read_only import NotByHand
from similarity.exceptions import SimilarityError
from similarity.shoppers import promotion
from similarity.shoppers.admin import model_switching
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training import plots

Status = ShopperModel.Status

#: Splits in the figures of a run, and their headings.
SPLITS = {
    "leave_one_out": "The last product of each shopper, left out",
    "by_time": "The last tenth of the time",
}
_NOTHING = "–"


class Row(NamedTuple):
    """A model's measures on a split; ``own``: it is the model of this page."""

    name: str
    own: bool
    cells: list[str]


@admin.register(ShopperModel)
class ShopperModelAdmin(NotByHand):
    """A read-only admin; making a model live and rolling back need confirmation.

    The weights are never loaded.
    """

    list_display = (
        "name",
        "state",
        "learned_from",
        "ndcg",
        "beside",
        "erased",
        "created_at",
        "promoted_at",
    )
    list_display_links = ("name",)
    list_filter = ("kind", "status")
    actions = ("make_live", "roll_back")
    readonly_fields = (
        "config_text",
        "window_text",
        "figures_text",
        "curves_text",
        "weights_sha256",
        "erased",
        "created_at",
        "promoted_at",
        "retired_at",
    )
    fields = readonly_fields

    def get_urls(self) -> list[URLPattern]:
        plot = path(
            "<int:pk>/plot/<slug:plot>.png",
            self.admin_site.admin_view(self.plot_view),
            name="similarity_shoppers_shoppermodel_plot",
        )
        return [plot, *model_switching.urls(self), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShopperModel]:
        return super().get_queryset(request).defer("weights")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        kinds = [kind for kind in ShopperModel.Kind if promotion.model_before(kind)]
        context = {"may_change": self.has_change_permission(request), "kinds": kinds}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        model = self.get_object(request, object_id)
        context = self._described(request, model) if model is not None else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def plot_view(self, request: HttpRequest, pk: int, plot: str) -> HttpResponse:
        """Return a plot of the run as a PNG."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        model = self.get_object(request, str(pk))
        if model is None or plot not in plots.PLOTS:
            raise Http404(f"There is no plot {plot!r} of model {pk}.")
        try:
            return HttpResponse(plots.PLOTS[plot](model), content_type="image/png")
        except SimilarityError as error:
            raise Http404(str(error)) from error

    def _described(self, request: HttpRequest, model: ShopperModel) -> dict[str, Any]:
        """Return the context of a run's page, in addition to its fields."""
        return {
            "title": _name(model),
            "subtitle": None,
            "badge": _badge(model),
            "may_change": self.has_change_permission(request),
            "can_go_live": model_switching.can_go_live(model),
            "before": promotion.model_before(model.kind) if model.status == Status.LIVE else None,
            "decision": model.figures.get("decision"),
            "window": data_window(model),
            "splits": list(_splits(model)),
            "missing_split": model.figures.get("by_time_error"),
            "plots": list(_plots(model)),
            "can_draw": find_spec("matplotlib") is not None,
        }

    @admin.display(description="model", ordering="pk")
    def name(self, model: ShopperModel) -> str:
        return _name(model)

    @admin.display(description="state", ordering="status")
    def state(self, model: ShopperModel) -> str:
        return format_html("{} {}", _badge(model), model.error)

    @admin.display(description="learned from")
    def learned_from(self, model: ShopperModel) -> str:
        window = model.window
        events = f"{window['events']:,} events" if "events" in window else _NOTHING
        return f"{events} to {_day(window['last'])}" if window.get("last") else events

    @admin.display(description="NDCG@10")
    def ndcg(self, model: ShopperModel) -> str:
        return _ndcg(model.figures.get("leave_one_out", {}).get(model.kind))

    @admin.display(description="beside NDCG@10 of")
    def beside(self, model: ShopperModel) -> str:
        """Return the measure of the models that it had to beat."""
        measured = model.figures.get("leave_one_out", {})
        others = (f"{name} {_ndcg(its)}" for name, its in measured.items() if name != model.kind)
        return ", ".join(others) or _NOTHING

    @admin.display(description="config")
    def config_text(self, model: ShopperModel) -> str:
        return _indented(model.config)

    @admin.display(description="window")
    def window_text(self, model: ShopperModel) -> str:
        return _indented(model.window)

    @admin.display(description="figures")
    def figures_text(self, model: ShopperModel) -> str:
        return _indented(model.figures)

    @admin.display(description="curves")
    def curves_text(self, model: ShopperModel) -> str:
        return _indented(model.curves)

    @admin.action(description="Make selected model live", permissions=["change"])
    def make_live(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._asked(request, queryset, "make live", "make_live", "pk")

    @admin.action(description="Roll back the kind of selected model", permissions=["change"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._asked(request, queryset, "roll back", "rollback", "kind")

    def _asked(
        self, request: HttpRequest, queryset: QuerySet[Any], verb: str, view: str, key: str
    ) -> HttpResponse | None:
        """Lead to the page that asks for confirmation."""
        if queryset.count() != 1:
            messages.error(request, f"Select exactly one model to {verb}.")
            return None
        argument = getattr(queryset.get(), key)
        return HttpResponseRedirect(reverse(f"{model_switching.NAME}_{view}", args=[argument]))


def data_window(model: ShopperModel) -> str:
    """Return the days and numbers of the events that a model learned from."""
    window = model.window
    days = [_day(window[name]) for name in ("first", "last") if window.get(name)]
    counts = [
        f"{window[name]:,} {name}" for name in ("events", "shoppers", "items") if name in window
    ]
    return ", ".join([" to ".join(days), *counts] if days else counts) or _NOTHING


def _day(moment: str) -> str:
    parsed = parse_datetime(moment)
    return f"{parsed:%Y-%m-%d}" if parsed else moment


def _name(model: ShopperModel) -> str:
    return f"{model.get_kind_display()} model {model.pk}"


def _badge(model: ShopperModel) -> str:
    return format_html('<span class="similarity-state similarity-{0}">{0}</span>', model.status)


def _splits(model: ShopperModel) -> Iterator[tuple[str, list[Row]]]:
    """Yield a heading, and the measures of each model on that split, the best first."""
    for key, heading in SPLITS.items():
        measured = model.figures.get(key) or {}
        ordered = sorted(measured.items(), key=lambda one: -one[1].get("ndcg@10", 0))
        if ordered:
            yield heading, [Row(name, name == model.kind, _cells(its)) for name, its in ordered]


def _cells(measured: dict[str, float]) -> list[str]:
    """Return Recall and NDCG with their standard errors, and coverage."""
    cells = []
    for name in ("recall@10", "ndcg@10"):
        error = measured.get(f"{name}_error")
        spread = f" ± {error:.4f}" if error is not None else ""
        cells.append(f"{measured[name]:.4f}{spread}" if name in measured else _NOTHING)
    coverage = measured.get("coverage@10")
    return [*cells, _NOTHING if coverage is None else f"{coverage:.1%}"]


def _plots(model: ShopperModel) -> Iterator[tuple[str, str]]:
    """Yield the name of each plot that the run has figures for, and the plot in words."""
    for plot in plots.PLOTS:
        try:
            yield plot, plots.describe(model, plot)
        except SimilarityError:
            continue  # such a run has no such figures


def _ndcg(measured: dict[str, float] | None) -> str:
    value = (measured or {}).get("ndcg@10")
    return _NOTHING if value is None else f"{value:.4f}"


def _indented(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
