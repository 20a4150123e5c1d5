"""URLs of events and of a shopper's own data, below the API's prefix."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
