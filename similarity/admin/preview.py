"""Staff preview of products similar to a product: photos, scores, shares and trial weights.

Sliders change the weights of the parts for this page only. Products that the filter of eligible
products removes are listed separately, so that staff see why a neighbour is missing.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from similarity.admin.links import change_address
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import Card, card_of, title_of
from similarity.exceptions import QueryError
from similarity.models import EncoderVersion
from similarity.similar import trace
from similarity.similar.hits import Hit, Reason
from similarity.similar.shelves import similar_to
from similarity.similar.within import key_of

#: Neighbours shown, and neighbours searched for products that the filter removed.
SHOWN = 12
LOOKED_THROUGH = 36

URL_NAME = "similarity_encoderversion_neighbours"


@dataclass(frozen=True)
class Neighbour:
    """A hit with its card and addresses for the page; ``shares`` are whole percentages."""

    hit: Hit
    card: Card
    address: str
    change_address: str

    @property
    def percent(self) -> float:
        return round(100 * self.hit.score, 1)

    @property
    def bar(self) -> list[tuple[str, float, float]]:
        """Return (reason, start, width) of the parts of a bar of width 100.

        The bar is an SVG, because a strict content security policy forbids style attributes.
        """
        ends = list(accumulate(100 * reason.share for reason in self.hit.reasons))
        return [
            (reason.name, round(end - 100 * reason.share, 2), round(100 * reason.share, 2))
            for reason, end in zip(self.hit.reasons, ends, strict=True)
        ]

    @property
    def shares(self) -> list[tuple[Reason, int]]:
        return [(reason, round(100 * reason.share)) for reason in self.hit.reasons]


class WeightsForm(forms.Form):
    """A form with a slider per part of the live version; unchanged sliders keep its weights."""

    def __init__(self, data: Any, version: EncoderVersion) -> None:
        super().__init__(data)
        self.own = {part: round(100 * share) for part, share in version.weights.items()}
        for part, share in self.own.items():
            self.fields[part] = forms.IntegerField(
                min_value=0,
                max_value=100,
                required=False,
                initial=share,
                widget=forms.NumberInput(attrs={"type": "range", "min": 0, "max": 100}),
            )

    def weights(self) -> dict[str, float] | None:
        """Return part → weight, or None if all sliders are unchanged or invalid."""
        if not self.is_valid():
            return None
        asked = {
            part: share if (value := self.cleaned_data.get(part)) is None else value
            for part, share in self.own.items()
        }
        return {part: float(value) for part, value in asked.items()} if asked != self.own else None


def address_of(product: Model, site: admin.AdminSite) -> str:
    """Return the address of a product's preview."""
    return reverse(f"admin:{URL_NAME}", args=[quote(product.pk)], current_app=site.name)


def neighbours_view(request: HttpRequest, key: str, site: admin.AdminSite) -> HttpResponse:
    """Show the page; 404 for an unknown product, 403 without the permission to view products."""
    adapter = get_adapter()
    options = adapter.model._meta
    if not request.user.has_perm(f"{options.app_label}.view_{options.model_name}") and (
        not request.user.has_perm(f"{options.app_label}.change_{options.model_name}")
    ):
        raise PermissionDenied
    product = _product(adapter, unquote(key))
    version = EncoderVersion.objects.defer("fusion").live()
    form = WeightsForm(request.GET or None, version) if version else None
    context = {
        **site.each_context(request),
        "title": f"Similar to {title_of(adapter, product)}",
        "opts": EncoderVersion._meta,
        "product_opts": options,
        "source": card_of(adapter, product),
        "change_address": change_address(type(product), product.pk, site.name),
        "version": version,
        "form": form,
        **_answers(product, form, adapter, site),
    }
    return TemplateResponse(request, "admin/similarity/encoderversion/neighbours.html", context)


def _answers(
    product: Model, form: WeightsForm | None, adapter: CatalogAdapter, site: admin.AdminSite
) -> dict[str, Any]:
    """Return the neighbours shown and removed by the filter, or the reason why there are none."""
    weights = form.weights() if form is not None and form.is_bound else None
    every = adapter.for_display(adapter.model._default_manager.all())
    eligible = adapter.for_display(adapter.eligible())
    try:
        with trace.trace_queries() as answered:
            shown = similar_to(product, SHOWN, within=eligible, weights=weights, explain=True)
        wider = similar_to(product, LOOKED_THROUGH, within=every, weights=weights, explain=True)
    except QueryError as error:  # all sliders are at zero
        return {"error": str(error), "neighbours": [], "removed": []}
    removed = _not_among(wider, eligible)
    return {
        "neighbours": [_neighbour(hit, adapter, site) for hit in shown],
        "removed": [_neighbour(hit, adapter, site) for hit in removed[:SHOWN]],
        "reweighted": weights is not None,
        "answered": [(query, 1000 * query.seconds) for query in answered],
    }


def _not_among(hits: list[Hit], eligible: QuerySet[Any]) -> list[Hit]:
    """Return hits that vectors found and that the filter removes."""
    found = [hit for hit in hits if hit.score > 0]
    keys = [hit.product.pk for hit in found if hit.product is not None]
    passing = set(eligible.order_by().filter(pk__in=keys).values_list("pk", flat=True))
    return [hit for hit in found if hit.product is not None and hit.product.pk not in passing]


def _neighbour(hit: Hit, adapter: CatalogAdapter, site: admin.AdminSite) -> Neighbour:
    product: Any = hit.product
    return Neighbour(
        hit,
        card_of(adapter, product),
        address_of(product, site),
        change_address(type(product), product.pk, site.name),
    )


def _product(adapter: CatalogAdapter, key: str) -> Model:
    try:
        found = adapter.model._default_manager.filter(pk=key_of(key)).first()
    except (QueryError, ValueError) as error:
        raise Http404(str(error)) from error
    if found is None:
        raise Http404(f"There is no product {key!r}.")
    return found
