"""The neighbours of one product, as staff see them."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.retrieval.conftest import make_version, store  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(admin_user):
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def mugs(make_product, make_version, store):  # noqa: F811
    """A source; one alike in text, one in colour, and one alike in both that is sold out."""
    version = make_version({"text": 0.6, "colour": 0.4}, {"text": 2, "colour": 2}, blocks={})
    made = {}
    for name, text, colour, stock in [
        ("source", [1, 0], [1, 0], 5),
        ("same words", [1, 0.1], [0, 1], 5),
        ("same colour", [0, 1], [1, 0.1], 5),
        ("sold out", [1, 0], [1, 0.1], 0),
    ]:
        made[name] = make_product(name=name, stock=stock)
        store(made[name], version, text=text, colour=colour)
    return made


def page(product, client, **weights):
    address = reverse("admin:similarity_encoderversion_neighbours", args=[product.pk])
    return client.get(address, weights)


def titles(response, of="neighbours"):
    return [neighbour.card.title for neighbour in response.context[of]]


def test_neighbours_with_scores_shares_and_links(staff, mugs):
    response = page(mugs["source"], staff)
    html = response.content.decode()
    assert titles(response) == ["same words", "same colour"]
    assert response.context["neighbours"][0].shares[0][0].name == "text"
    assert reverse("admin:host_product_change", args=[mugs["same words"].pk]) in html
    assert (
        reverse("admin:similarity_encoderversion_neighbours", args=[mugs["same words"].pk]) in html
    )
    assert html.count('type="range"') == 2
    assert (
        "style=" not in html.split('id="content-main"')[1].split("</main>")[0]
    )  # for a strict CSP
    bar = response.context["neighbours"][0].bar
    assert bar[0][1] == 0
    assert sum(width for _name, _start, width in bar) == pytest.approx(100, abs=0.1)


def test_what_the_filter_removed_is_listed_apart(staff, mugs):
    response = page(mugs["source"], staff)
    assert titles(response, "removed") == ["sold out"]


def test_sliders_weigh_the_parts_anew(staff, mugs):
    response = page(mugs["source"], staff, text=5, colour=95)
    assert titles(response) == ["same colour", "same words"]
    assert response.context["reweighted"]


@pytest.mark.parametrize("weights", [{"text": 0, "colour": 0}, {"text": 101}, {"text": "much"}])
def test_sliders_that_cannot_be_are_told(staff, mugs, weights):
    response = page(mugs["source"], staff, **weights)
    assert response.status_code == 200
    assert 'class="error' in response.content.decode()


def test_before_the_first_version_it_says_so(staff, make_product):
    make_product()
    response = page(make_product(), staff)
    assert "There is no live version yet" in response.content.decode()
    assert len(titles(response)) == 1


def test_a_product_that_is_not_there(staff, mugs):
    for key in ("987654", "shoe", "1%00"):
        assert page(type("Gone", (), {"pk": key}), staff).status_code == 404


def test_only_those_who_may_see_products_see_it(mugs):
    user = User.objects.create_user("clerk", is_staff=True)
    client = Client()
    client.force_login(user)
    assert page(mugs["source"], client).status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename="view_product"))
    assert page(mugs["source"], client).status_code == 200


def test_the_product_list_leads_to_it(staff, mugs):
    changelist = reverse("admin:host_product_changelist")
    data = {"action": "show_neighbours", "_selected_action": [mugs["source"].pk], "index": 0}
    response = staff.post(changelist, data)
    assert response.url == reverse(
        "admin:similarity_encoderversion_neighbours", args=[mugs["source"].pk]
    )
    data["_selected_action"] = [mugs["source"].pk, mugs["sold out"].pk]
    response = staff.post(changelist, data, follow=True)
    assert "Select exactly one product" in response.content.decode()


def test_the_plan_that_answered_is_told(staff, mugs):
    html = page(mugs["source"], staff).content.decode()
    assert "Fused searched by <strong>exact</strong>" in html
    assert "no valid index on fused" in html
