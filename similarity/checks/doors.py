"""Checks of the API's URLs, its permission classes, proxies, and the cache."""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from django.core.checks import CheckMessage, Error, Warning
from django.urls import get_resolver

from similarity import conf
from similarity.checks.settings import did_you_mean
from similarity.connections.clients import number_of_proxies
from similarity.exceptions import ConfigurationError


def check_doors(**kwargs: Any) -> list[CheckMessage]:
    """Check the URLs, the cache, the permission classes and the proxies."""
    if not isinstance(getattr(settings, "SIMILARITY", {}), Mapping):
        return []  # similarity.E003
    return [*_check_urls(), *_check_cache(), *_check_permissions(), *_check_proxies()]


def check_cache_values(**kwargs: Any) -> list[CheckMessage]:
    """Check for ``check --deploy`` that a Redis cache does not store pickles."""
    try:
        entry: Any = settings.CACHES[conf.get("CACHE", "ALIAS")]
        backend = conf.load(entry["BACKEND"])
    except (ConfigurationError, LookupError, TypeError):
        return []  # similarity.E041, or an error of Django itself
    if not issubclass(backend, RedisCache) or (entry.get("OPTIONS") or {}).get("serializer"):
        return []
    return [
        Warning(
            f"CACHES[{conf.get('CACHE', 'ALIAS')!r}] stores pickles: anyone who can write to the "
            "server can run code in the site and its workers.",
            hint="Set OPTIONS = {'serializer': 'similarity.connections.sealing.JSONSerializer'} "
            "there, and give the server a password.",
            id="similarity.W045",
        )
    ]


def _check_urls() -> list[CheckMessage]:
    if not getattr(settings, "ROOT_URLCONF", None) or apps.is_installed("rest_framework"):
        return []
    if "similarity" not in get_resolver().app_dict:
        return []
    return [
        Error(
            "similarity.api.urls is in the URLs, and 'rest_framework' is not in INSTALLED_APPS.",
            hint="Add 'rest_framework' to INSTALLED_APPS, or remove the API from the URLs.",
            id="similarity.E040",
        )
    ]


def _check_cache() -> list[CheckMessage]:
    alias = conf.get("CACHE", "ALIAS")
    if alias in settings.CACHES or not conf.GROUPS["CACHE"]["ALIAS"].holds(alias):
        return []
    return [
        Error(
            f"SIMILARITY['CACHE']['ALIAS'] is {alias!r}, which is not in CACHES.",
            hint=did_you_mean(alias, list(settings.CACHES)),
            id="similarity.E041",
        )
    ]


def _check_permissions() -> list[CheckMessage]:
    paths = conf.get("API", "PERMISSION_CLASSES")
    if not conf.GROUPS["API"]["PERMISSION_CLASSES"].holds(paths):
        return []  # similarity.E005
    messages: list[CheckMessage] = []
    for path in paths:
        try:
            if not hasattr(conf.load(path), "has_permission"):
                raise ConfigurationError(f"{path!r} is no permission class of REST framework.")
        except ConfigurationError as error:
            messages.append(
                Error(
                    f"SIMILARITY['API']['PERMISSION_CLASSES']: {error}",
                    hint="Name classes such as 'rest_framework.permissions.IsAuthenticated'.",
                    id="similarity.E042",
                )
            )
    return messages


def _check_proxies() -> list[CheckMessage]:
    """Warn if settings imply a proxy but the number of proxies is not set."""
    hints = [
        name
        for name in ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")
        if getattr(settings, name, None)
    ]
    if not hints or number_of_proxies() is not None or conf.get("API", "THROTTLE") is None:
        return []
    return [
        Warning(
            f"{hints[0]} means that the shop is behind a proxy, but the number of proxies is not "
            "set: every client has the proxy's address, and all share one throttle.",
            hint="Set REST_FRAMEWORK = {'NUM_PROXIES': 1}, or the number of the shop's proxies "
            "that add to X-Forwarded-For; 0 if no proxy adds to it.",
            id="similarity.W044",
        )
    ]
