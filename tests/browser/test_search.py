"""Searching as a shopper does: by keyboard, by facets and by picture, with and without scripts."""

import io
import re
from urllib.parse import urlencode

import numpy as np
import pytest
from django.conf import settings
from PIL import Image
from playwright.sync_api import expect

from similarity.search import documents, picture
from tests.api.conftest import at_angle, version  # noqa: F401 - fixtures
from tests.browser.test_shop import fits

pytestmark = pytest.mark.browser

WITHOUT_SCRIPTS = pytest.param({"java_script_enabled": False}, id="without JavaScript")
BOTH = pytest.mark.parametrize("options", [pytest.param({}, id="with JavaScript"), WITHOUT_SCRIPTS])


@pytest.fixture
def searched(catalogue):
    """The catalogue of lamps and chairs, indexed."""
    documents.index_all()
    return catalogue


@pytest.fixture
def pictured(transactional_db, at_angle, monkeypatch):  # noqa: F811
    """Three dresses and a worker that sees every picture as the first; its pictures are kept."""
    for degrees, colour, brand in [
        (2, "olive", "Brera"),
        (6, "navy", "Halden"),
        (60, "red", "Brera"),
    ]:
        at_angle(degrees, name=f"{colour.capitalize()} dress", brand=brand)
    documents.index_all()
    seen = []

    def answer(data, *, timeout_ms):
        seen.append(data)
        return np.array([1, 0], np.float32)

    monkeypatch.setattr(picture, "picture_vector", answer)
    return seen


@pytest.fixture
def photo(tmp_path):
    """A photo as a phone takes it: large, lying on its side, with its place in EXIF."""
    path = tmp_path / "IMG_0001.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    Image.new("RGB", (2400, 1600), "olive").save(path, exif=exif)
    return path


def suggestions_of(page, text):
    """Types ``text`` and waits for what is suggested for all of it: what a slow typist is
    shown for its beginning makes way while a key is pressed or an entry clicked."""
    box = page.get_by_role("combobox", name="Search the shop")
    asked = urlencode({"q": text})
    with page.expect_response(lambda one: one.url.endswith(f"suggest/?{asked}")) as answer:
        box.press_sequentially(text)
    told = [one["text"] for one in answer.value.json()["suggestions"]]
    expect(suggestions(page).locator(".suggestion__text")).to_have_text(told)
    return box


def suggestions(page):
    return page.get_by_role("listbox", name="Suggestions").get_by_role("option")


def test_typing_suggests_and_the_keyboard_chooses(open_page, searched):
    page = open_page()
    page.goto("/")
    box = page.get_by_role("combobox", name="Search the shop")
    expect(box).to_have_attribute("aria-expanded", "false")
    suggestions_of(page, "cri")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    first = suggestions(page).first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", first.get_attribute("id"))
    box.press("ArrowUp")
    expect(box).not_to_have_attribute("aria-activedescendant", re.compile("."))
    expect(box).to_have_value("cri")
    box.press("ArrowDown")
    box.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("crimson")
    expect(page.locator(".card")).to_have_count(1)


def test_a_product_is_suggested_with_its_own_page(open_page, searched):
    page = open_page("phone")
    page.goto("/")
    suggestions_of(page, "teal lamp")
    suggestions(page).filter(has_text="Product").first.click()
    expect(page).to_have_url(re.compile(searched[3].get_absolute_url()))


def test_a_category_is_searched_within(open_page, searched):
    page = open_page()
    page.goto("/")
    suggestions_of(page, "lam")
    suggestions(page).filter(has_text="Category").first.click()
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("Lamps")
    expect(page.locator(".card")).to_have_count(4)


def test_escape_closes_and_enter_searches_for_what_was_typed(open_page, searched):
    page = open_page()
    page.goto("/")
    box = suggestions_of(page, "teal")
    box.press("Escape")
    expect(suggestions(page)).to_have_count(0)
    expect(box).to_have_value("teal")
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=teal$"))


def test_the_box_goes_on_where_suggestions_fail(open_page, searched):
    page = open_page(expected=429)
    page.route("**/suggest/**", lambda route: route.fulfill(status=429, body="{}"))
    page.goto("/")
    box = page.get_by_role("combobox")
    with page.expect_response("**/suggest/**"):
        box.press_sequentially("teal")
    box.press("Enter")
    expect(page.locator(".card")).to_have_count(1)


@BOTH
def test_facets_narrow_and_chips_take_back(open_page, searched, options):
    page = open_page(**options)
    page.goto("/search/?q=lamp")
    expect(page.locator(".card")).not_to_have_count(1)
    page.locator("summary", has_text="Colour").click()
    page.get_by_label("Crimson").check()
    page.get_by_role("button", name="Show products").locator("visible=true").click()
    expect(page.locator(".card")).to_have_count(1)
    chips = page.get_by_role("list", name="Active filters")
    chips.get_by_role("link", name="Crimson").click()
    expect(page.locator(".card")).not_to_have_count(1)


@BOTH
@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_nothing_found_is_said_and_a_price_can_be_taken_back(
    open_page, searched, viewport, options, monkeypatch
):
    """The machine may be busy: what is shown is not to depend on it."""
    monkeypatch.setitem(settings.SIMILARITY["SEARCH"], "TIME_LIMIT_MS", None)
    page = open_page(viewport, **options)
    page.goto("/search/?q=asdfqwerzxcv")
    expect(page.get_by_role("heading", level=1)).to_have_text("No results for “asdfqwerzxcv”")
    expect(page.get_by_role("heading", name="Shop by category")).to_be_visible()
    fits(page)
    page.goto(f"/search/?{urlencode({'q': 'lamp under 1 €'})}")
    expect(page.get_by_role("status")).to_contain_text("No matching product has this price")
    others = page.get_by_role("region", name="At another price")
    expect(others.locator(".card")).to_have_count(6)
    fits(page)
    chips = page.get_by_role("list", name="Active filters")
    chips.get_by_role("link", name="Under €1").click()
    expect(page.locator(".count")).to_have_text("6 products")


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_every_panel_of_the_filters_can_be_reached(open_page, searched, viewport):
    """On a phone the filters are one row that is drawn sideways; its panels may not be cut off."""
    page = open_page(viewport)
    page.goto("/search/?q=lamp&colour=navy&colour=olive&min_price=1")
    fits(page)
    width = page.viewport_size["width"]
    for summary in page.locator(".filters summary").all():
        summary.click()
        panel = page.locator(".filter[open] .filter__panel").bounding_box()
        assert panel["x"] >= 0
        assert panel["x"] + panel["width"] <= width
        expect(page.locator(".filter[open] .button")).to_be_in_viewport()
        fits(page)


@BOTH
def test_search_by_picture(open_page, pictured, photo, options):
    page = open_page("phone", **options)
    page.goto("/")
    page.get_by_role("link", name="Search by picture").click()
    expect(page.locator(".picture-search img")).to_be_hidden()
    page.get_by_label("Choose or take a picture").set_input_files(photo)
    if options.get("java_script_enabled", True):
        expect(page.get_by_alt_text("The picture you chose")).to_be_visible()
        fits(page)
    page.locator(".picture-search").get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Like your picture")
    names = page.locator(".card__name")
    expect(names).to_have_text(["Olive dress", "Navy dress", "Red dress"])
    page.get_by_label("Add words").fill("navy")
    page.locator(".picture-words").get_by_role("button").click()
    expect(names).to_have_text(["Navy dress", "Olive dress", "Red dress"])
    page.locator("summary", has_text="Brand").click()
    page.get_by_label("Brera").check()
    page.get_by_role("button", name="Show products").locator("visible=true").click()
    expect(names).to_have_text(["Olive dress", "Red dress"])
    assert len(pictured) == 1, "the picture was sent again"


def test_a_phones_photo_is_made_small_upright_and_anonymous_before_it_is_sent(
    open_page, pictured, photo
):
    page = open_page("phone")
    page.goto("/search/picture/")
    page.get_by_label("Choose or take a picture").set_input_files(photo)
    expect(page.get_by_alt_text("The picture you chose")).to_be_visible()
    page.locator(".picture-search").get_by_role("button", name="Search").click()
    expect(page.locator(".card")).to_have_count(3)
    sent = Image.open(io.BytesIO(pictured[0]))
    assert (sent.format, sent.size) == ("JPEG", (683, 1024))
    assert not sent.getexif()


def test_a_file_that_is_no_picture_is_said(open_page, pictured, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_text("no picture")
    page = open_page(expected=400)
    page.goto("/search/picture/")
    page.get_by_label("Choose or take a picture").set_input_files(path)
    page.locator(".picture-search").get_by_role("button", name="Search").click()
    expect(page.locator(".errorlist")).to_contain_text("in none of the formats JPEG")


def test_a_picture_that_cannot_be_shown_is_sent_as_it_is(open_page, pictured, tmp_path):
    """A format that only the shop can read, or one that scripts failed on."""
    path = tmp_path / "photo.bmp"
    Image.new("RGB", (40, 30), "olive").save(path)
    page = open_page()
    page.add_init_script("window.createImageBitmap = () => Promise.reject(new Error('no'))")
    page.goto("/search/picture/")
    page.get_by_label("Choose or take a picture").set_input_files(path)
    page.locator(".picture-search").get_by_role("button", name="Search").click()
    expect(page.locator(".card")).to_have_count(3)
    assert pictured == [path.read_bytes()]
