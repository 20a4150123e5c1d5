"""``path("api/similarity/v1/", include("similarity.api.urls"))``"""

from django.urls import path, re_path, register_converter
from django.urls.converters import PathConverter

from similarity.api.bought_together import BoughtTogetherView, CartView
from similarity.api.fragments import FragmentView
from similarity.api.health import LiveView, ReadyView
from similarity.api.metrics import MetricsView
from similarity.api.more_like import MoreLikeView
from similarity.api.nothing import NothingView
from similarity.api.picture_search import PictureSearchView
from similarity.api.rerank import RerankView
from similarity.api.search import SearchView, SuggestView
from similarity.api.views import SimilarView

app_name = "similarity"


#: What the paths of the API begin with.
ROOTS = (
    *("products", "search", "suggest", "cart", "more-like-these", "rerank"),
    *("fragments", "health", "metrics"),
)


class KeyConverter(PathConverter):
    """Any text, line ends too: what is no product's key is answered as the API answers."""

    regex = r"[\s\S]+"


register_converter(KeyConverter, "similarity_key")

urlpatterns = [
    path("products/<similarity_key:key>/similar/", SimilarView.as_view(), name="similar"),
    path("search/", SearchView.as_view(), name="search"),
    path("suggest/", SuggestView.as_view(), name="suggest"),
    path(
        "products/<similarity_key:key>/bought-together/",
        BoughtTogetherView.as_view(),
        name="bought_together",
    ),
    path("cart/bought-together/", CartView.as_view(), name="cart_bought_together"),
    path("search/image/", PictureSearchView.as_view(), name="search_image"),
    path("more-like-these/", MoreLikeView.as_view(), name="more_like_these"),
    path("rerank/", RerankView.as_view(), name="rerank"),
    path("fragments/<str:arguments>/", FragmentView.as_view(), name="fragment"),
    path("health/live", LiveView.as_view(), name="live"),
    path("health/ready", ReadyView.as_view(), name="ready"),
    path("health/live/", LiveView.as_view(schema=None)),
    path("health/ready/", ReadyView.as_view(schema=None)),
    path("metrics/", MetricsView.as_view(), name="metrics"),
    # Below our own names alone: the prefix may be shared with the host's API.
    re_path(rf"^(?:(?:{'|'.join(ROOTS)})/.*)?$", NothingView.as_view()),
]
