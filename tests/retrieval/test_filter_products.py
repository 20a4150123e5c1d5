"""The API's filters on a queryset of the host's own."""

import pytest

from similarity import FilterError, QueryError, filter_products
from tests.host.models import Product

pytestmark = pytest.mark.django_db


def test_filters_join_and_the_values_of_one_are_alternatives(make_product):
    wool = make_product(attributes={"material": "wool"}, price=10)
    linen = make_product(attributes={"material": "linen"}, price=10)
    make_product(attributes={"material": "silk"}, price=10)
    make_product(attributes={"material": "wool"}, price=90)
    filters = {"material": ["wool", "linen"], "max_price": ["50"]}
    assert set(filter_products(Product.objects.all(), filters)) == {wool, linen}


def test_an_attribute_that_is_not_known_leaves_nothing(make_product):
    make_product()
    assert not filter_products(Product.objects.all(), {"nothing": ["x"]}).exists()


@pytest.mark.parametrize(
    ("name", "value"), [("min_price", "cheap"), ("in_stock", "maybe"), ("brand", "x" * 251)]
)
def test_a_value_that_cannot_be_is_told_with_its_filter(name, value):
    with pytest.raises(FilterError, match=name) as raised:
        filter_products(Product.objects.all(), {name: [value]})
    assert raised.value.parameter == name
    assert isinstance(raised.value, QueryError), "callers catch one error for bad arguments"
