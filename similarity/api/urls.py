"""``path("api/similarity/v1/", include("similarity.api.urls"))``"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import URLPattern, get_resolver, get_urlconf, include, path, register_converter
from django.urls.converters import PathConverter
from django.urls.resolvers import RegexPattern, ResolverMatch

from similarity.api.batch import BatchView
from similarity.api.fragments import FragmentView
from similarity.api.health import LiveView, ReadyView
from similarity.api.metrics import MetricsView
from similarity.api.views import MoreLikeView, NothingView, SimilarView
from similarity.extension import extensions

app_name = "similarity"


#: The first parts of the API's paths.
ROOTS = ("products", "more-like-these", "batch", "fragments", "health", "metrics")
ALL_ROOTS = (*ROOTS, *(root for extension in extensions() for root in extension.url_roots))


class KeyConverter(PathConverter):
    """Any text, also with line ends, so that the API itself answers for invalid keys."""

    regex = r"[\s\S]+"


class AnyOtherPath(URLPattern):
    """Every path below our prefix; only our own roots if the host has paths there too."""

    def resolve(self, path: str) -> ResolverMatch | None:
        root, slash, _rest = path.partition("/")
        is_ours = not path or (root in ALL_ROOTS and slash)
        return super().resolve(path) if is_ours or not _is_shared(_root_urlconf()) else None


def _root_urlconf() -> Any:
    return get_urlconf() or settings.ROOT_URLCONF


@lru_cache(maxsize=8)
def _is_shared(urlconf: Any) -> bool:
    """Return True if a pattern of the host begins with a prefix below which ours are included."""
    found = list(_routes(get_resolver(urlconf).url_patterns, ""))
    prefixes = [route for route, is_ours in found if is_ours]
    return any(
        route.startswith(prefix) for route, is_ours in found if not is_ours for prefix in prefixes
    )


def _routes(patterns: list[Any], before: str) -> Iterator[tuple[str, bool]]:
    """Yield the route of each pattern, and our prefix in the place of our patterns."""
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        inner = getattr(pattern, "url_patterns", None)
        if inner is urlpatterns or inner is None:
            yield route, inner is urlpatterns
        else:
            yield from _routes(inner, route)


nothing = AnyOtherPath(RegexPattern(r"^[\s\S]*$", is_endpoint=True), NothingView.as_view())

register_converter(KeyConverter, "similarity_key")

urlpatterns = [
    path("products/<similarity_key:key>/similar/", SimilarView.as_view(), name="similar"),
    path("more-like-these/", MoreLikeView.as_view(), name="more_like_these"),
    path("batch/", BatchView.as_view(), name="batch"),
    path("fragments/<str:arguments>/", FragmentView.as_view(), name="fragment"),
    path("health/live", LiveView.as_view(), name="live"),
    path("health/ready", ReadyView.as_view(), name="ready"),
    path("health/live/", LiveView.as_view(schema=None)),
    path("health/ready/", ReadyView.as_view(schema=None)),
    path("metrics/", MetricsView.as_view(), name="metrics"),
    *(path("", include(extension.urls)) for extension in extensions() if extension.urls),
    nothing,
]
