"""The benchmarks of saving and of HTTP compare what they say they compare."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN_TAGS = re.compile(r"{%\s*(similar_products|bought_together|bundle_offers|get_similar)\b")


@pytest.fixture
def http_load(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import http_load

    return http_load


def test_the_page_without_tags_has_none_of_them(http_load):
    page = (ROOT / "templates" / "shop" / "product.html").read_text()
    assert len(PLUGIN_TAGS.findall(page)) == 3
    bare = http_load.without_tags(page)
    assert not PLUGIN_TAGS.search(bare)
    assert bare.count("{% endblock %}") == page.count("{% endblock %}")


@pytest.mark.django_db
def test_every_address_that_is_asked_for_answers(http_load, make_product, client, monkeypatch):
    monkeypatch.setattr(http_load, "ASKED", 3)
    keys = [make_product().pk for _ in range(2 * http_load.ASKED)]
    for line in http_load.lines(keys):
        assert client.get(line.paths[0]).status_code == 200, line


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_errors_of_the_site_are_counted(http_load, tmp_path, live_server):
    port = int(live_server.url.rsplit(":", 1)[1])
    line = http_load.Line("nothing there", "shop", ["/nothing/there/"])
    load = http_load.wrk(line, port, tmp_path, 1, 1)
    assert load.errors > 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("follows", "rows"), [("nothing", 0), ("similarity", 2)])
def test_clients_differ_by_what_follows_their_saves(make_product, follows, rows):
    """A baseline that still wrote the outbox would hide what the plugin costs."""
    from similarity.models import PendingProduct
    from tests.databases import current_address

    keys = [str(make_product().pk) for _ in range(2)]
    PendingProduct.objects.all().delete()
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "save_client.py"), follows],
        input=f"alone {' '.join(keys)}\ninside {keys[0]}\ntogether {' '.join(keys)}\n",
        env={
            **os.environ,
            "DATABASE_URL": current_address(),
            "DJANGO_SETTINGS_MODULE": "tests.shop.settings",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(answer["times"]) for answer in answers] == [2, 1, 1]
    assert not any(answer["raised"] for answer in answers), done.stderr
    assert PendingProduct.objects.count() == rows


def test_a_part_that_is_not_there_is_refused():
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "save.py"), "costs"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "no part costs" in done.stderr
