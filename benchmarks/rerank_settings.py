"""Settings of the site and the worker that benchmarks/rerank.py starts: the shop's, by text."""

from shop.settings import *  # noqa: F403
from shop.settings import SIMILARITY as SHOP_SIMILARITY

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
SECURE_SSL_REDIRECT = False

SIMILARITY = {
    **SHOP_SIMILARITY,
    "ENCODERS": {"image": None, "colour": None},
    "API_THROTTLE": None,  # all requests come from one client
}
