"""The search page: what it finds, how it says so, and what can be asked for next."""

import io
from dataclasses import replace

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from shop import search as shop_search
from shop.models import Product
from shop.search import NOTICES
from shop.views import search as views
from similarity import Hit
from similarity.search import Outcome, engine, picture, result_set
from similarity.search.budget import Budget
from tests.api.conftest import at_angle, version  # noqa: F401 - fixtures
from tests.configure import with_settings
from tests.shop.test_accessibility import Page

EAST = np.array([1, 0], np.float32)


def photo(**options):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(buffer, "JPEG")
    return SimpleUploadedFile("photo.jpg", buffer.getvalue(), **options)


def page_of(client, **asked):
    response = client.get(reverse("shop:search"), asked)
    assert response.status_code == 200
    return response.content.decode()


def names(response):
    return [product.name for product in response.context["results"].products]


def found(client, **asked):
    return names(client.get(reverse("shop:search"), asked))


@pytest.fixture
def lamps(make_product, index):
    """Six lamps and a chair: of two brands, three colours and prices from 10 to 60."""
    for number in range(6):
        make_product(
            name=f"Desk lamp {number}",
            category="Lamps",
            brand=("Halden", "Brera")[number % 2],
            attributes={"colour": ("navy", "olive", "red")[number % 3]},
            price=10 * (number + 1),
        )
    make_product(name="Oak chair", category="Chairs", sku="CHAIR-77-OAK")
    index()


def test_a_word_of_the_name_finds_it(client, lamps):
    assert len(found(client, q="lamp")) == 6
    assert found(client, q="oak chair") == ["Oak chair"]
    assert "6 products" in page_of(client, q="lamp")


def test_a_sku_finds_its_product(client, lamps):
    assert found(client, q="CHAIR-77-OAK")[:1] == ["Oak chair"]


def test_a_misspelt_word_is_put_right_and_the_shopper_is_told(client, lamps):
    response = client.get(reverse("shop:search"), {"q": "dsek lamp"})
    assert len(names(response)) == 6
    page = response.content.decode()
    assert "<h1>Results for “desk lamp”</h1>" in page
    assert "Search for “dsek lamp” as typed" in page
    typed = client.get(f"/search/?{response.context['results'].as_typed_query}")
    assert "<h1>No results for “&quot;dsek lamp&quot;”</h1>" in typed.content.decode()


def test_where_no_product_has_all_the_words_it_is_said(client, lamps):
    assert NOTICES["some_words"] in page_of(client, q="desk chair lamp navy")
    assert "notice--warning" not in page_of(client, q="desk lamp")


@pytest.mark.parametrize("text", ["zzzzqqqq", "a\x00b", "x" * 201, "   ", "!!! & | :*", "'\"%_\\"])
def test_search_without_result_says_so(client, db, text):
    assert "empty__title" in page_of(client, q=text)


def test_a_correction_is_what_is_ranked_and_offered(client, lamps, monkeypatch):
    """One reading of a query for the whole page."""
    ranked = []

    def rerank(query, hits, user):
        ranked.append(query)
        return original(query, hits, user)

    original = shop_search.rerank
    monkeypatch.setattr(shop_search, "rerank", rerank)
    page = page_of(client, q="lmap ")
    assert ranked == ["lamp"]
    assert 'href="/c/lamps/"' in page


def test_what_is_near_stands_below_a_heading_of_its_own(client, lamps, monkeypatch):
    chair = Product.objects.get(name="Oak chair")

    def search(*arguments, **options):
        page = original(*arguments, **options)
        return replace(page, related=[Hit(str(chair.pk), 0.2, "text", product=chair)])

    original = shop_search.search
    monkeypatch.setattr(shop_search, "search", search)
    page = page_of(client, q="lamp")
    assert "6 products" in page
    assert page.index("Desk lamp 5") < page.index(">Related products<") < page.index("Oak chair")


def test_gibberish_is_said_to_find_nothing_with_ways_to_go_on(client, lamps):
    response = client.get(reverse("shop:search"), {"q": "asdfqwerzxcv"})
    page = response.content.decode()
    assert "<h1>No results for “asdfqwerzxcv”</h1>" in page
    assert page.index(">Shop by category<") < page.index(">Best sellers<")
    assert 'href="/c/lamps/"' in page
    assert names(response) == []
    assert "product" not in response.context["results"].notice


def test_a_price_that_nothing_has_is_said_and_can_be_taken_back(client, lamps):
    response = client.get(reverse("shop:search"), {"q": "lamp under 5 €"})
    page = response.content.decode()
    assert NOTICES[Outcome.PRICED_OUT] in page
    assert "these words" not in page
    assert "Desk lamp 0" in page
    results = response.context["results"]
    assert [chip.label for chip in results.chips] == ["Under €5"]
    for query in (results.chips[0].query, results.remedy_query):
        assert len(names(client.get(f"{reverse('shop:search')}?{query}"))) == 6


def test_a_price_that_is_read_is_a_chip_where_products_have_it_too(client, lamps):
    response = client.get(reverse("shop:search"), {"q": "lamp between 15 and 35", "brand": "Brera"})
    assert names(response) == ["Desk lamp 1"]
    assert [chip.label for chip in response.context["results"].chips] == ["€15 to €35", "Brera"]


def test_a_search_that_was_cut_short_says_so(client, lamps, monkeypatch):
    monkeypatch.setattr(engine.Budget, "configured", lambda: Budget(0))
    page = page_of(client, q="lamp")
    assert NOTICES[Outcome.OUT_OF_TIME] in page
    assert ">Search again<" in page
    assert "Nothing" not in page[page.index("<h1>") : page.index("</main>")]


def test_ranges_of_prices_are_round_with_their_currency_and_none_is_empty(client, lamps):
    results = client.get(reverse("shop:search"), {"q": "lamp"}).context["results"]
    labels = [label for label, _query, _count in results.price_ranges]
    assert labels[0].startswith("Under €")
    assert labels[-1].endswith(" and over")
    assert sum(count for _label, _query, count in results.price_ranges) == 6
    for _label, query, count in results.price_ranges:
        assert len(names(client.get(f"{reverse('shop:search')}?{query}"))) == count > 0


@pytest.mark.django_db(transaction=True)
def test_a_page_takes_few_statements(client, at_angle, index):  # noqa: F811
    """Search, the order of its products, filters and the shop's own; 33 and more before."""
    for at in range(30):
        at_angle(at, name=f"Lamp {at}", brand=f"B{at % 3}")
    index()
    for asked, most in (({"q": "lamp"}, 22), ({"q": "lmap "}, 27), ({"q": "zzzzqqqq"}, 24)):
        page_of(client, **asked)
        with CaptureQueriesContext(connection) as queries:
            page_of(client, **asked)
        sent = [one["sql"][:150] for one in queries]
        assert len(sent) <= most, sent


def test_facets_tell_how_many_products_each_value_has(client, lamps):
    page = Page(page_of(client, q="lamp"))
    values = [box["value"] for box in page.all("input") if box.get("name") == "brand"]
    assert sorted(values) == ["Brera", "Halden"]
    facets = client.get(reverse("shop:search"), {"q": "lamp"}).context["results"].facets
    assert {option.value: option.count for option in facets[0].options} == {
        "Brera": 3,
        "Halden": 3,
    }


def test_counts_that_are_estimates_say_so(client, lamps, monkeypatch):
    assert "about " not in page_of(client, q="lamp")
    monkeypatch.setattr(result_set.ResultSet, "read", estimated(result_set.ResultSet.read))
    assert "about " in page_of(client, q="lamp")


def estimated(read):
    """As if of so many products every 16th had been read."""
    return lambda *arguments: (read(*arguments)[0], 16)


def test_filters_narrow_and_can_be_taken_back_one_by_one(client, lamps):
    asked = {"q": "lamp", "brand": "Halden", "colour": ["navy", "red"], "max_price": "40"}
    response = client.get(reverse("shop:search"), asked)
    assert names(response) == ["Desk lamp 0", "Desk lamp 2"]
    results = response.context["results"]
    assert [chip.label for chip in results.chips] == ["Halden", "Navy", "Red", "Up to 40"]
    without = {chip.label: chip.query for chip in results.chips}
    answer = client.get(f"{reverse('shop:search')}?{without['Halden']}")
    assert names(answer) == ["Desk lamp 0", "Desk lamp 2", "Desk lamp 3"]
    answer = client.get(f"{reverse('shop:search')}?{results.clear_query}")
    assert len(names(answer)) == 6


def test_a_chosen_value_does_not_hide_the_others(client, lamps):
    """Counts of a facet are told as if nothing of it were chosen: values are alternatives."""
    results = client.get(reverse("shop:search"), {"q": "lamp", "brand": "Halden"}).context[
        "results"
    ]
    brands = next(facet for facet in results.facets if facet.name == "brand")
    assert {option.value: (option.count, option.chosen) for option in brands.options} == {
        "Halden": (3, True),
        "Brera": (3, False),
    }


def test_a_feed_that_spells_colour_otherwise_has_the_facet_too(client, make_product, index):
    for colour in ("navy", "red"):
        make_product(name=f"Lamp in {colour}", attributes={"color": colour})
    index()
    response = client.get(reverse("shop:search"), {"q": "lamp", "color": "red"})
    assert names(response) == ["Lamp in red"]
    (facet,) = [one for one in response.context["results"].facets if one.label == "Colour"]
    assert {option.value for option in facet.options} == {"navy", "red"}


def test_a_filter_that_leaves_nothing_offers_to_clear(client, lamps):
    page = page_of(client, q="lamp", colour="magenta")
    assert NOTICES[Outcome.FILTERED_OUT] in page
    assert 'href="?q=lamp">Clear the filters' in page
    assert "Desk lamp 0" in page, "below a heading of its own"
    assert "No product matches these filters" in page_of(client, q="zzzzqqqq", colour="magenta")


def test_prices_that_cannot_be_are_told(client, lamps):
    page = page_of(client, q="lamp", min_price="50", max_price="20")
    assert "The highest price (20) is below the lowest (50)" in page
    assert "must be a number" in page_of(client, q="lamp", min_price="cheap")


def test_sorting_is_kept_and_orders(client, lamps):
    assert found(client, q="lamp", sort="-price")[:2] == ["Desk lamp 5", "Desk lamp 4"]
    assert found(client, q="lamp", sort="price")[:2] == ["Desk lamp 0", "Desk lamp 1"]
    assert len(found(client, q="lamp", sort="no such order")) == 6


def test_pages_follow_without_gap_or_repetition(client, make_product, index):
    for number in range(60):
        make_product(name=f"Wool scarf {number}")
    index()
    seen, query = [], "q=scarf"
    while query:
        results = client.get(f"{reverse('shop:search')}?{query}").context["results"]
        seen += [product.pk for product in results.products]
        query = results.next_query
    assert len(seen) == len(set(seen)) == 60


def test_a_page_that_never_was_is_no_server_error(client, lamps):
    assert client.get(reverse("shop:search"), {"q": "lamp", "after": "nonsense"}).status_code == 200


def test_brands_and_categories_of_that_name_are_offered(client, lamps):
    assert 'href="/b/halden/"' in page_of(client, q="hald")
    assert 'href="/c/lamps/"' in page_of(client, q="lamp")


def test_each_filter_costs_no_more_than_one_more_reading_of_what_is_found(client, lamps):
    """Without it the facet itself is counted; facets that no filter is set on are read together."""
    counts = []
    for asked in ({}, {"brand": ["Halden", "Brera"], "colour": "navy", "max_price": "60"}):
        page_of(client, q="lamp", **asked)
        with CaptureQueriesContext(connection) as queries:
            page_of(client, q="lamp", **asked)
        counts.append(len(queries))
    # A savepoint, products with their values, and the way back to it.
    assert counts[1] - counts[0] <= 3 * 3


# By picture


@pytest.fixture
def worker(monkeypatch):
    """A worker that sees EAST in every picture."""
    monkeypatch.setattr(picture, "picture_vector", lambda data, *, timeout_ms: EAST)


@pytest.fixture
def nobody(monkeypatch):
    """No worker answers."""
    monkeypatch.setattr(picture, "picture_vector", lambda data, *, timeout_ms: None)


def send(client, **fields):
    return client.post(reverse("shop:search_picture"), fields, follow=True)


def test_the_form_takes_a_picture_from_a_camera_too(client, db):
    page = Page(client.get(reverse("shop:search_picture")).content.decode())
    (chooser,) = [box for box in page.all("input") if box.get("type") == "file"]
    assert chooser["accept"] == "image/*"
    posted = [form for form in page.all("form") if form.get("method") == "post"]
    assert [form.get("enctype") for form in posted if "account" not in form.get("action", "")] == [
        "multipart/form-data"
    ]


def test_a_picture_leads_to_what_looks_most_like_it(client, at_angle, worker):  # noqa: F811
    at_angle(50, name="Far")
    at_angle(5, name="Near")
    response = send(client, image=photo())
    assert response.redirect_chain[0][1] == 302
    assert names(response) == ["Near", "Far"]
    assert "Like your picture" in response.content.decode()


def test_a_picture_can_be_filtered_without_sending_it_again(client, at_angle, worker):  # noqa: F811
    at_angle(5, name="Near", brand="Halden")
    at_angle(50, name="Far", brand="Brera")
    address = send(client, image=photo()).redirect_chain[0][0]
    response = client.get(f"{address}&brand=Brera")
    assert names(response) == ["Far"]
    assert 'name="picture"' in response.content.decode()
    brands = next(one for one in response.context["results"].facets if one.name == "brand")
    assert {option.value: option.count for option in brands.options} == {"Halden": 1, "Brera": 1}


def test_words_go_with_the_picture(client, at_angle, index, worker):  # noqa: F811
    at_angle(5, name="Olive dress")
    at_angle(9, name="Navy dress")
    index()
    response = send(client, image=photo(), q="navy")
    assert names(response) == ["Navy dress", "Olive dress"]


def test_without_a_worker_the_words_alone_are_searched_and_it_is_said(client, lamps, nobody):
    response = send(client, image=photo(), q="lamp")
    assert len(names(response)) == 6
    assert views.WORDS_ALONE in response.content.decode()


def test_without_a_worker_and_words_the_shopper_is_told(client, db, nobody):
    response = client.post(reverse("shop:search_picture"), {"image": photo()})
    assert response.status_code == 503
    assert "try again soon" in response.content.decode()


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "empty"), (b"<svg/>", "none of the"), (b"\xff\xd8\xff" + b"\0" * 99, "no size")],
)
def test_what_is_no_picture_is_said_beside_the_field(client, db, nobody, data, says):
    image = SimpleUploadedFile("photo.jpg", data)
    response = client.post(reverse("shop:search_picture"), {"image": image})
    assert response.status_code == 400
    assert says in response.content.decode()


def test_no_picture_at_all(client, db, nobody):
    response = client.post(reverse("shop:search_picture"), {"q": "navy"})
    assert "Choose a picture" in response.content.decode()


def test_an_upload_that_is_too_large_is_refused_unread(client, db, settings, monkeypatch):
    monkeypatch.setattr("similarity.catalog.picture_header.QUERY_MAX_BYTES", 1000)
    image = SimpleUploadedFile("photo.jpg", b"x" * 100_000)
    response = client.post(reverse("shop:search_picture"), {"image": image})
    assert response.status_code == 413
    assert "more than 1000 bytes" in response.content.decode()


def test_many_pictures_in_a_minute_are_refused(client, at_angle, worker, settings):  # noqa: F811
    at_angle(5)
    settings.SIMILARITY = with_settings(API={"PICTURE_THROTTLE": "1/min"})
    assert send(client, image=photo()).status_code == 200
    response = send(client, image=photo())
    assert response.status_code == 429
    assert views.TOO_MANY in response.content.decode()


def test_other_sites_cannot_send_one(db):
    client = Client(enforce_csrf_checks=True)
    assert client.post(reverse("shop:search_picture"), {"image": photo()}).status_code == 403


def test_a_picture_that_is_forgotten_is_said_so(client, lamps):
    page = page_of(client, picture="gone", q="lamp")
    assert views.FORGOTTEN in page
    assert "Desk lamp 0" in page
    assert "empty__title" in page_of(client, picture="gone")


def test_hidden_products_are_never_found(client, at_angle, index, worker):  # noqa: F811
    product = at_angle(5, name="Navy dress")
    index()
    Product.objects.filter(pk=product.pk).update(is_active=False)
    assert found(client, q="navy dress") == []
    assert names(send(client, image=photo())) == []


def test_a_filter_by_an_attribute_that_no_product_has_finds_nothing(client, make_product):
    """An old link, or a shop whose last coloured product is gone: a page, not an error."""
    make_product(name="Plain lamp", attributes={})
    page = client.get("/search/?q=lamp&colour=navy")
    assert page.status_code == 200
    assert "Plain lamp" not in page.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "q=%00", "q=%ED%A0%80", "q=" + "a" * 3000, "q=%F0%9F%91%9F", "q=%22unclosed", "q=--a",
        "q=%25%27%28%29%26%7C%21%3A%2A", "q=a&page=0", "q=a&page=-1", "q=a&page=99999999999999999",
        "q=a&page=x", "q=a&sort=nothing", "q=a&min_price=x", "q=a&min_price=-1", "q=-",
        "q=a&max_price=1e999",
        "q=a&min_price=NaN", "q=a&category=%00", "q=a&colour=" + "b" * 5000, "q=a&brand=&brand=",
        "q=a&in_stock=perhaps", "q=a&picture=x", "q=a&picture=%00", "picture=", "q[]=a", "q=a&q=b",
        "&".join(f"colour=c{at}" for at in range(200)), "q=a&after=zzz", "q=a&cursor=zzz",
    ],
)  # fmt: skip
def test_no_query_string_breaks_the_page(client, make_product, query):
    """Crawlers, old links and curious people send all of them."""
    make_product(name="Plain lamp", attributes={"colour": "navy"})
    assert client.get(f"/search/?{query}").status_code in (200, 302, 400, 404)


@pytest.mark.parametrize("name", ["category", "brand", "colour", "material"])
def test_of_very_many_values_the_first_are_taken(client, lamps, name):
    wanted = {"category": "Lamps", "brand": "Halden", "colour": "navy"}.get(name, "oak")
    many = [wanted, *(f"value {number}" for number in range(950))]
    response = client.get(reverse("shop:search"), {"q": "desk lamp", name: many})
    assert response.status_code == 200
    assert bool(names(response)) == (name != "material"), "no lamp is of oak"
