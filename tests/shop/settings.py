"""The demo shop's settings, over embedded servers that this module starts where needed."""

import os

from shop import servers

os.environ.setdefault("SIMILARITY_RUNTIME", "torch")  # no trial in the workers that tests start

servers.start()

from shop.settings import *  # noqa: E402, F403
from tests.configure import with_settings  # noqa: E402

# Beside the demo's on the same embedded server, so that its worker takes none of ours.
if not os.environ.get("CELERY_BROKER_URL"):
    CELERY_BROKER_URL = servers.broker_url().removesuffix("/0") + "/2"
if not os.environ.get("CACHE_URL"):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": servers.cache_url().removesuffix("/1") + "/3",
            "OPTIONS": {"serializer": "similarity.connections.sealing.JSONSerializer"},
        }
    }

SIMILARITY = with_settings(
    SIMILARITY,  # noqa: F405
    CATALOG={
        **SIMILARITY["CATALOG"],  # noqa: F405
        "facets": ["colour", "color", "material", "size", "fits", "dimmable"],
    },
    ORDERS={"SOURCE": {**SIMILARITY["ORDERS"]["SOURCE"], "verified": {}}},  # noqa: F405
    SEARCH={"TIME_LIMIT_MS": 10_000},
)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = servers.RUN_DIR / "test-media"
STATIC_ROOT = servers.RUN_DIR / "test-static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a folder that is missing
