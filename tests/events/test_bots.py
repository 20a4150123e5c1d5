"""Crawlers are known by their user agent, quickly and within bounds."""

import sys

import pytest
from django.test import RequestFactory

from similarity.events import bots

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture(autouse=True)
def _forget():
    bots._is_bot.cache_clear()
    bots._crawlers.cache_clear()
    yield
    bots._is_bot.cache_clear()
    bots._crawlers.cache_clear()


def is_bot(agent):
    return bots.is_bot(RequestFactory().get("/", HTTP_USER_AGENT=agent))


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
        "curl/8.5.0",
        "python-requests/2.32",
        "",
        "   ",
    ],
)
def test_crawlers_and_scripts_are_bots(agent):
    assert is_bot(agent)


@pytest.mark.parametrize(
    "agent",
    [
        BROWSER,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1",
        "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0",
    ],
)
def test_browsers_are_not(agent):
    assert not is_bot(agent)


def test_an_agent_is_looked_up_once_and_few_are_remembered():
    for _ in range(3):
        is_bot(BROWSER)
    assert bots._is_bot.cache_info().hits == 2
    for number in range(5):
        is_bot(f"{BROWSER}{'x' * bots.MAX_AGENT}{number}")  # the same beginning is the same agent
    assert bots._is_bot.cache_info().currsize == 2
    assert bots._is_bot.cache_info().maxsize == bots.REMEMBERED


def test_without_the_list_a_check_says_so_and_shoppers_are_kept(monkeypatch):
    assert bots.check_crawlers() == []
    bots._crawlers.cache_clear()
    monkeypatch.setitem(sys.modules, "crawlerdetect", None)
    assert [message.id for message in bots.check_crawlers()] == ["similarity.W086"]
    assert not is_bot(BROWSER)
    assert is_bot("")
