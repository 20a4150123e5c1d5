"""The main job through the doors people use: a browser, the site and a real worker process."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from shop.models import Product
from similarity.models import PendingProduct, ProductVectors
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.worker_process import wait_for, worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.worker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fake_encoders"),
]

KINDS = ["wool scarf", "oak chair", "stoneware mug"]
COLOURS = ["Navy", "Olive", "Crimson", "Teal", "Gold", "Black", "White", "Grey", "Plum", "Rust"]


@pytest.fixture
def embedded_shop(make_product, tmp_path, transactional_db):
    """Thirty products of three kinds, embedded by the worker that goes on running."""
    with worker(tmp_path) as process:
        products = [
            make_product(name=f"{colour} {kind}", category=kind.split()[1].capitalize())
            for kind in KINDS
            for colour in COLOURS
        ]
        wait_for(lambda: ProductVectors.objects.count() == len(products), 60, process)
        wait_for(lambda: not PendingProduct.objects.exists(), 60, process)
        yield process, products


def shelf_names(page) -> list[str]:
    """Once all eight cards are there: nothing else waits for the page a click leads to."""
    cards = page.get_by_role("region", name="You may also like").locator(".card__name")
    expect(cards).to_have_count(8)
    return cards.all_inner_texts()


def test_from_home_to_widget_to_cart_and_re_embedding_in_the_admin(
    open_page, embedded_shop, admin_user
):
    process, products = embedded_shop
    scarf = products[0]
    page = open_page()

    page.goto("/")
    page.get_by_role("link", name=re.compile("Scarf")).first.click()
    page.get_by_role("link", name="Navy wool scarf").click()
    expect(page).to_have_url(re.compile(scarf.get_absolute_url()))
    shelf = shelf_names(page)
    assert all("scarf" in name for name in shelf), shelf

    answer = page.request.get(f"/api/similarity/v1/products/{scarf.pk}/similar/?limit=8").json()
    found = Product.objects.in_bulk([int(result["id"]) for result in answer["results"]])
    assert [found[int(result["id"])].name for result in answer["results"]] == shelf

    sold_out = found[int(answer["results"][0]["id"])]
    Product.objects.filter(pk=sold_out.pk).update(stock=0)
    page.reload()
    shelf = shelf_names(page)  # of eight: another takes its place
    assert sold_out.name not in shelf

    page.get_by_role("region", name="You may also like").locator(".card__name a").first.click()
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status")).to_contain_text("was added")

    page.goto(reverse("admin:login"))
    page.get_by_label("Username").fill(admin_user.username)
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Products", exact=True)).to_be_visible()
    page.goto(reverse("admin:shop_product_change", args=[scarf.pk]))
    page.get_by_label("Name:", exact=True).fill("Stoneware mug in navy")
    page.locator(".field-category [role=combobox]").click()
    page.locator(".select2-search__field").fill("Mug")
    page.get_by_role("option", name="Mug").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    wait_for(lambda: not PendingProduct.objects.exists(), 60, process)
    page.goto(scarf.get_absolute_url())
    shelf = shelf_names(page)  # of a new title and category, new neighbours
    assert all("mug" in name for name in shelf), shelf
    answer = page.request.get(f"/api/similarity/v1/products/{scarf.pk}/similar/?limit=4").json()
    assert {result["tier"] for result in answer["results"]} == {"fused"}, "by its new vectors"

    before = ProductVectors.objects.get(product=scarf).encoded_at
    page.goto(reverse("admin:shop_product_changelist"))
    page.get_by_role("checkbox", name=re.compile("Stoneware mug in navy")).check()
    page.get_by_label("Action:").select_option(label="Re-embed selected products")
    page.get_by_role("button", name=re.compile("Run|Go")).click()
    expect(page.get_by_text("1 product(s) will be embedded again.")).to_be_visible()
    expect(page.get_by_text("Done: no product is waiting.")).to_be_visible(timeout=60_000)
    assert ProductVectors.objects.get(product=scarf).encoded_at > before
