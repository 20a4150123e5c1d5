"""The plan of the demo catalogue, without a database."""

from collections import Counter, defaultdict

import pytest

from shop.seed.brands import BRANDS
from shop.seed.catalogue import KINDS, plan
from shop.seed.drawing.materials import MATERIALS
from shop.seed.drawing.palette import COLOURS
from shop.seed.fit import MADE_OF
from shop.seed.words import MATERIAL_SAYS, PATTERN_SAYS


@pytest.fixture(scope="module")
def items():
    return plan(400, seed=7)


def test_the_same_seed_plans_the_same_and_another_seed_does_not():
    assert plan(50, seed=7) == plan(50, seed=7)
    assert [item.name for item in plan(50, seed=7)] != [item.name for item in plan(50, seed=8)]


def test_more_products_only_add_to_the_end(items):
    assert plan(30, seed=7) == items[:30]


def test_four_hundred_products_are_of_every_kind_and_have_names_of_their_own(items):
    kinds = Counter(item.kind.name for item in items)
    assert len(kinds) == len(KINDS) >= 20
    assert min(kinds.values()) >= 5
    assert len({item.name for item in items}) == len({item.slug for item in items}) == 400
    assert len({item.look for item in items}) == 400


def test_texts_are_whole_sentences_of_a_sensible_length(items):
    for item in items:
        assert 90 < len(item.description) < 480, item.description
        assert item.description.endswith((".", "?", "!"))
        assert "{" not in item.description + item.name
        assert all(len(alt) < 250 for _, alt in item.photos)
    assert len({item.description for item in items}) > 370


def test_variants_of_a_model_share_all_but_the_colour(items):
    groups = defaultdict(list)
    for item in items:
        if item.group:
            groups[item.group].append(item)
    whole = [group for group in groups.values() if len(group) > 1]
    assert len(whole) > 40
    for group in whole:
        assert len({item.look.colour for item in group}) == len(group)
        assert (
            len({(i.kind.name, i.brand, i.price, i.look.shape, i.look.material) for i in group})
            == 1
        )


def test_some_are_sold_out_and_some_inactive(items):
    assert 10 < sum(item.stock == 0 for item in items) < 60
    assert 4 < sum(not item.active for item in items) < 40


def test_every_word_used_in_the_tables_is_known():
    """A misspelt colour, material or department would fail only for some seeds."""
    departments = {department for brand in BRANDS for department in brand.departments}
    names = {(kind.name, shape) for kind in KINDS for shape in kind.shapes}
    assert set(MADE_OF) <= names
    for kind in KINDS:
        assert kind.department in departments
        assert set(kind.colours) <= set(COLOURS)
        assert set(kind.patterns) - {"plain"} <= set(PATTERN_SAYS)
        made_of = {m for shape in kind.shapes for m in MADE_OF.get((kind.name, shape), ())}
        assert {*kind.materials, *made_of} <= set(MATERIALS)
        assert {*kind.materials, *made_of} <= set(MATERIAL_SAYS)
