"""What a shopper does, in a real browser."""

import pytest
from playwright.sync_api import expect

from shop.models import Order
from similarity.search import documents

pytestmark = pytest.mark.browser

PERSON = {
    "email": "reader@example.com",
    "name": "A Reader",
    "street": "1 Low Road",
    "postcode": "12345",
    "city": "Leeds",
    "country": "United Kingdom",
}


def fits(page):
    page.wait_for_load_state("load")  # before its style sheet a page has any width
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


@pytest.mark.parametrize(
    ("viewport", "options"),
    [("desktop", {}), ("phone", {}), ("phone", {"java_script_enabled": False})],
    ids=["desktop", "phone", "without JavaScript"],
)
def test_from_the_front_page_to_a_placed_order(open_page, catalogue, viewport, options):
    page = open_page(viewport, **options)
    scripts = options.get("java_script_enabled", True)
    check = fits if scripts else (lambda page: None)
    page.goto("/")
    check(page)
    page.locator(".category-tile", has_text="Lamps").click()
    check(page)
    page.locator("summary", has_text="Colour").click()
    page.get_by_label("Crimson").check()
    page.get_by_role("button", name="Show products").locator("visible=true").click()
    expect(page.locator(".card")).to_have_count(1)
    check(page)
    page.get_by_role("link", name="Crimson lamp").click()
    check(page)
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status")).to_contain_text("was added")
    check(page)
    page.get_by_role("link", name="Go to checkout").click()
    check(page)
    for name, value in PERSON.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    check(page)
    catalogue[2].refresh_from_db()
    assert (Order.objects.count(), catalogue[2].stock) == (1, 3)


def test_gallery_is_worked_by_keyboard(open_page, catalogue):
    page = open_page()
    page.goto(catalogue[0].get_absolute_url())
    page.locator("#photo-1").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".gallery__photo").nth(1)).to_be_visible()
    expect(page.locator(".gallery__photo").nth(0)).to_be_hidden()


def test_targets_are_large_enough_for_a_finger(open_page, catalogue):
    page = open_page("phone")
    documents.index_all()
    searches = ("/search/?q=lamp&colour=navy&colour=teal", "/search/picture/")
    for address in ("/", "/all/", catalogue[0].get_absolute_url(), "/cart/", *searches):
        page.goto(address)
        small = page.evaluate(
            """() => [...document.querySelectorAll('a, button, summary, input:not([type=hidden])')]
            .filter(e => e.checkVisibility({opacityProperty: true})
                && !e.matches('.skip-link, .gallery__choice, .card__name a'))
            .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
            .map(([html]) => html)"""
        )
        assert not [html for html in small if "checkbox" not in html and "radio" not in html]
