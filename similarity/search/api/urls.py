"""Addresses of search, below the API's prefix."""

from django.urls import path

from similarity.search.api.views import PictureSearchView, RerankView, SearchView, SuggestView

urlpatterns = [
    path("search/", SearchView.as_view(), name="search"),
    path("suggest/", SuggestView.as_view(), name="suggest"),
    path("search/image/", PictureSearchView.as_view(), name="search_image"),
    path("rerank/", RerankView.as_view(), name="rerank"),
]
