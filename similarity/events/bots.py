"""Crawlers and scripts, known by their user agent: their events are not kept."""

from functools import lru_cache
from typing import Any

#: User agents that a process remembers, and the most characters that are looked at.
REMEMBERED, MAX_AGENT = 4096, 400


def is_bot(request: Any) -> bool:
    """Return True if the request's user agent names a crawler, or if it has none."""
    return _is_bot(str(request.META.get("HTTP_USER_AGENT", ""))[:MAX_AGENT])


def can_tell() -> bool:
    """Return True if the list of crawlers is installed."""
    return _crawlers() is not None


@lru_cache(maxsize=REMEMBERED)
def _is_bot(agent: str) -> bool:
    if not agent.strip():
        return True
    crawlers = _crawlers()
    return crawlers is not None and bool(crawlers.isCrawler(agent))


@lru_cache(maxsize=1)
def _crawlers() -> Any:
    try:
        from crawlerdetect import CrawlerDetect
    except ImportError:
        return None
    return CrawlerDetect()
