"""How near products are to the shopper of a request, and to nobody else."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from similarity.events.identity import COOKIE, pseudonym_of
from similarity.events.models import Profile
from similarity.shoppers.affinity import read_affinity

pytestmark = pytest.mark.django_db


@pytest.fixture
def shopper(db):
    return Profile.objects.create(pseudonym=pseudonym_of("mine"))


def ask(cookie="mine", **headers):
    request = RequestFactory().get("/", **headers)
    request.user, request.COOKIES[COOKIE] = AnonymousUser(), cookie
    return request


def test_products_like_the_history_are_nearer(shop, live, shopper, did):
    lamp, chair = shop.of("Lamps")[1], shop.of("Chairs")[1]
    did("view", shop.of("Lamps")[0])
    found = read_affinity(ask(), [lamp.pk, chair.pk], "default")
    assert found[lamp.pk] > 0.3 > found[chair.pk]
    assert all(-1 <= value <= 1 for value in found.values())


def test_a_product_turned_down_is_as_far_as_can_be(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0])
    did("not_interested", shop.of("Lamps")[1])
    keys = [shop.of("Lamps")[1].pk, shop.of("Lamps")[2].pk]
    assert read_affinity(ask(), keys, "default")[keys[0]] == -1.0


@pytest.mark.parametrize("asked", [{"cookie": "another"}, {"HTTP_SEC_GPC": "1"}])
def test_nothing_is_known_of_others_or_of_those_who_refuse(shop, live, shopper, did, asked):
    did("view", shop.of("Lamps")[0])
    assert read_affinity(ask(**asked), [shop.products[0].pk], "default") == {}


def test_nothing_without_a_model_or_without_products(shop, shopper, did):
    did("view", shop.of("Lamps")[0])
    assert read_affinity(ask(), [shop.products[0].pk], "default") == {}
    assert read_affinity(ask(), [], "default") == {}


def test_reranking_uses_it_as_the_taste(shop, live, shopper, did):
    from similarity.search import documents, rerank

    documents.index_all()
    did("view", shop.of("Chairs")[0])
    keys = [one.pk for one in shop.products]
    plain = rerank("plain product", keys)
    own = rerank("plain product", keys, request=ask())
    assert (plain.reason, own.reason) == ("", "")
    chairs = {one.pk for one in shop.of("Chairs")}

    def places(answer):
        return sum(at for at, key in enumerate(answer.results) if key in chairs)

    assert places(own) < places(plain)
