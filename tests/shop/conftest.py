import itertools

import pytest
from django.contrib.auth.models import User
from django.test import Client

from shop.models import ProductImage
from similarity.search import documents


@pytest.fixture
def add_photo(db):
    """Adds a photo's row; no file is read to render a page."""
    positions = itertools.count()

    def add(product, **fields):
        fields = {"image": "products/photo.jpg", "position": next(positions), **fields}
        return ProductImage.objects.create(product=product, **fields)

    return add


@pytest.fixture
def staff(db):
    client = Client()
    client.force_login(User.objects.create_superuser("keeper", password="a long password"))
    return client


@pytest.fixture
def index(db):
    """Brings the search index up to date, as a worker does: ``index()``."""
    return documents.index_all
