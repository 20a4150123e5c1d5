"""Settings of the site that benchmarks/events.py sends to: the shop, and a plain view beside it."""

from benchmarks.small_shop_settings import *  # noqa: F403
from benchmarks.small_shop_settings import SIMILARITY as SMALL_SIMILARITY

ROOT_URLCONF = "benchmarks.event_urls"
SIMILARITY = {**SMALL_SIMILARITY, "EVENTS": {"PER_MINUTE": 1_000_000}}
