"""Settings of the sites and workers that benchmarks start: the shop's, by text alone.

``BENCHMARK_TEMPLATES`` names a folder whose templates come first; ``BENCHMARK_CACHE=off`` has
nothing cached; ``BENCHMARK_CAPTURE=triggers`` has the database see changes.
"""

import os

from shop.settings import *  # noqa: F403
from shop.settings import CACHES, TEMPLATES
from shop.settings import SIMILARITY as SHOP_SIMILARITY

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
SECURE_SSL_REDIRECT = False

if folder := os.environ.get("BENCHMARK_TEMPLATES"):
    TEMPLATES = [{**TEMPLATES[0], "DIRS": [folder, *TEMPLATES[0]["DIRS"]]}]
if os.environ.get("BENCHMARK_CACHE") == "off":
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

SIMILARITY = {
    **SHOP_SIMILARITY,
    "ENCODERS": {"image": None, "colour": None},
    "API": {"THROTTLE": None},  # all requests come from one client
    "CAPTURE": os.environ.get("BENCHMARK_CAPTURE", "signals"),
}
