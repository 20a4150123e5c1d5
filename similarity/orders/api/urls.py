"""Addresses of what is bought together, below the API's prefix."""

from django.urls import path

from similarity.orders.api.bought_together import BoughtTogetherView, CartView

urlpatterns = [
    path(
        "products/<similarity_key:key>/bought-together/",
        BoughtTogetherView.as_view(),
        name="bought_together",
    ),
    path("cart/bought-together/", CartView.as_view(), name="cart_bought_together"),
]
