"""A host that mounts the plugin's API at the prefix of its own, before its own paths."""

from django.http import JsonResponse
from django.urls import include, path

from tests.host import urls as host_urls


def own(request):
    return JsonResponse({"own": True})


urlpatterns = [
    path("api/", include("similarity.api.urls")),
    path("api/", include([path("stock/", own)])),
    *[
        pattern
        for pattern in host_urls.urlpatterns
        if not str(pattern.pattern).startswith("api/similarity/")
    ],
]
