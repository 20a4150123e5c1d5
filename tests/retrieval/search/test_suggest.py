import pytest

from similarity.exceptions import QueryError
from similarity.search import suggest
from tests.host.models import Product


def of_kind(found, kind):
    return [one.text for one in found if one.kind == kind]


def test_the_last_word_is_completed_and_the_others_kept(wardrobe):
    assert of_kind(suggest("navy sh"), "query") == ["navy shirt"]
    assert of_kind(suggest("NÀVY LI"), "query") == ["navy linen"]


def test_a_completion_that_finds_nothing_with_the_other_words_is_left_out(wardrobe):
    assert of_kind(suggest("red sh"), "query") == [], "there is no red shirt"


def test_categories_and_brands_begin_as_the_text_does(wardrobe):
    assert of_kind(suggest("dre"), "category") == ["Dresses"]
    assert of_kind(suggest("north"), "brand") == ["Northfield"]


def test_products_whose_title_begins_so_come_first(wardrobe):
    assert of_kind(suggest("navy l"), "product")[0] == "Navy linen shirt"
    assert of_kind(suggest("linen shirt"), "product") == ["Navy linen shirt"]


def test_nothing_is_suggested_that_may_not_be_shown(wardrobe):
    Product.objects.filter(pk=wardrobe[0].pk).update(stock=0)
    found = suggest("dre")
    assert found == []
    assert suggest("lin", within=Product.objects.none()) == []


def test_words_of_one_stem_are_suggested_once(indexed):
    indexed({"name": "Lamp"}, {"name": "Lamps"}, {"name": "Lamp red"}, category="Light")
    assert of_kind(suggest("la"), "query") == ["lamp"]


@pytest.mark.parametrize("text", ["", "  ", "%", "'", "\0", "\ud800", "x" * 500])
def test_any_text_will_do(wardrobe, text):
    suggest(text)


@pytest.mark.parametrize("limit", [0, True, "8", 10**9])
def test_a_limit_that_cannot_be_served_is_named(db, limit):
    with pytest.raises(QueryError, match="limit is"):
        suggest("lamp", limit)


def test_suggestions_take_few_queries(wardrobe, django_assert_max_num_queries):
    with django_assert_max_num_queries(28):
        suggest("navy sh")
