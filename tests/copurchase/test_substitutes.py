"""Which products replace each other."""

# ruff: noqa: F811 - fixtures that are imported

import pytest

from similarity.orders import substitutes
from similarity.orders.bundles.proposals import propose
from similarity.orders.models import Bundle
from similarity.orders.partner_shelf import bought_together
from tests.api.conftest import at_angle, version  # noqa: F401
from tests.fixtures_orders import buy, counted  # noqa: F401

pytestmark = pytest.mark.django_db


def replaces(one, two, most=0.8):
    return substitutes.judge({1: one.pk, 2: two.pk}, [1, 2], most)(1, 2)


@pytest.mark.parametrize(("degrees", "expected"), [(35, True), (38, False)])
def test_of_one_category_above_what_is_asked(at_angle, degrees, expected):
    """cos 35° is 0.82 and cos 38° 0.79."""
    one, two = (at_angle(angle, category="Mugs") for angle in (0, degrees))
    assert replaces(one, two) is expected
    assert replaces(one, two, 0.5) is True
    assert replaces(one, two, 0.9) is False


def test_never_of_different_categories(at_angle):
    assert not replaces(at_angle(0, category="Mugs"), at_angle(0, category="Teapots"), 0.1)


@pytest.mark.parametrize(("degrees", "expected"), [(41, True), (42, False)])
def test_without_categories_near_duplicates_alone(at_angle, settings, degrees, expected):
    """cos 41° is 0.755 and cos 42° 0.743, about NEAR_DUPLICATE = 0.75."""
    catalog = {**settings.SIMILARITY["CATALOG"], "attributes": {}}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    assert replaces(at_angle(0), at_angle(degrees), 0.1) is expected


def test_without_vectors_nothing_is_known(make_product, at_angle):
    assert not replaces(make_product(), make_product())
    assert not replaces(at_angle(0), make_product())


def test_one_query_for_a_page_of_products(at_angle, django_assert_num_queries):
    products = {at: at_angle(at).pk for at in range(10)}
    with django_assert_num_queries(1):
        substitutes.judge(products, list(products), 0.8)


def test_staff_are_offered_a_matching_pair_that_no_shelf_shows(at_angle, buy, counted):
    """cos 45° is 0.71: above SUBSTITUTE_SIMILARITY, 0.6, below BUNDLE_MAX_SIMILARITY, 0.8."""
    black, teal = (at_angle(angle, category="Pots") for angle in (0, 45))
    buy(black, teal, shoppers=8)
    counted()
    assert bought_together(black) == []
    propose()
    assert set(Bundle.objects.get().products) == {str(black.pk), str(teal.pk)}
