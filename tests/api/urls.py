"""The shop's own URLs, with the API and its schema where the shop has not mounted them."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from tests.host import urls as host_urls

urlpatterns = [
    path("api/similarity/v1/", include("similarity.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view()),
    *[
        pattern
        for pattern in host_urls.urlpatterns
        if not str(pattern.pattern).startswith("api/similarity/")
    ],
]
