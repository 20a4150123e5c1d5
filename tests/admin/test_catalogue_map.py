"""The map of the catalogue, as staff see it: without a script, and with a table beside it."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from similarity.insights.admin.map_picture import DEEPEST, Picture, Window, is_within
from similarity.insights.models import CatalogueMap
from similarity.models import EncoderVersion
from tests.fixtures_indexing import dead_broker, wakeups  # noqa: F401

pytestmark = pytest.mark.django_db

MAP = "/admin/similarity_insights/cataloguemap/map/"
DRAW = "/admin/similarity_insights/cataloguemap/draw/"
NAMES = [f"Home > Kind {number}" for number in range(6)]
NAMES += ["Wear > Boots", "Wear > Hats", "Wear > Hats > Caps", "Toys"]


@pytest.fixture
def products(make_product):
    return [make_product(name=f"Thing {number}") for number in range(20)]


@pytest.fixture
def drawn(products):
    """Two products of each category, from the top left to the bottom right; the last has none."""
    version = EncoderVersion.objects.create(
        status="live", encoders={}, fusion=b"", dimensions={}, weights={}
    )
    codes = [number // 2 for number in range(20)]
    codes[19] = -1
    return CatalogueMap.objects.create(
        version=version,
        made_at=timezone.now(),
        took_s=1.5,
        products=4321,
        categories=[{"name": name, "products": 2, "together": 0.5} for name in NAMES],
        points={
            "key": [str(product.pk) for product in products],
            "title": [product.name for product in products[:19]] + ["<b>No & category</b>"],
            "x": [20.0 + 50 * number for number in range(20)],
            "y": [20.0 + 50 * number for number in range(20)],
            "category": codes,
        },
        outliers=[
            _outlier(3, 6, products[5:8]),
            _outlier(4, -1, products[9:10]),
        ],
    )


def _outlier(row, suggested, near):
    return {
        "row": row, "suggested": suggested, "own": 0, "theirs": 8 if suggested >= 0 else 0,
        "of": 10, "usual": 0.04, "cosine": 0.5, "striking": 0.4,
        "nearest": [str(product.pk) for product in near],
    }  # fmt: skip


def body(response):
    return response.content.decode().split('id="content-main"')[1].split("</main>")[0]


def test_every_product_is_a_mark_with_its_name_that_leads_to_its_neighbours(
    admin_client, drawn, products
):
    html = body(admin_client.get(MAP))
    preview = reverse("admin:similarity_encoderversion_neighbours", args=[products[2].pk])
    assert f'<a href="{preview}" tabindex="-1"><use href="#g' in html
    assert "<title>Thing 2 – Home &gt; Kind 1</title>" in html
    assert "<title>&lt;b&gt;No &amp; category&lt;/b&gt;</title>" in html
    assert html.count("<title>Thing") == 19
    assert "20 of 4321 products" in html


def test_it_holds_under_a_strict_policy_and_without_a_script(admin_client, drawn):
    html = body(admin_client.get(MAP))
    assert "<script" not in html
    assert "style=" not in html
    assert not re.search(r"\son\w+=", html)


def test_numbers_of_the_picture_have_points_in_every_language(admin_client, drawn, settings):
    """In German a place of 20,5 would be two places."""
    settings.LANGUAGE_CODE = "de"
    settings.USE_THOUSAND_SEPARATOR = True
    html = body(admin_client.get(MAP))
    assert 'x="20.0" y="20.0"' in html
    assert 'viewBox="0 0 1000 1000"' in html
    assert not re.search(r'(x|y|width|viewBox)="[\d.]+,', html)


def test_many_categories_are_coloured_by_their_first_level(admin_client, drawn):
    legend = [(entry.name, entry.products) for entry in admin_client.get(MAP).context["legend"]]
    assert legend == [("Home", 12), ("Wear", 6), ("Toys", 1), ("without a category", 1)]


def test_a_filter_shows_one_category_and_where_the_others_lie(admin_client, drawn):
    response = admin_client.get(MAP, {"category": "Wear"})
    titles = [mark.title for mark, _address in response.context["marks"]]
    assert sorted(titles) == [f"Thing {number}" for number in range(12, 18)]
    assert len(response.context["ghosts"]) == 14
    assert [entry.name for entry in response.context["legend"]] == [
        "Wear > Boots",
        "Wear > Hats",
        "Wear > Hats > Caps",
    ]
    assert '<option value="Wear" selected>Wear (6)</option>' in body(response)


def test_a_window_shows_its_part_alone(admin_client, drawn):
    response = admin_client.get(MAP, {"z": 2, "x": 125, "y": 125})
    titles = {mark.title for mark, _address in response.context["marks"]}
    assert titles == {f"Thing {number}" for number in range(5)}
    assert 'viewBox="0 0 250 250"' in body(response)


def test_moves_stay_inside_and_lead_back():
    corner = Window.asked({"z": "1", "x": "0", "y": "0"})
    assert corner.box == (0, 0, 500, 500)
    assert set(corner.moves()) == {"closer", "further", "down", "right", "whole"}
    assert Window.asked({}).moves().keys() == {"closer"}
    right = Window.asked({"z": "1", "x": "500", "y": "250"})
    assert corner.moves()["right"] == right.address
    deepest = Window(level=DEEPEST)
    assert "closer" not in deepest.moves()
    assert not list(deepest.quarters())
    assert len(list(corner.quarters())) == 4


@pytest.mark.parametrize(
    "query",
    [
        {"z": "x"}, {"z": "-3"}, {"z": "99", "x": "1e999", "y": "nan"}, {"x": "inf"},
        {"category": "there is none"}, {"category": "<script>"}, {"z": "9" * 400},
    ],
)  # fmt: skip
def test_a_meddled_address_is_answered(admin_client, drawn, query):
    response = admin_client.get(MAP, query)
    assert response.status_code == 200
    assert "<script" not in body(response)


def test_outliers_are_told_with_reasons_photos_and_where_they_belong(admin_client, drawn, products):
    html = " ".join(body(admin_client.get(MAP)).split())
    assert "Filed in <em>Home &gt; Kind 1</em>" in html
    assert "8 are in <em>Wear &gt; Boots</em> and none in its own category" in html
    assert "4 % of their nearest" in html
    assert "Like no other product" in html
    assert reverse("admin:host_product_change", args=[products[3].pk]) in html
    assert html.count('href="#apart"') == 2
    assert f'title="{products[6].name}"' in html


def test_products_that_are_gone_are_left_out(admin_client, drawn, products):
    products[3].delete()
    response = admin_client.get(MAP)
    assert [one.card.title for one in response.context["outliers"]] == ["Thing 4"]


def test_tables_say_the_same_in_words(admin_client, drawn):
    html = body(admin_client.get(MAP))
    for name in NAMES:
        assert (
            f'<th scope="row"><a href="?category={name.replace(" > ", "+%3E+").replace(" ", "+")}">'
            in html
        )
    assert "<td>50 %</td>" in html
    assert html.count('<tr><th scope="row">') == len(NAMES) + 20


def test_a_page_asks_few_queries_however_many_points(
    admin_client, drawn, django_assert_max_num_queries
):
    admin_client.get(MAP)
    with django_assert_max_num_queries(8):
        admin_client.get(MAP)


def test_before_the_first_map_it_says_how_to_draw_one(admin_client):
    html = body(admin_client.get(MAP))
    assert "manage.py similarity map" in html
    assert "<svg" not in html


def test_maps_drawn_before_are_listed_and_shown(admin_client, drawn):
    listed = admin_client.get("/admin/similarity_insights/cataloguemap/")
    address = reverse("admin:similarity_insights_cataloguemap_change", args=[drawn.pk])
    assert address in listed.content.decode()
    assert "Thing 2" in body(admin_client.get(address))
    gone = reverse("admin:similarity_insights_cataloguemap_change", args=[drawn.pk + 99])
    assert admin_client.get(gone).status_code == 404


def test_a_worker_is_asked_for_a_new_map(admin_client, wakeups):  # noqa: F811
    html = admin_client.post(DRAW, follow=True).content.decode()
    assert wakeups == ["similarity.map_catalogue"]
    assert "A worker is drawing a new map" in html
    assert admin_client.get(DRAW).status_code == 302
    assert len(wakeups) == 1


def test_a_broker_that_is_down_is_said(admin_client, dead_broker):  # noqa: F811
    assert "does not answer" in admin_client.post(DRAW, follow=True).content.decode()


def test_who_may_look_and_who_may_draw(drawn, wakeups):  # noqa: F811
    user = User.objects.create_user("clerk", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get(MAP).status_code == 403
    assert client.post(DRAW).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_cataloguemap"))
    response = client.get(MAP)
    assert response.status_code == 200
    assert "Draw a new map" not in body(response)
    assert client.post(DRAW).status_code == 403
    assert wakeups == []


def test_categories_with_names_that_begin_alike_are_two():
    assert is_within("Wear > Hats", "Wear")
    assert is_within("Wear", "Wear")
    assert not is_within("Wearables > Watches", "Wear")


def test_the_largest_groups_have_colours_and_the_rest_are_grey(drawn):
    drawn.categories = [
        {"name": f"Kind {number:02}", "products": 2, "together": None} for number in range(10)
    ]
    picture = Picture(drawn, Window())
    legend = picture.legend()
    assert [entry.group for entry in legend] == list(range(9))
    assert legend[-1].name == "2 other categories"
    assert sum(entry.products for entry in legend) == 20
