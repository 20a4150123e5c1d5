"""The page that describes the API, under the policy that every page of the shop has."""

import re

from django.contrib.staticfiles import finders
from django.urls import reverse

from shop.middleware import POLICY


def test_the_page_loads_nothing_but_the_shops_own_files(client, db):
    page = client.get(reverse("api_docs"))
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == POLICY
    html = page.content.decode()
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html), "a script inline"
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    files = [one.removeprefix("/static/") for one in addresses if one.startswith("/static/")]
    assert len(files) == len(addresses) - 1
    assert all(finders.find(file) for file in files)
    [script] = set(addresses) - {f"/static/{file}" for file in files}
    told = client.get(script.replace("&amp;", "&"))
    assert told.headers["Content-Type"].startswith("application/javascript")
    assert reverse("schema") in told.content.decode()


def test_every_page_leads_to_it(client, db):
    assert f'href="{reverse("api_docs")}"' in client.get("/").content.decode()
