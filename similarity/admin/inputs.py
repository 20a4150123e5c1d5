"""Products in the admin with a photo, title or description that counts as absent."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from similarity import conf
from similarity.admin.links import change_link
from similarity.admin.read_only import LookedAt
from similarity.models import ProductInputs
from similarity.models.inputs import DESCRIPTION, PHOTO, TITLE


@admin.register(ProductInputs)
class ProductInputsAdmin(LookedAt):
    """A view-only list of products with inputs that the encoders ignore.

    Ignored are photos, titles and descriptions that many different products share, and texts in a
    language that the model does not read.
    """

    list_display = ("product_link", "photos", "title", "description", "text_is_read")
    list_display_links = None
    list_filter = ("unread",)
    ordering = ("product",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductInputs]:
        return super().get_queryset(request).filter(incomplete=True)

    @admin.display(description="product")
    def product_link(self, row: ProductInputs) -> str:
        return change_link(conf.product_model(), str(row.product_id), self.admin_site.name)

    @admin.display(description="photos that count as absent")
    def photos(self, row: ProductInputs) -> int:
        return row.counts_as_absent(PHOTO)

    @admin.display(description="title is read", boolean=True)
    def title(self, row: ProductInputs) -> bool:
        return not row.counts_as_absent(TITLE)

    @admin.display(description="description is read", boolean=True)
    def description(self, row: ProductInputs) -> bool:
        return not row.counts_as_absent(DESCRIPTION)

    @admin.display(description="the model reads its language", boolean=True)
    def text_is_read(self, row: ProductInputs) -> bool:
        return not row.unread
