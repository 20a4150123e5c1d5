"""Paths over models that are not the shop's: many-to-many, one-to-one and reverse names."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from similarity.catalog.paths import Path, text_value


@pytest.mark.parametrize(
    ("model", "path", "joined", "prefetched"),
    [
        (Permission, "name", [], []),
        (Permission, "content_type__model", ["content_type"], []),
        (User, "groups__permissions__name", [], ["groups__permissions"]),
        (User, "groups__name", [], ["groups"]),
        (User, "customer__name", ["customer"], []),
        (Group, "user__username", [], ["user_set"]),
    ],
)
def test_what_to_load_with_the_products(model, path, joined, prefetched):
    """A wrong name here is an N+1 or a crash in the worker."""
    assert Path(path).related(model) == (joined, prefetched)


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        ("name", None),
        ("images__image", None),
        ("attributes__colour__shade", None),
        ("in_stock", None),
        ("brand__nam", "nam"),
        ("nonsense", "nonsense"),
        ("name__length", "length"),
    ],
)
def test_unknown_names_are_found(path, unknown):
    from tests.host.models import Product

    assert Path(path).unknown(Product) == unknown


def test_many_to_many_through_model():
    assert list(Path("groups__name").through_models(User)) == [User.groups.through]
    assert list(Path("user__username").through_models(Group)) == [User.groups.through]
    assert list(Path("content_type__model").through_models(Permission)) == []


def test_relations_give_lookups_from_the_product():
    assert [
        (m.__name__, lookup) for m, lookup in Path("groups__permissions__name").relations(User)
    ] == [
        ("Group", "groups"),
        ("Permission", "groups__permissions"),
    ]


def test_values_of_a_query_name_and_of_an_accessor(db):
    user = User.objects.create(username="a")
    group = Group.objects.create(name="g")
    user.groups.add(group)
    assert Path("user__username").values(group) == ["a"]
    assert Path("user_set__username").values(group) == ["a"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([None, "  a "], "a"),
        ([True], "yes"),
        ([["a", "b"], 3], "a, b, 3"),
        ([{"x": 1}], ""),
    ],
)
def test_text_value(values, text):
    assert text_value(values) == text
