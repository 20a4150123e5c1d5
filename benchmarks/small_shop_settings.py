"""Settings of the sites and workers that benchmarks start: the shop's, with text only.

``BENCHMARK_TEMPLATES`` names a folder whose templates come first. ``BENCHMARK_CACHE=off`` turns the
cache off. ``BENCHMARK_CAPTURE=triggers`` captures changes by database triggers.
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
