"""A share of each personal shelf is for new products, the nearest to the shopper by content."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from similarity.shoppers import new_products
from similarity.shoppers.item_upkeep import write_changed
from similarity.shoppers.personal_tier import mixed
from similarity.shoppers.recommending import recommend_for
from similarity.similar.hits import Candidate
from tests.host_models import Product
from tests.shoppers.conftest import KINDS, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(shop, candidate):
    """A model that learned every product of the shop, so that none of them is new."""
    from similarity.shoppers import promotion

    names = [shop.name(one) for one in shop.products]
    return promotion.promote(candidate, [(names, 2 * shop.content)])


@pytest.fixture
def add(shop, live, make_product):
    """Add products without events: ``add("Lamps", 2)``; a little farther than those known."""

    def add(category, number=1, **fields):
        at = ("Mugs", "Lamps", "Chairs").index(category)
        made = [make_product(category=category, **fields) for _ in range(number)]
        for product in made:
            store(shop.version, product, KINDS[at] + 0.4 * KINDS[(at + 1) % 3])
        write_changed(shop.version.pk, [one.pk for one in made], "default")
        new_products.forget()
        return made

    return add


def tiers(hits):
    return [hit.tier for hit in hits]


def test_a_share_of_the_places_is_for_new_products(add, shop, shopper, did, change_settings):
    lamps = add("Lamps", 3)
    add("Chairs", 3)
    did("view", shop.of("Lamps")[0])
    hits = recommend_for(shopper, 4)
    assert tiers(hits).count("new") == 0, "a tenth of 4 places is none"
    hits = recommend_for(shopper, 10)
    assert (tiers(hits).count("new"), hits[0].tier) == (1, "personal")
    change_settings(SHOPPERS={"EXPLORATION": 0.5})
    hits = recommend_for(shopper, 6)
    new = [hit for hit in hits if hit.tier == "new"]
    assert {int(hit.key) for hit in new} == {one.pk for one in lamps}, "the nearest by content"
    assert len({hit.key for hit in hits}) == 6


def test_it_is_off_at_0(add, shop, shopper, did, change_settings):
    add("Lamps", 3)
    did("view", shop.of("Lamps")[0])
    change_settings(SHOPPERS={"EXPLORATION": 0})
    assert "new" not in tiers(recommend_for(shopper, 12))


def test_new_products_pass_the_live_filter_and_what_was_turned_down(
    add, shop, shopper, did, change_settings
):
    change_settings(SHOPPERS={"EXPLORATION": 0.5})
    sold_out, refused, seen, left = add("Lamps", 4)
    did("view", shop.of("Lamps")[0], seen)
    did("not_interested", refused)
    Product.objects.filter(pk=sold_out.pk).update(stock=0)
    found = {int(hit.key) for hit in recommend_for(shopper, 12)}
    assert left.pk in found
    assert not {sold_out.pk, refused.pk, seen.pk} & found


def test_what_the_model_learned_is_not_new(shop, live):
    assert new_products.read_new_products(live.items, "default") == []


def test_the_newest_come_first_and_are_remembered_for_a_while(add, live, make_product):
    one, two = add("Lamps", 2)
    assert new_products.read_new_products(live.items, "default") == [two.pk, one.pk]
    Product.objects.filter(pk=two.pk).delete()
    assert new_products.read_new_products(live.items, "default") == [two.pk, one.pk]
    new_products.forget()
    assert new_products.read_new_products(live.items, "default") == [one.pk]


def test_an_old_product_is_not_new(add, live, monkeypatch):
    """By the date, if the model has one that is set when a product is made."""
    dated = Product._meta.get_field("created_at") if _has("created_at") else None
    if dated is None:
        pytest.skip("The host's products have no date")
    one, two = add("Lamps", 2)
    old = timezone.now() - timedelta(days=new_products.NEW_DAYS + 1)
    Product.objects.filter(pk=two.pk).update(created_at=old)
    new_products.forget()
    assert new_products.read_new_products(live.items, "default") == [one.pk]


def _has(name):
    return name in {field.name for field in Product._meta.get_fields()}


@pytest.mark.parametrize(
    ("new", "wanted", "places"),
    [(0, 4, []), (1, 4, [2]), (2, 6, [2, 4]), (4, 4, [0, 1, 2, 3]), (3, 4, [1, 2, 3])],
)
def test_new_products_have_evenly_spaced_places(new, wanted, places):
    found = [Candidate(f"p{n}", "", 1.0) for n in range(9)]
    shelf = mixed(found, [Candidate(f"n{n}", "", 0.5) for n in range(new)], wanted)
    assert len(shelf) == wanted
    assert [at for at, one in enumerate(shelf) if one.key.startswith("n")] == places


def test_a_shelf_shorter_than_wanted_still_holds_them():
    one = np.random.default_rng(0).integers(3)
    new = [Candidate("n", "", 0.5)]
    assert [each.key for each in mixed([], new, 4 + int(one))] == ["n"]
