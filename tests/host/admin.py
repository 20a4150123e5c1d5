from django.contrib import admin

from tests.host.models import Brand, Category, Customer, Order, Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "sku", "brand", "category", "price", "stock"]
    search_fields = ["name", "sku"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "status", "placed_at"]


admin.site.register([Brand, Category, Customer])
