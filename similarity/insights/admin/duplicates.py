"""Near-duplicate listings in the admin: two products side by side, and the decisions of staff."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from similarity.admin.cards import products_by_key
from similarity.admin.links import change_address
from similarity.admin.read_only import NotByHand
from similarity.catalog import times
from similarity.catalog.adapter import get_adapter
from similarity.catalog.card import card_of
from similarity.insights.models import DuplicateListing


class DismissedFilter(admin.SimpleListFilter):
    """A filter that shows open pairs by default."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Any:
        return [("dismissed", "dismissed"), ("every", "all")]

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            yield choice | ({"display": "open"} if choice["query_string"] == "?" else {})

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "every":
            return queryset
        return queryset.filter(dismissed=self.value() == "dismissed")


@admin.register(DuplicateListing)
class DuplicateListingAdmin(NotByHand):
    """A read-only admin with actions to dismiss and reopen.

    ``manage.py similarity duplicates`` makes the list.
    """

    list_display = ("first_listing", "second_listing", "likeness")
    list_display_links = None
    list_filter = (DismissedFilter,)
    search_fields = ("=first", "=second")
    search_help_text = "Key of a product."
    list_per_page = 25
    show_full_result_count = False
    actions = ("dismiss", "reopen")

    class Media:
        css = {"all": ("similarity/admin.css", "similarity_insights/duplicates.css")}

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the change list, with the products of all its pairs read at once."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        products = products_by_key({key for row in rows for key in (row.first, row.second)})
        for row in rows:
            row.__dict__["products"] = products
        changelist.result_list = rows
        return changelist

    @admin.display(description="listing", ordering="first")
    def first_listing(self, row: DuplicateListing) -> SafeString:
        return self._listing(row, row.first)

    @admin.display(description="near-duplicate", ordering="second")
    def second_listing(self, row: DuplicateListing) -> SafeString:
        return self._listing(row, row.second)

    @admin.display(description="similarity", ordering="score")
    def likeness(self, row: DuplicateListing) -> SafeString:
        return format_html(
            '<p class="similarity-alike"><strong>{}</strong><br>text {}<br>picture {}</p>'
            '<p class="help">Found {}</p>',
            _percent(row.score),
            _percent(row.text),
            _percent(row.image),
            f"{times.shown(row.found_at):%Y-%m-%d}",
        )

    @admin.action(description="Dismiss: these are different products", permissions=["change"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        messages.success(request, f"{queryset.update(dismissed=True)} pair(s) dismissed.")

    @admin.action(description="Open again", permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        messages.success(request, f"{queryset.update(dismissed=False)} pair(s) opened again.")

    def _listing(self, row: DuplicateListing, key: str) -> SafeString:
        product = row.__dict__.get("products", {}).get(key)
        if product is None:
            return format_html('<span class="help">product {} is gone</span>', key)
        card = card_of(get_adapter(), product)
        photo = (
            format_html('<img src="{}" alt="{}" loading="lazy">', card.image_url, card.image_alt)
            if card.image_url
            else mark_safe('<span class="similarity-no-photo">no photo</span>')
        )
        price = "" if card.price is None else f"{card.price} {card.currency}".rstrip()
        return format_html(
            '<div class="similarity-listing">{}<p><strong>{}</strong><br>'
            '<span class="help">{}</span></p><p>{}</p></div>',
            photo,
            card.title,
            f"{key} · {price}" if price else key,
            _links(product, card.url, self.admin_site.name),
        )


def _links(product: Model, url: str, site: str) -> SafeString:
    change = change_address(type(product), product.pk, site)
    edit = format_html('<a href="{}">Change</a>', change) if change else SafeString("")
    view = format_html('<a href="{}">View on site</a>', url) if url else SafeString("")
    return format_html("{}{}{}", edit, " · " if edit and view else "", view)


def _percent(cosine: float | None) -> str:
    """Return the percentage, rounded down, so that only identical content is 100 %."""
    return "–" if cosine is None else f"{int(1000 * max(cosine, 0.0)) / 10:.1f} %"
