"""What a parser can tell of WCAG 2.2: structure, names, and the contrast of the style sheet."""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse

from shop.views import search as views

STYLE = Path(__file__).parents[2] / "shop/static/shop/shop.css"
NOT_LABELLED = ("hidden", "submit", "button")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, *names):
        return [attrs for tag, attrs in self.tags if tag in names]


PAGES = [
    *("home", "products", "product", "cart", "checkout", "missing"),
    *("search", "search by picture", "like a picture"),
]


@pytest.fixture(params=PAGES)
def page(request, client, make_product, add_photo, index, monkeypatch):
    product = make_product(attributes={"colour": "navy"}, group="g", name="Linen shirt")
    make_product(brand="Halden", attributes={"colour": "red"}, group="g")
    make_product(brand="Halden", attributes={"colour": "olive"}, name="Linen dress", price=30)
    for _ in range(3):
        add_photo(product)
    index()
    monkeypatch.setattr(views, "load_picture_vector", lambda token: np.array([1, 0], np.float32))
    client.post(reverse("shop:cart_add", args=[product.pk]), {"quantity": 1})
    addresses = {
        "product": product.get_absolute_url(),
        "search": reverse("shop:search") + "?q=linnen&colour=navy&colour=olive&max_price=99",
        "search by picture": reverse("shop:search_picture"),
        "like a picture": reverse("shop:search") + "?picture=token&in_stock=on",
        "missing": "/nowhere/",
    }
    address = addresses.get(request.param) or reverse(f"shop:{request.param}")
    return Page(client.get(address).content.decode())


def test_landmarks_language_and_skip_link(page):
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == len(page.all("header")) == len(page.all("footer")) == 1
    assert page.all("a")[0] == {"class": "skip-link", "href": "#main"}
    assert all("aria-label" in nav or "aria-labelledby" in nav for nav in page.all("nav"))


def test_one_h1_and_no_level_left_out(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_input_has_a_label(page):
    labelled = {label.get("for") for label in page.all("label")}
    for field in page.all("input", "select", "textarea"):
        assert field.get("type") in NOT_LABELLED or field.get("id") in labelled, field


def test_pictures_have_alternatives_and_sizes(page):
    for image in page.all("img"):
        assert {"alt", "width", "height"} <= image.keys(), image
    for drawing in page.all("svg"):
        assert "aria-hidden" in drawing or "aria-label" in drawing


def test_no_id_twice_and_nothing_inline(page):
    ids = Counter(attrs["id"] for _, attrs in page.tags if "id" in attrs)
    assert [name for name, times in ids.items() if times > 1] == []
    assert not page.all("style")
    assert not [attrs for _, attrs in page.tags if "style" in attrs]
    assert all("src" in script for script in page.all("script"))


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("front", "backs", "least"),
    [
        ("ink", ["paper", "surface", "tile", "alert-soft", "warn-soft", "accent-soft"], 4.5),
        ("muted", ["paper", "surface", "tile"], 4.5),
        ("accent", ["paper", "surface", "tile", "accent-soft"], 4.5),
        ("alert", ["paper", "surface", "alert-soft"], 4.5),
        ("low", ["paper", "surface"], 4.5),
        ("on-accent", ["accent", "accent-strong"], 4.5),
        ("on-footer", ["footer"], 4.5),
        ("on-footer-muted", ["footer"], 4.5),
        ("edge", ["paper", "surface", "tile"], 3),  # borders of controls
    ],
)
def test_contrast(front, backs, least):
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", STYLE.read_text()))
    for back in backs:
        light, dark = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, f"{front} on {back}"
