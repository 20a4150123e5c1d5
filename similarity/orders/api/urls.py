"""URLs of bought-together shelves and bundles, below the API's prefix."""

from django.urls import path

from similarity.orders.api.views import (
    BoughtTogetherView,
    BundlesView,
    CartBundlesView,
    CartView,
)

urlpatterns = [
    path(
        "products/<similarity_key:key>/bought-together/",
        BoughtTogetherView.as_view(),
        name="bought_together",
    ),
    path("products/<similarity_key:key>/bundles/", BundlesView.as_view(), name="bundles"),
    path("cart/bought-together/", CartView.as_view(), name="cart_bought_together"),
    path("cart/bundles/", CartBundlesView.as_view(), name="cart_bundles"),
]
