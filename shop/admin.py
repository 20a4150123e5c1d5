from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shop.models import Brand, Category, Customer, Order, OrderLine, Product, ProductImage

admin.site.site_header = "Fieldhouse administration"
admin.site.site_title = "Fieldhouse"


class ProductImageInline(admin.TabularInline):
    model = ProductImage
    fields = ["thumbnail", "image", "alt", "position"]
    readonly_fields = ["thumbnail"]
    extra = 1

    @admin.display(description="Photo")
    def thumbnail(self, photo: ProductImage) -> SafeString | str:
        return thumbnail(photo) if photo.pk else "–"


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["picture", "name", "sku", "brand", "category", "price", "stock", "is_active"]
    list_display_links = ["picture", "name"]
    list_filter = ["is_active", "category", "brand"]
    list_select_related = ["brand", "category"]
    list_per_page = 50
    search_fields = ["name", "sku"]
    autocomplete_fields = ["brand", "category"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["created_at", "updated_at"]
    inlines = [ProductImageInline]
    # An exact count of a large table on every page of the list is slow and of little use.
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).prefetch_related("images")

    @admin.display(description="Photo")
    def picture(self, product: Product) -> SafeString | str:
        return thumbnail(product.photo) if product.photo else "–"


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ["path", "slug"]
    search_fields = ["name", "path"]
    autocomplete_fields = ["parent"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Brand)
class BrandAdmin(admin.ModelAdmin):
    list_display = ["name", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    autocomplete_fields = ["product"]
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "name", "status", "line_count", "placed_at"]
    list_filter = ["status", "placed_at"]
    search_fields = ["number", "name", "email"]
    date_hierarchy = "placed_at"
    autocomplete_fields = ["customer"]
    inlines = [OrderLineInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).annotate(line_count=Count("lines"))

    @admin.display(description="Lines", ordering="line_count")
    def line_count(self, order: Order) -> int:
        return order.line_count


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ["name", "email"]
    search_fields = ["name", "email"]
    raw_id_fields = ["user"]


def thumbnail(photo: ProductImage) -> SafeString:
    return format_html(
        '<img src="{}" alt="{}" width="48" height="48" class="shop-thumbnail">',
        photo.image.url,
        photo.alt,
    )
