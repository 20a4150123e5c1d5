"""URLs of personal recommendations, below the API's prefix."""

from django.urls import path

from similarity.shoppers.api.views import RecommendationsView

urlpatterns = [
    path("recommendations/", RecommendationsView.as_view(), name="recommendations"),
]
