"""Bundles in the admin: proposals from orders, and the decisions of staff."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from similarity.admin.links import change_address
from similarity.admin.read_only import WhereWritten
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import card_of
from similarity.exceptions import BundleError
from similarity.orders.bundles import publishing
from similarity.orders.bundles.bundle_contents import Contents, contents_of
from similarity.orders.bundles.itemsets import FEWEST_ITEMS
from similarity.orders.bundles.pricing import suggested_price
from similarity.orders.models import Bundle

#: Maximum number of products that staff may put into a bundle.
MOST_PRODUCTS = 8


class ProductKeysField(forms.CharField):
    """A field of product keys, one per line; its value is a list of text."""

    widget = forms.Textarea(attrs={"rows": 5, "cols": 40})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in super().clean(value).splitlines()]
        keys = [line for line in lines if line]
        if len(set(keys)) < len(keys):
            raise forms.ValidationError(
                "A product is listed twice; a bundle holds one piece of each product."
            )
        if not FEWEST_ITEMS <= len(keys) <= MOST_PRODUCTS:
            raise forms.ValidationError(
                f"{len(keys)} products are listed; a bundle holds {FEWEST_ITEMS} to "
                f"{MOST_PRODUCTS}."
            )
        return keys

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), (data or "").replace("\r\n", "\n"))


class BundleForm(forms.ModelForm):
    products = ProductKeysField(
        label="Product keys",
        help_text="The keys of the products, one per line. The price is for one piece of each.",
    )

    class Meta:
        model = Bundle
        fields = ("name", "products", "price")

    def clean(self) -> dict[str, Any]:
        """Reject products and prices that no bundle can have.

        Products that are only off sale now lead to a message after saving.
        """
        cleaned = super().clean() or {}
        if "products" not in cleaned:
            return cleaned
        adapter = get_adapter()
        draft = Bundle(products=cleaned["products"], price=cleaned.get("price"))
        [contents] = contents_of([draft], adapter)
        if contents.gone:
            self.add_error("products", f"There is no product {', '.join(contents.gone)}.")
        elif contents.sums is None:
            self.add_error("products", "The products have prices in several currencies.")
        elif draft.price is not None:
            for problem in publishing.price_obstacles(draft, contents):
                self.add_error("price", problem)
        self.instance.currency = contents.sums.currency if contents.sums else ""
        # Use the catalogue's form, because staff may type "007" for 7.
        cleaned["products"] = [str(product.pk) for product in contents.products]
        return cleaned


class HoldingFilter(admin.SimpleListFilter):
    """A filter by product, shown only if the address names a product."""

    title = "product"
    parameter_name = "product"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Any:
        key = request.GET.get(self.parameter_name)
        return [(key, f"with product {key}")] if key else []

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.holding([self.value()]) if self.value() else queryset


@admin.register(Bundle)
class BundleAdmin(WhereWritten):
    """The admin of bundles: staff accept, edit, price and publish them.

    Prices, margins and obstacles are read live; only the figures from orders are stored.
    """

    form = BundleForm
    list_display = (
        "name",
        "pictures",
        "status",
        "bought",
        "price_text",
        "margin",
        "obstacles",
    )
    list_filter = ("status", HoldingFilter)
    search_fields = ("name",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("accept", "reject", "publish", "unpublish")
    readonly_fields = (
        "status",
        "pictures",
        "figures",
        "alone",
        "suggestion",
        "saving",
        "margin",
        "obstacles",
    )
    change_form_template = "admin/similarity_orders/bundle/change_form.html"

    class Media:
        css = {"all": ("similarity/admin.css",)}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        edited = ("name", "products", "price")
        if obj is None:
            return [(None, {"fields": edited})]
        return [
            (None, {"fields": ("status", "pictures", *edited)}),
            ("Prices now", {"fields": ("alone", "suggestion", "saving", "margin", "obstacles")}),
            ("Found in orders", {"fields": ("figures",)}),
        ]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the change list, with the products of all its bundles read at once."""
        changelist = super().get_changelist_instance(request)
        _read_contents(list(changelist.result_list))
        return changelist

    def save_model(self, request: HttpRequest, obj: Bundle, form: Any, change: bool) -> None:
        obj.edited = obj.edited or bool(form.changed_data)
        super().save_model(request, obj, form, change)
        for problem in publishing.obstacles(obj, _contents(obj, anew=True), get_adapter()):
            messages.warning(request, f"The bundle cannot be offered now. {problem}")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        bundle = context.get("original")
        if bundle and self.has_change_permission(request, bundle):
            context["decisions"] = [
                (name, name.capitalize())
                for name, decision in publishing.DECISIONS.items()
                if bundle.status in decision.before
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        decision = request.POST.get("_decision")
        if decision not in publishing.DECISIONS:
            return super().response_change(request, obj)
        self._decide(request, [obj], decision)
        return HttpResponseRedirect(request.get_full_path())

    @admin.display(description="holds")
    def pictures(self, bundle: Bundle) -> SafeString:
        adapter, contents = get_adapter(), _contents(bundle)
        return format_html(
            '<ul class="similarity-pictures">{}{}</ul>',
            format_html_join("", "{}", ((_picture(each, adapter),) for each in contents.products)),
            format_html_join("", "<li>product {} is gone</li>", ((key,) for key in contents.gone)),
        )

    @admin.display(description="bought together", ordering="orders")
    def bought(self, bundle: Bundle) -> str:
        if bundle.found_at is None:
            return "–"
        return (
            f"in {bundle.orders} orders of {bundle.shoppers} shoppers, "
            f"{bundle.lift:.1f} times as often as expected"
        )

    @admin.display(description="price", ordering="price")
    def price_text(self, bundle: Bundle) -> str:
        """Return the bundle's price beside the sum of its products' prices."""
        sums = _contents(bundle).sums
        price = _money(bundle.price, bundle.currency)
        return f"{price}, {self.saving(bundle)} off {self.alone(bundle)}" if sums else price

    @admin.display(description="sum of prices")
    def alone(self, bundle: Bundle) -> str:
        sums = _contents(bundle).sums
        return _money(sums.price, sums.currency) if sums else "–"

    @admin.display(description="suggested price")
    def suggestion(self, bundle: Bundle) -> str:
        sums = _contents(bundle).sums
        return _money(suggested_price(sums), sums.currency) if sums else "–"

    @admin.display(description="saving")
    def saving(self, bundle: Bundle) -> str:
        sums = _contents(bundle).sums
        if sums is None or not sums.price or bundle.price is None:
            return "–"
        return f"{100 * (1 - bundle.price / sums.price):.0f} %"

    @admin.display(description="margin")
    def margin(self, bundle: Bundle) -> str:
        """Return the difference of price and cost, and its share of the price."""
        sums = _contents(bundle).sums
        kept = sums.margin(bundle.price) if sums else None
        if sums is None or kept is None or not bundle.price:
            return "–"
        return f"{_money(kept, sums.currency)} ({100 * kept / bundle.price:.0f} %)"

    @admin.display(description="obstacles to offering it")
    def obstacles(self, bundle: Bundle) -> str:
        return " ".join(publishing.obstacles(bundle, _contents(bundle), get_adapter())) or "none"

    @admin.display(description="figures")
    def figures(self, bundle: Bundle) -> str:
        if bundle.found_at is None:
            return "Made by staff, not found in orders."
        return (
            f"In {bundle.orders} orders of {bundle.shoppers} shoppers, {bundle.support:.2%} of all "
            f"orders and {bundle.lift:.1f} times as often as expected, "
            f"as of {bundle.found_at:%Y-%m-%d}."
        )

    @admin.action(description="Accept selected bundles", permissions=["change"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._decide(request, queryset, "accept")

    @admin.action(description="Reject selected bundles", permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._decide(request, queryset, "reject")

    @admin.action(description="Publish selected bundles", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._decide(request, queryset, "publish")

    @admin.action(description="Take selected bundles off the shop", permissions=["change"])
    def unpublish(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._decide(request, queryset, "unpublish")

    def _decide(self, request: HttpRequest, bundles: Any, decision: str) -> None:
        done = publishing.DECISIONS[decision].done
        for bundle in bundles:
            try:
                publishing.decide(bundle, decision)
            except BundleError as error:
                messages.error(request, str(error))
            else:
                self.log_change(request, bundle, f"{done.capitalize()}.")
                messages.success(request, f"{bundle}: {done}.")


def _read_contents(bundles: Sequence[Bundle]) -> None:
    for bundle, contents in zip(bundles, contents_of(bundles, get_adapter()), strict=True):
        bundle.__dict__["similarity_contents"] = contents


def _contents(bundle: Bundle, *, anew: bool = False) -> Contents:
    """Return the contents of the bundle, read once for all columns."""
    if anew or "similarity_contents" not in bundle.__dict__:
        _read_contents([bundle])
    contents: Contents = bundle.__dict__["similarity_contents"]
    return contents


def _picture(product: Any, adapter: CatalogAdapter) -> SafeString:
    card = card_of(adapter, product)
    photo = (
        format_html('<img src="{}" alt="" width="56" height="56" loading="lazy">', card.image_url)
        if card.image_url
        else mark_safe('<span class="similarity-no-photo" aria-hidden="true"></span>')
    )
    address = change_address(type(product), product.pk)
    title = format_html('<a href="{}">{}</a>', address, card.title) if address else card.title
    return format_html("<li>{}<span>{}</span></li>", photo, title)


def _money(amount: Decimal | None, currency: str) -> str:
    return "–" if amount is None else f"{amount:.2f} {currency}".rstrip()
