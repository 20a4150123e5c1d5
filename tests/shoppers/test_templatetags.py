"""Personal shelves on a host's page: for this request alone, each product once, by live filters."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from similarity.catalog import times
from similarity.events.identity import COOKIE, pseudonym_of
from similarity.events.models import Event, Kind, Profile
from similarity.shoppers.models import AlsoViewedItem, TrendingItem
from tests.host_models import Product

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-this-test"


@pytest.fixture(autouse=True)
def _plain(settings, change_settings):
    """The plugin's own templates, and no exploration."""
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": []}]
    change_settings(SHOPPERS={"EXPLORATION": 0})


@pytest.fixture
def shopper(db):
    return Profile.objects.create(pseudonym=pseudonym_of(TOKEN))


def ask(user=None, token=TOKEN, **headers):
    request = RequestFactory().get("/shop/?page=2", **headers)
    request.user = user or AnonymousUser()
    request.COOKIES[COOKIE] = token
    return request


def render(source, request=None, **context):
    told = {"request": ask() if request is None else request, "csrf_token": "x" * 32, **context}
    loaded = "{% load similarity similarity_orders similarity_shoppers %}"
    return Template(loaded + source).render(Context(told)).strip()


def shown(html):
    return re.findall(r'class="similarity-name">([^<]*)<', html)


def heading(html):
    return re.findall(r"<h2[^>]*>([^<]*)<", html)


def test_for_you_is_personal_and_an_unknown_shopper_gets_best_sellers(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0])
    html = render("{% for_you limit=3 %}")
    assert heading(html) == ["For you"]
    assert {name.split()[0] for name in shown(html)} == {"Lamps"}
    unknown = render("{% for_you limit=3 %}", ask(token=""))
    assert heading(unknown) == ["Popular products"]
    assert "csrf" not in unknown, "the form would set a cookie without consent"


def test_because_you_viewed_names_the_product(shop, live, shopper, did):
    mug, lamp = shop.of("Mugs")[0], shop.of("Lamps")[0]
    did("view", mug, lamp)
    html = render("{% because_you_viewed %}")
    assert heading(html) == [f"Because you looked at {lamp.name}"]
    of_the_page = render("{% because_you_viewed product=lamp %}", lamp=lamp)
    assert heading(of_the_page) == [f"Because you looked at {mug.name}"]
    assert lamp.name not in shown(of_the_page)


def test_recently_viewed_and_buy_again(shop, orders_of):
    ada = User.objects.create_user("ada")
    profile = Profile.objects.create(user=ada)
    mug, lamp = shop.of("Mugs")[0], shop.of("Lamps")[0]
    at = profile.consented_at
    Event.objects.create(profile=profile, kind=Kind.VIEW, product_id=mug.pk, at=at)
    orders_of(ada, lamp)
    html = render("{% recently_viewed %}{% buy_again %}", ask(user=ada))
    assert (heading(html), shown(html)) == (
        ["Recently viewed", "Buy again"],
        [mug.name, lamp.name],
    )
    assert render("{% recently_viewed %}{% buy_again %}", ask(token="")) == ""


def test_no_product_is_twice_on_a_page(shop, live, shopper, did):
    lamps = shop.of("Lamps")
    did("view", lamps[0], shop.of("Mugs")[0])
    page = (
        "{% similar_products product limit=2 %}{% for_you limit=4 %}{% recently_viewed %}"
        "{% because_you_viewed limit=2 %}{% get_for_you limit=3 as hits %}"
        "{% for hit in hits %}<i class='similarity-name'>{{ hit.product.name }}</i>{% endfor %}"
    )
    names = shown(render(page, product=lamps[1]).replace("'", '"'))
    assert len(names) == len(set(names)) >= 8
    assert lamps[1].name not in names


def test_a_hidden_product_is_gone_at_once_from_every_shelf(shop, live, shopper, did):
    lamps = shop.of("Lamps")
    did("view", *lamps[:2])
    page = "{% for_you explain=True %}{% because_you_viewed %}{% recently_viewed %}"
    hidden = shown(render(page))[0]
    Product.objects.filter(name__in=[hidden, lamps[1].name]).update(is_active=False)
    html = render(page)
    assert hidden not in html
    assert lamps[1].name not in html


def test_a_shopper_turns_a_product_down_without_javascript(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0])
    html = render("{% for_you limit=2 %}")
    assert f'action="{reverse("similarity:event_form")}"' in html
    assert 'name="next" value="/shop/?page=2"' in html
    key = re.search(r'name="product" value="(\d+)"', html)[1]
    client = Client(HTTP_USER_AGENT="Mozilla/5.0 Firefox/140.0")
    client.cookies[COOKIE] = TOKEN
    form = {"type": "not_interested", "product": key, "next": "/shop/?page=2"}
    answer = client.post(reverse("similarity:event_form"), form)
    assert (answer.status_code, answer["Location"]) == (302, "/shop/?page=2")
    assert Product.objects.get(pk=key).name not in render("{% for_you limit=12 %}")


def test_reasons_are_shown_when_asked_for_and_wanted(shop, live, shopper, did):
    lamp = shop.of("Lamps")[0]
    did("view", lamp)
    assert f"Because you looked at {lamp.name}" in render("{% for_you explain=True %}")
    assert "Because" not in render("{% for_you %}")
    Profile.objects.update(reasons=False)
    assert "Because" not in render("{% for_you explain=True %}")


def test_titles_templates_and_queryset_of_the_host(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0])
    within = Product.objects.filter(category__name="Mugs")
    html = render("{% for_you title='Just you' within=within %}", within=within)
    assert heading(html) == ["Just you"]
    assert {name.split()[0] for name in shown(html)} == {"Mugs"}


def test_a_products_name_is_escaped_in_titles_and_reasons(shop, live, shopper, did):
    lamp = shop.of("Lamps")[0]
    Product.objects.filter(pk=lamp.pk).update(name="<b>Lamp</b>")
    did("view", lamp)
    html = render("{% because_you_viewed limit=1 %}{% for_you explain=True %}")
    assert "<b>Lamp" not in html
    assert html.count("Because you looked at &lt;b&gt;Lamp") >= 2


def test_a_browser_that_refuses_gets_nothing_personal(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0])
    request = ask(HTTP_SEC_GPC="1")
    assert heading(render("{% for_you %}{% recently_viewed %}", request)) == ["Popular products"]


def test_public_shelves_are_the_same_for_everybody(shop, live, shopper, did):
    mug, lamp, chair = (shop.of(name)[0] for name in ("Mugs", "Lamps", "Chairs"))
    today = times.today()
    TrendingItem.objects.create(name=shop.name(lamp), step=1, day=today)
    TrendingItem.objects.create(name=shop.name(mug), step=1, day=today)
    AlsoViewedItem.objects.create(source=shop.name(mug), name=shop.name(chair), step=1, day=today)
    page = "{% people_also_viewed product %}{% trending product=product %}"
    html = render(page, product=mug)
    assert heading(html) == ["People also viewed", "Trending"]
    assert shown(html) == [chair.name, lamp.name], "not the page's own product"
    did("not_interested", lamp)
    assert render(page, product=mug) == html == render(page, ask(token=""), product=mug)


@pytest.mark.parametrize(
    "tag", ["for_you", "because_you_viewed", "recently_viewed", "buy_again", "get_for_you"]
)
def test_an_error_leaves_the_page_whole(shop, caplog, tag):
    assert render("a{% " + tag + " limit=0 %}b").replace("[]", "") == "ab"
    assert tag in caplog.text


def test_without_a_request_the_shopper_is_unknown(shop, live):
    template = Template("{% load similarity_shoppers %}{% for_you %}{% recently_viewed %}")
    assert heading(template.render(Context())) == ["Popular products"]


def test_several_shelves_read_the_history_once(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0], shop.of("Mugs")[0])
    page = "{% for_you limit=2 %}{% because_you_viewed limit=2 %}{% recently_viewed %}"
    render(page)
    with CaptureQueriesContext(connection) as seen:
        render(page)
    of_history = [one for one in seen if "FROM similarity_event" in one["sql"]]
    of_profile = [one for one in seen if 'FROM "similarity_profile"' in one["sql"]]
    assert (len(of_history), len(of_profile)) == (1, 1)
