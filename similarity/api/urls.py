"""``path("api/similarity/v1/", include("similarity.api.urls"))``"""

from django.urls import include, path, re_path, register_converter
from django.urls.converters import PathConverter

from similarity.api.fragments import FragmentView
from similarity.api.health import LiveView, ReadyView
from similarity.api.metrics import MetricsView
from similarity.api.more_like import MoreLikeView
from similarity.api.nothing import NothingView
from similarity.api.views import SimilarView
from similarity.extension import extensions

app_name = "similarity"


#: What the paths of the API begin with.
ROOTS = ("products", "more-like-these", "fragments", "health", "metrics")
ALL_ROOTS = (*ROOTS, *(root for extension in extensions() for root in extension.url_roots))


class KeyConverter(PathConverter):
    """Any text, line ends too: what is no product's key is answered as the API answers."""

    regex = r"[\s\S]+"


register_converter(KeyConverter, "similarity_key")

urlpatterns = [
    path("products/<similarity_key:key>/similar/", SimilarView.as_view(), name="similar"),
    path("more-like-these/", MoreLikeView.as_view(), name="more_like_these"),
    path("fragments/<str:arguments>/", FragmentView.as_view(), name="fragment"),
    path("health/live", LiveView.as_view(), name="live"),
    path("health/ready", ReadyView.as_view(), name="ready"),
    path("health/live/", LiveView.as_view(schema=None)),
    path("health/ready/", ReadyView.as_view(schema=None)),
    path("metrics/", MetricsView.as_view(), name="metrics"),
    *(path("", include(extension.urls)) for extension in extensions() if extension.urls),
    # Below our own names alone: the prefix may be shared with the host's API.
    re_path(rf"^(?:(?:{'|'.join(ALL_ROOTS)})/.*)?$", NothingView.as_view()),
]
