import logging
import re
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection
from django.db.models.functions import Now
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from similarity.catalog.mapping import FieldMappingAdapter
from similarity.models import ProductVectors
from similarity.similar import shelf_cache
from similarity.similar.hits import Hit, Reason
from similarity.templatetags import similarity as tags
from tests.api.conftest import at_angle, shelf, version  # noqa: F401 - fixtures
from tests.configure import with_settings
from tests.host.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_templates(settings):
    """The plugin's own templates, which the shop overrides with its own."""
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": []}]


def render(source, **context):
    request = RequestFactory().get("/")
    return (
        Template("{% load similarity %}" + source)
        .render(Context({"request": request, **context}))
        .strip()
    )


def positions(html, products):
    return [html.find(f'href="{product.get_absolute_url()}"') for product in products]


def test_shelf_shows_the_nearest_in_order(shelf):  # noqa: F811
    html = render("{% similar_products product limit=3 %}", product=shelf[0])
    found = positions(html, shelf[1:4])
    assert found == sorted(found)
    assert -1 not in found
    assert shelf[4].get_absolute_url() not in html
    assert tags.money(Decimal(20), "EUR") in html


def test_two_shelves_of_one_product_share_no_id_and_one_style_sheet(shelf):  # noqa: F811
    tag = "{% similar_products product %}"
    html = render(tag + "{% with a=1 %}" + tag + "{% endwith %}", product=shelf[0])
    found = re.findall(r' id="([^"]*)"', html)
    assert len(found) == len(set(found)) == 2
    assert re.findall(r'aria-labelledby="([^"]*)"', html) == found
    assert all(re.fullmatch(r"[a-z][a-z0-9-]+", one) for one in found)
    assert html.count('rel="stylesheet"') == 1
    assert render(tag, product=shelf[0]).count('rel="stylesheet"') == 1  # and on the next page


def test_template_with_its_own_styles_leaves_the_sheet_to_the_next(shelf, settings, tmp_path):  # noqa: F811
    (tmp_path / "own.html").write_text("{{ shelf_id }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    html = render(
        '{% similar_products p template="own.html" %}{% similar_products p %}', p=shelf[0]
    )
    assert html.count('rel="stylesheet"') == 1


@pytest.mark.parametrize("lazy", ["", " lazy=True"])
def test_misspelt_variable_renders_nothing_and_is_told(shelf, caplog, lazy):  # noqa: F811
    assert render("{% similar_products typo" + lazy + " %}") == ""
    assert "similar_products" in caplog.text
    assert "misspelt" in caplog.text
    assert render("{% get_similar nothing as hits %}{{ hits|length }}", nothing=None) == "0"


def test_photo_has_alternative_text_and_costs_no_query_each(
    at_angle,  # noqa: F811
    django_assert_num_queries,
):
    products = [at_angle(5 * number) for number in range(6)]
    for product in products:
        product.images.create(image=f"products/{product.pk}.jpg", alt=f"Photo {product.pk}")
    render("{% similar_products product limit=5 %}", product=products[0])
    # Live products, with what the shelf was made from, and their photos; the savepoint and its
    # release besides, for the test runs in a transaction.
    with django_assert_num_queries(2 + 2):
        html = render("{% similar_products product limit=5 %}", product=products[0])
    assert html.count("<img") == 5
    assert f'alt="Photo {products[1].pk}"' in html
    assert 'loading="lazy"' in html


def test_cached_shelf_is_found_anew_when_the_product_is_embedded_anew(
    shelf,  # noqa: F811
    monkeypatch,
):
    tag = "{% similar_products product limit=3 %}"
    render(tag, product=shelf[0])
    found = []
    monkeypatch.setattr(
        shelf_cache,
        "similar_to",
        lambda *args, **options: found.append(args) or [],
    )
    render(tag, product=shelf[0])
    assert not found
    ProductVectors.objects.filter(product=shelf[0]).update(encoded_at=Now())
    render(tag, product=shelf[0])
    assert len(found) == 1, "made from other vectors"
    render(tag, product=shelf[0])
    assert len(found) == 1, "that nothing is similar is kept too"
    ProductVectors.objects.filter(product=shelf[0]).update(encoded_at=Now())
    render(tag, product=shelf[0])
    assert len(found) == 2, "and forgotten with the vectors"


def test_cached_shelf_never_shows_what_sold_out_and_tops_up(shelf):  # noqa: F811
    tag = "{% similar_products product limit=4 %}"
    render(tag, product=shelf[0])
    Product.objects.filter(pk__in=[p.pk for p in shelf[1:4]]).update(stock=0)
    html = render(tag, product=shelf[0])
    assert -1 not in positions(html, shelf[4:8])
    assert positions(html, shelf[1:4]) == [-1, -1, -1]
    Product.objects.filter(pk__in=[p.pk for p in shelf[4:10]]).update(stock=0)
    html = render(tag, product=shelf[0])  # the reserve is used up: computed anew
    assert -1 not in positions(html, shelf[10:])


def test_second_rendering_searches_no_vectors(shelf, monkeypatch):  # noqa: F811
    render("{% similar_products product %}", product=shelf[0])
    monkeypatch.setattr(shelf_cache, "similar_to", None)
    assert "similarity-shelf" in render("{% similar_products product %}", product=shelf[0])


def test_product_embedded_again_has_a_new_shelf_at_once(shelf):  # noqa: F811
    tag = "{% similar_products product limit=1 %}"
    render(tag, product=shelf[0])
    own = ProductVectors.objects.get(product=shelf[0])
    far = ProductVectors.objects.get(product=shelf[11])
    own.fused, own.text, own.image = far.fused, far.text, far.image
    own.save()
    assert shelf[11].get_absolute_url() in render(tag, product=shelf[0])


def test_within_narrows_and_cannot_show_what_is_not_eligible(shelf):  # noqa: F811
    Product.objects.filter(pk=shelf[5].pk).update(stock=0)
    chosen = Product.objects.filter(pk__in=[shelf[5].pk, shelf[6].pk])
    html = render("{% similar_products product within=chosen %}", product=shelf[0], chosen=chosen)
    assert shelf[6].get_absolute_url() in html
    assert html.count('class="similarity-item"') == 1


def test_cards_name_product_and_shelf_for_the_script_of_events(shelf, settings):  # noqa: F811
    html = render("{% similar_products product %}", product=shelf[0])
    cards = re.findall(r'data-similarity-product="(\d+)" data-similarity-token="([a-z_:]+)"', html)
    assert len(cards) == html.count('class="similarity-item"') > 0
    assert int(cards[0][0]) in {product.pk for product in shelf}
    assert all(token.startswith("similar_products:") for _key, token in cards)


def test_a_large_key_has_no_thousand_separators(settings):
    settings.USE_THOUSAND_SEPARATOR = True
    item = SimpleNamespace(hit=SimpleNamespace(key=1_234_567, tier="fused"), reasons=[], card=None)
    html = render('{% include "similarity/includes/items.html" with shelf="s" %}', items=[item])
    assert 'data-similarity-product="1234567" data-similarity-token="s:fused"' in html


def test_nothing_similar_renders_nothing(make_product):
    assert render("{% similar_products product %}", product=make_product()) == ""


@pytest.mark.parametrize("limit", [0, -1, "'x'", 10**6])
def test_error_is_logged_with_the_key_and_renders_nothing(shelf, caplog, limit):  # noqa: F811
    with caplog.at_level(logging.ERROR):
        html = render(f"a{{% similar_products product limit={limit} %}}b", product=shelf[0])
    assert html == "ab"
    assert str(shelf[0].pk) in caplog.text


@pytest.mark.parametrize("product", [None, "nonsense", Product()])
def test_product_that_is_none_renders_nothing(version, product):  # noqa: F811
    assert render("{% similar_products product %}", product=product) == ""
    assert render("{% get_similar product as hits %}{{ hits|length }}", product=product) == "0"


def test_cache_that_is_down_costs_the_shelf_nothing(shelf, monkeypatch):  # noqa: F811
    def down(*args, **kwargs):
        raise ConnectionError("no cache")

    for method in ("get", "set"):
        monkeypatch.setattr(type(caches["default"]), method, down)
    assert "similarity-shelf" in render("{% similar_products product %}", product=shelf[0])


def test_reasons_are_kept_apart_by_language(shelf):  # noqa: F811
    """What one shopper is told is not kept in the cache for one who reads another language."""
    tag = "{% get_similar product explain=True as hits %}{{ hits.0.reasons.0.text }}"
    with translation.override("en"):
        assert render(tag, product=shelf[0]) == "Looks the same"
    german = translation.trans_real.translation("de")
    with (
        translation.override("de"),
        mock.patch.dict(german._catalog._catalogs[0], {"Looks the same": "Sieht gleich aus"}),
    ):
        assert render(tag, product=shelf[0]) == "Sieht gleich aus"


def test_what_one_shopper_may_see_is_not_shown_to_another(shelf, monkeypatch):  # noqa: F811
    """``eligible(request)`` may differ between shoppers, and so may the cached shelves."""
    hidden = shelf[1]

    def eligible(self, request=None):
        products = Product.objects.filter(stock__gt=0)
        trade = request is not None and getattr(request, "is_trade", False)
        return products if trade else products.exclude(pk=hidden.pk)

    monkeypatch.setattr(FieldMappingAdapter, "eligible", eligible)
    tag = "{% get_similar product as hits %}{% for hit in hits %}{{ hit.key }} {% endfor %}"
    for _ in range(2):
        trade, anybody = RequestFactory().get("/"), RequestFactory().get("/")
        trade.is_trade = True
        assert str(hidden.pk) in render(tag, product=shelf[0], request=trade).split()
        assert str(hidden.pk) not in render(tag, product=shelf[0], request=anybody).split()


def test_error_of_the_database_leaves_the_pages_transaction_usable(shelf, monkeypatch):  # noqa: F811
    def fail(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")

    monkeypatch.setattr(shelf_cache, "similar_to", fail)
    assert render("{% similar_products product %}", product=shelf[0]) == ""
    assert Product.objects.count() == len(shelf)


def test_title_and_names_are_escaped(shelf):  # noqa: F811
    Product.objects.filter(pk=shelf[1].pk).update(name="<script>x</script>")
    html = render("{% similar_products product title=title %}", product=shelf[0], title="<b>")
    assert "<script>x" not in html
    assert "<b>" not in html


def test_explain_shows_reasons(shelf):  # noqa: F811
    assert "similarity-reasons" in render(
        "{% similar_products product explain=True %}", product=shelf[0]
    )


def test_own_template(shelf, settings, tmp_path):  # noqa: F811
    (tmp_path / "own.html").write_text(
        "{% for item in items %}[{{ item.product.sku }}]{% endfor %}"
    )
    templates = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]
    settings.TEMPLATES = templates
    html = render("{% similar_products product limit=1 template='own.html' %}", product=shelf[0])
    assert html == f"[{shelf[1].sku}]"


def test_get_similar_gives_hits(shelf):  # noqa: F811
    html = render(
        "{% get_similar product limit=2 as hits %}"
        "{% for hit in hits %}{{ hit.product.pk }}:{{ hit.tier }} {% endfor %}",
        product=shelf[0].pk,
    )
    assert html == f"{shelf[1].pk}:fused {shelf[2].pk}:fused"


def lazy_address(product, extra=""):
    html = render("{% similar_products product lazy=True " + extra + "%}", product=product)
    return html, html.split('data-similarity-src="')[1].split('"')[0]


def test_lazy_shelf_asks_nothing_until_it_is_fetched(shelf, django_assert_num_queries):  # noqa: F811
    with django_assert_num_queries(0):
        html, address = lazy_address(shelf[0], "limit=2 title='More' ")
    assert f'<noscript><a class="similarity-link" href="{address}">More</a></noscript>' in html
    assert "<script>" not in html  # nothing inline, for a strict content security policy
    assert "style=" not in html
    fragment = Client().get(address, headers={"X-Similarity-Fragment": "1"})
    assert fragment.status_code == 200
    assert "<html" not in fragment.content.decode()
    assert -1 not in positions(fragment.content.decode(), shelf[1:3])
    assert "X-Similarity-Fragment" in fragment["Vary"]


def test_without_javascript_the_link_is_a_page(shelf):  # noqa: F811
    _html, address = lazy_address(shelf[0])
    page = Client().get(address).content.decode()
    assert page.lower().count("<html") == 1
    assert shelf[1].get_absolute_url() in page


def test_fragment_shows_nothing_sold_out(shelf):  # noqa: F811
    _html, address = lazy_address(shelf[0])
    Product.objects.filter(pk=shelf[1].pk).update(is_active=False)
    assert shelf[1].get_absolute_url() not in Client().get(address).content.decode()


@pytest.mark.parametrize("arguments", ["nonsense", "a:b", "eyJhIjoxfQ:xx"])
def test_fragment_address_that_was_not_signed_is_404(arguments, version):  # noqa: F811
    assert Client().get(f"/api/similarity/v1/fragments/{arguments}/").status_code == 404


def test_fragment_asks_for_the_permission_of_the_api(shelf, settings):  # noqa: F811
    _html, address = lazy_address(shelf[0])
    closed = {"PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"]}
    settings.SIMILARITY = with_settings(API=closed)
    refused = Client().get(address, headers={"X-Similarity-Fragment": "1"})
    assert refused.status_code == 403
    assert shelf[1].get_absolute_url() not in refused.content.decode()
    client = Client()
    client.force_login(User.objects.create_user("shopper"))
    assert shelf[1].get_absolute_url() in client.get(address).content.decode()


def test_fragments_are_counted_with_the_other_shelves(shelf, settings):  # noqa: F811
    _html, address = lazy_address(shelf[0])
    settings.SIMILARITY = with_settings(API={"THROTTLE": "2/min"})
    assert [Client().get(address).status_code for _ in range(3)] == [200, 200, 429]
    assert Client().get(f"/api/similarity/v1/products/{shelf[0].pk}/similar/").status_code == 429


def test_fragment_address_is_the_same_for_weeks_and_not_for_ever(shelf, monkeypatch):  # noqa: F811
    now = 10 * shelf_cache.PERIOD_S + 1
    monkeypatch.setattr(shelf_cache, "time", SimpleNamespace(time=lambda: now))
    _html, address = lazy_address(shelf[0])
    for later, found in ((shelf_cache.PERIOD_S - 2, 200), (2 * shelf_cache.PERIOD_S - 2, 200)):
        monkeypatch.setattr(shelf_cache, "time", SimpleNamespace(time=lambda: now + later))  # noqa: B023
        assert Client().get(address).status_code == found
        assert (lazy_address(shelf[0])[1] == address) is (later < shelf_cache.PERIOD_S - 1)
    monkeypatch.setattr(
        shelf_cache, "time", SimpleNamespace(time=lambda: now + 2 * shelf_cache.PERIOD_S)
    )
    assert Client().get(address).status_code == 404


def test_lazy_with_within_is_logged(shelf, caplog):  # noqa: F811
    html = render(
        "{% similar_products product lazy=True within=chosen %}",
        product=shelf[0],
        chosen=Product.objects.all(),
    )
    assert html == ""
    assert "within" in caplog.text


def test_reasons_too_small_to_matter_are_kept_from_people():
    product = Product(pk=1)
    reasons = (Reason("text", 0.96, "Similar description"), Reason("price", 0.04, "Same price"))
    (item,) = shelf_cache.shelf_items([Hit("1", 0.9, "fused", reasons, product=product)])
    assert [reason.name for reason in item.reasons] == ["text"]
    assert item.hit.reasons == reasons


def test_eligible_that_compares_with_now_keeps_its_shelf(shelf, settings, monkeypatch):  # noqa: F811
    """Else each view would have a key of its own, and none ever be found again."""
    moment = timezone.now().replace(minute=1, second=0)

    def key(at):
        eligible = Product.objects.filter(is_active=True, created_at__lte=at)
        return shelf_cache._cache_key(["x"], eligible)

    assert len({key(moment + timedelta(seconds=at)) for at in range(0, 120, 7)}) == 1
    assert key(moment) != key(moment + timedelta(hours=1)), "a sale that began shows"
    assert key(moment) != shelf_cache._cache_key(["x"], Product.objects.filter(is_active=True))


@pytest.mark.parametrize(
    ("language", "currency", "written"),
    [
        ("en", "EUR", "€1,235.90"),
        ("en-gb", "GBP", "£1,235.90"),
        ("de", "EUR", "1.235,90\xa0€"),
        ("en", "JPY", "¥1,236"),
        ("en", "", "1,235.90"),
        ("xx", "EUR", "1235.90 EUR"),
    ],
)
def test_a_price_is_written_as_the_language_writes_it(language, currency, written):
    pytest.importorskip("babel")
    with translation.override(language):
        assert tags.money(Decimal("1235.90"), currency) == written


def test_a_price_without_babel_has_the_code_of_its_currency(monkeypatch):
    monkeypatch.setattr(tags, "_babel", lambda: None)
    assert tags.money(Decimal("5.9"), "EUR") == "5.90 EUR"
    assert tags.money(None, "EUR") == ""


def test_a_lazy_shelf_speaks_the_language_of_its_page(shelf, settings, monkeypatch):  # noqa: F811
    """The browser of a shopper on a German page may ask for English."""
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    monkeypatch.setattr(Product, "get_absolute_url", lambda self: f"/{translation.get_language()}/")
    with translation.override("de"):
        _html, address = lazy_address(shelf[0])
    answer = Client().get(address, headers={"accept-language": "en"})
    assert b'href="/de/"' in answer.content
    assert b'href="/en/"' not in answer.content
    assert answer["Content-Language"] == "de"
