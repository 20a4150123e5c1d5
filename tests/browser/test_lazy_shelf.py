"""The lazy shelf in a real browser, under the shop's strict content security policy."""

import pytest
from django.http import HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from shop.models import Product
from shop.urls import urlpatterns as shop_urls
from tests.api.conftest import at_angle, shelf, version  # noqa: F401 - fixtures

SOURCE = """<!doctype html><html lang="en"><head><title>A tall page</title></head><body>
{% load similarity %}<main>{{ filler }}
{% similar_products product limit=3 lazy=True template=template %}
<footer id="below">Below</footer></main></body></html>"""


def tall(request, pk):
    context = {
        "product": Product.objects.get(pk=pk),
        "filler": Template("{% for n in lines %}<p>line</p>{% endfor %}").render(
            RequestContext(request, {"lines": range(120)})
        ),
        "template": "similarity/similar_products.html",
    }
    return HttpResponse(Template(SOURCE).render(RequestContext(request, context)))


urlpatterns = [path("tall/<int:pk>/", tall), *shop_urls]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls(__name__),
]


def test_shelf_is_fetched_only_near_the_viewport(shelf, open_page):  # noqa: F811
    page = open_page()
    fetched = []
    page.on("request", lambda r: fetched.append(r.url) if "/fragments/" in r.url else None)
    page.goto(f"/tall/{shelf[0].pk}/", wait_until="networkidle")
    assert fetched == []
    placeholder = page.locator("[data-similarity-src]")
    assert placeholder.bounding_box()["height"] >= 300  # its place is kept
    placeholder.scroll_into_view_if_needed()
    page.wait_for_selector(".similarity-loaded section ul li a")
    assert len(fetched) == 1
    links = page.locator(".similarity-loaded li a").evaluate_all("all => all.map(a => a.pathname)")
    assert [link for n, link in enumerate(links) if link not in links[:n]] == [
        product.get_absolute_url() for product in shelf[1:4]
    ]


def test_shelf_with_nothing_on_it_leaves_no_hole(shelf, open_page):  # noqa: F811
    Product.objects.exclude(pk=shelf[0].pk).update(stock=0)
    page = open_page()
    page.goto(f"/tall/{shelf[0].pk}/")
    page.locator("[data-similarity-src]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-similarity-src]", state="detached")


def test_without_javascript_a_link_leads_to_the_shelf(shelf, open_page):  # noqa: F811
    page = open_page(java_script_enabled=False)
    page.goto(f"/tall/{shelf[0].pk}/")
    page.locator(".similarity-link").click()
    assert page.locator(f"a[href='{shelf[1].get_absolute_url()}']").count() >= 1
