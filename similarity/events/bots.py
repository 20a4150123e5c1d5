"""Crawlers and scripts, known by their user agent: their events are not kept."""

from functools import lru_cache
from typing import Any

from django.core.checks import CheckMessage, Warning

#: User agents that a process remembers, and the most characters that are looked at.
REMEMBERED, MAX_AGENT = 4096, 400


def is_bot(request: Any) -> bool:
    """Return True if the request's user agent names a crawler, or if it has none."""
    return _is_bot(str(request.META.get("HTTP_USER_AGENT", ""))[:MAX_AGENT])


def check_crawlers(**kwargs: Any) -> list[CheckMessage]:
    """Check that the list of crawlers is installed."""
    if _crawlers() is not None:
        return []
    return [
        Warning(
            "The list of crawlers is not installed, so events of bots are kept like those of "
            "shoppers.",
            hint='Run: pip install "django-similarity[events]"',
            id="similarity.W086",
        )
    ]


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
