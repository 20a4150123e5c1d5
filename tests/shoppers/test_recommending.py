"""Personal shelves from the first click: tiers, what is left out, reasons, cold start."""

import os
import subprocess
import sys

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from similarity.events.models import Profile
from similarity.exceptions import QueryError
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.recommending import recommend_for
from tests.databases import current_address
from tests.host_models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_exploration(change_settings):
    change_settings(SHOPPERS={"EXPLORATION": 0})


def keys(hits):
    return [int(hit.key) for hit in hits]


def tiers(hits):
    return [hit.tier for hit in hits]


def categories(hits):
    return [hit.product.category.name for hit in hits]


def test_the_first_click_makes_the_next_shelf_personal(shop, live, shopper, did):
    assert set(tiers(recommend_for(shopper, 4))) == {"popular"}
    did("view", shop.of("Lamps")[0])
    hits = recommend_for(shopper, 3)
    assert (tiers(hits), set(categories(hits))) == (["personal"] * 3, {"Lamps"})
    did("view", shop.of("Chairs")[0])
    assert set(categories(recommend_for(shopper, 3))) == {"Chairs"}


def test_scores_fall_and_are_between_0_and_1(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0])
    scores = [hit.score for hit in recommend_for(shopper, 8)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_the_live_filter_decides_what_is_shown(shop, live, shopper, did):
    lamps = shop.of("Lamps")
    did("view", lamps[0])
    best = keys(recommend_for(shopper, 2))
    Product.objects.filter(pk=best[0]).update(stock=0)
    assert best[0] not in keys(recommend_for(shopper, 8))
    within = Product.objects.filter(pk__in=[one.pk for one in shop.of("Mugs")])
    assert set(categories(recommend_for(shopper, 3, within=within))) == {"Mugs"}
    assert recommend_for(shopper, 3, within=Product.objects.none()) == []
    sliced = Product.objects.order_by("pk")[:6]
    assert set(keys(recommend_for(shopper, 6, within=sliced))) <= {one.pk for one in sliced}


def test_what_was_seen_bought_or_turned_down_is_left_out_with_its_variants(
    shop, live, shopper, did, make_product
):
    from tests.shoppers.conftest import store

    lamps = shop.of("Lamps")
    variants = [make_product(name=f"Lamp {n}", category="Lamps", group="lamp") for n in (7, 8)]
    for one in variants:
        store(shop.version, one, shop.vector(lamps[0]))
    from similarity.shoppers.item_upkeep import write_changed

    write_changed(shop.version.pk, [one.pk for one in variants], "default")
    did("view", lamps[0])
    did("purchase", variants[0])
    did("not_interested", lamps[1])
    found = keys(recommend_for(shopper, 12))
    assert not {lamps[0].pk, lamps[1].pk, *(one.pk for one in variants)} & set(found)
    assert keys(recommend_for(shopper, 12, exclude=[lamps[2]])).count(lamps[2].pk) == 0


def test_not_interested_pushes_its_neighbours_down_at_once(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0])
    did("view", shop.of("Chairs")[0])
    did("view", shop.of("Lamps")[1])
    assert categories(recommend_for(shopper, 2)) == ["Lamps"] * 2
    did("dislike", shop.of("Lamps")[2])
    assert categories(recommend_for(shopper, 1)) != ["Lamps"]


def test_one_shoppers_shelf_never_depends_on_another(shop, live, shopper, did):
    other = Profile.objects.create(pseudonym="1" * 64)
    did("view", shop.of("Lamps")[0])
    before = recommend_for(shopper, 6)
    did("view", *shop.of("Chairs"), of=other)
    did("not_interested", *shop.of("Lamps"), of=other)
    assert recommend_for(shopper, 6) == before


def test_likes_at_sign_up_are_a_history(shop, live, django_user_model):
    chair = shop.of("Chairs")[0]
    user = django_user_model.objects.create_user("ada")
    hits = recommend_for(user, 3, likes=[chair, shop.of("Chairs")[1].pk])
    assert set(categories(hits)) == {"Chairs"} | {categories(hits)[2]}
    assert tiers(hits)[:2] == ["personal"] * 2
    assert chair.pk not in keys(hits) or hits[0].product != chair


def test_a_shopper_who_switched_it_off_gets_the_unknown_shoppers_shelf(shop, live, shopper, did):
    unknown = recommend_for(None, 6)
    did("view", shop.of("Lamps")[0])
    shopper.personal = False
    assert recommend_for(shopper, 6) == unknown == recommend_for(AnonymousUser(), 6)


def test_a_user_without_events_has_a_shelf_by_orders_alone(
    shop, live, django_user_model, orders_of
):
    user = django_user_model.objects.create_user("ada")
    bought = shop.of("Lamps")[0]
    orders_of(user, bought)
    hits = recommend_for(user, 3)
    assert (tiers(hits), set(categories(hits))) == (["personal"] * 3, {"Lamps"})
    assert bought.pk not in keys(hits)


def test_orders_that_cannot_be_read_cost_only_themselves(
    shop, live, shopper, did, django_user_model, monkeypatch, caplog
):
    from similarity.extension import Extension

    def broken(self, user, most, using):
        raise RuntimeError("the orders' service is down")

    monkeypatch.setattr(Extension, "purchases", broken)
    user = django_user_model.objects.create_user("ada")
    profile = Profile.objects.create(user=user)
    did("view", shop.of("Lamps")[0], of=profile)
    assert tiers(recommend_for(user, 3)) == ["personal"] * 3
    assert "without the shopper's purchases" in caplog.text


def test_categories_that_are_denied_make_no_shelf(shop, live, shopper, did, change_settings):
    did("view", shop.of("Chairs")[0])
    did("view", shop.of("Lamps")[0])
    change_settings(EVENTS={"DENIED_CATEGORIES": ["Lamps"]})
    assert set(categories(recommend_for(shopper, 3))) == {"Chairs"}


# Without a model


def test_without_a_model_the_shelf_is_like_the_last_seen_then_of_its_category(shop, shopper, did):
    did("view", shop.of("Lamps")[0])
    hits = recommend_for(shopper, 8)
    assert tiers(hits)[:3] == ["similar"] * 3
    assert set(categories(hits)[:3]) == {"Lamps"}
    assert len(set(keys(hits))) == 8


def test_without_vectors_the_shelf_is_of_best_sellers(make_product, shopper, did):
    first = make_product(category="Mugs")
    make_product(category="Mugs")
    make_product(category="Lamps")
    did("view", first)
    hits = recommend_for(shopper, 3)
    assert (tiers(hits), first.pk in keys(hits)) == (["category", "popular"], False)


def test_an_unknown_shopper_gets_categories_in_turns(shop, live):
    hits = recommend_for(None, 6)
    assert tiers(hits) == ["popular"] * 6
    assert set(categories(hits)[:3]) == set(categories(hits)[3:]) == {"Mugs", "Lamps", "Chairs"}


def test_damaged_weights_fall_back_and_are_logged_once(shop, live, shopper, did, caplog):
    did("view", shop.of("Lamps")[0])
    ShopperModel.objects.update(weights=b"cut short")
    assert set(tiers(recommend_for(shopper, 3))) == {"similar"}
    recommend_for(shopper, 3)
    assert caplog.text.count("does not answer") == 1


def test_a_history_unknown_to_the_model_falls_back(shop, live, shopper, did, make_product):
    did("view", make_product(category="Lamps"))
    assert set(tiers(recommend_for(shopper, 3))) == {"category"}


# Reasons


def test_a_reason_names_the_nearest_product_of_the_history(shop, live, shopper, did):
    mug, lamp = shop.of("Mugs")[0], shop.of("Lamps")[0]
    did("view", mug)
    did("like", lamp)
    hits = recommend_for(shopper, 6, explain=True)
    of = {hit.product.category.name: hit.reasons[0].text for hit in hits if hit.reasons}
    assert of["Lamps"] == f"Because you like {lamp.name}"
    assert of["Mugs"] == f"Because you looked at {mug.name}"
    assert recommend_for(shopper, 1)[0].reasons == ()


def test_a_product_hidden_since_is_in_no_reason(shop, live, shopper, did):
    lamps = shop.of("Lamps")
    did("view", lamps[0], lamps[1])
    Product.objects.filter(pk=lamps[1].pk).update(is_active=False)
    texts = {hit.reasons[0].text for hit in recommend_for(shopper, 2, explain=True)}
    assert texts == {f"Because you looked at {lamps[0].name}"}


def test_a_shared_screen_shows_no_reasons(shop, live, shopper, did):
    did("view", shop.of("Lamps")[0])
    shopper.reasons = False
    assert {hit.reasons for hit in recommend_for(shopper, 4, explain=True)} == {()}


# Arguments and cost


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"who": "ada"}, "pass a request"),
        ({"who": None, "limit": 0}, "limit is 0"),
        ({"who": None, "diversity": 2}, "diversity is 2"),
        ({"who": None, "likes": ["x"]}, "no key"),
        ({"who": None, "within": []}, "queryset"),
    ],
)
def test_mistakes_are_named(shop, arguments, message):
    with pytest.raises(QueryError, match=message):
        recommend_for(**arguments)


@pytest.mark.django_db(transaction=True)
def test_a_personal_shelf_takes_few_statements(shop, live, shopper, did):
    did("view", *shop.of("Lamps"))
    recommend_for(shopper, 3)
    with CaptureQueriesContext(connection) as seen:
        assert tiers(recommend_for(shopper, 3)) == ["personal"] * 3
    # History with refusals, the live model, vectors of the history, candidates and products.
    assert len(seen) == 5, [one["sql"] for one in seen]


@pytest.mark.django_db(transaction=True)
def test_a_web_process_answers_by_the_model_without_torch(shop, live, shopper, did):
    """In a process of its own: the shopper's vector is computed by numpy alone."""
    did("view", shop.of("Lamps")[0])
    ask = (
        "import sys, django; django.setup()\n"
        "from similarity.events.models import Profile\n"
        "from similarity.shoppers import recommend_for\n"
        "print([hit.tier for hit in recommend_for(Profile.objects.get(), 3, explain=True)])\n"
        "heavy = ('torch', 'safetensors', 'transformers', 'scipy', 'sklearn', 'matplotlib')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    told = {"DATABASE_URL": current_address(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ask],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **told},
    )
    tiers_of, heavy = finished.stdout.splitlines()
    assert "personal" in tiers_of, finished.stderr
    assert heavy == "[]"
