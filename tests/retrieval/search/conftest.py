"""A small shop with search documents."""

import pytest

from similarity.search import documents, vocabulary


@pytest.fixture
def indexed(make_product):
    """Makes products and their search documents, and counts the words anew."""

    def make(*rows, **fields):
        products = [make_product(**{**fields, **row}) for row in rows]
        documents.index([str(product.pk) for product in products])
        vocabulary.refresh()
        return products

    return make


@pytest.fixture
def wardrobe(indexed):
    """Clothes, whose answers are known by reading them."""
    return indexed(
        {"name": "Red linen dress", "attributes": {"colour": "red"}, "category": "Dresses"},
        {"name": "Navy linen shirt", "attributes": {"colour": "navy"}, "category": "Shirts"},
        {"name": "Navy cotton T-shirt", "attributes": {"colour": "navy"}, "category": "T-shirts"},
        {
            "name": "Olive jacket",
            "description": "Goes well over a navy shirt.",
            "attributes": {"colour": "olive"},
            "category": "Jackets",
        },
        {"name": "Wool jumper", "description": "Crème, 100 ml of love.", "category": "Jumpers"},
    )


def names(page):
    return [hit.product.name for hit in page.hits]


def related(page):
    return [hit.product.name for hit in page.related]


def counts(values):
    return {one.value: one.count for one in values}
