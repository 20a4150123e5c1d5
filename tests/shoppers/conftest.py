"""A small catalogue with content vectors, and models whose right answer is known."""

import itertools
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from pgvector import HalfVector

from similarity.events.models import Event, Kind, Profile
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import category_number, group_name
from similarity.shoppers import live_model, new_products, promotion
from tests.configure import with_settings
from tests.host_models import Customer, Order, OrderLine, Product
from tests.shoppers.models import follower, trained

CATEGORIES = ("Mugs", "Lamps", "Chairs")
#: Each kind of product has a direction with mean zero, which the follower's answer keeps.
KINDS = np.array([[1, -1, 0, 0], [0, 0, 1, -1], [1, 1, -1, -1]], np.float32)
KINDS /= np.linalg.norm(KINDS, axis=1, keepdims=True)


@dataclass
class Shop:
    """Products by category, their content vectors (N, 4), and the live encoder version."""

    version: EncoderVersion
    products: list[Product]
    content: np.ndarray

    def of(self, category: str) -> list[Product]:
        return [one for one in self.products if one.category.name == category]

    def name(self, product: Product) -> str:
        return group_name(str(product.pk), product.group)

    def vector(self, product: Product) -> np.ndarray:
        return self.content[[one.pk for one in self.products].index(product.pk)]


def store(version, product, row, mark="0" * 64):
    ProductVectors.objects.create(
        product=product,
        version=version,
        fused=HalfVector(row.astype(np.float16)),
        group=group_name(str(product.pk), product.group),
        category=category_number(product.category.path),
        fingerprint=mark,
    )


@pytest.fixture
def shop(make_product):
    """Four products of each category, a little apart from one another."""
    dice = np.random.default_rng(3)
    version = EncoderVersion.objects.create(
        status="live", encoders={}, fusion=b"", weights={}, dimensions={"fused": 4}
    )
    products, rows = [], []
    for at, category in enumerate(CATEGORIES):
        for number in range(4):
            product = make_product(name=f"{category} {number}", category=category)
            row = KINDS[at] + 0.05 * dice.normal(size=4).astype(np.float32)
            rows.append(row / np.linalg.norm(row))
            products.append(product)
            store(version, product, rows[-1])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE similarity_productvectors")
    return Shop(version, products, np.stack(rows).astype(np.float32))


@pytest.fixture
def candidate(shop):
    """A model whose items' vectors are twice their content, by its projection."""
    return trained(*follower(content=2 * np.eye(4, dtype=np.float32)))


@pytest.fixture
def live(shop, candidate):
    """The candidate, live; it learned the mugs and knows the rest from their content."""
    mugs = shop.of("Mugs")
    learned = 2 * np.stack([shop.vector(one) for one in mugs])
    return promotion.promote(candidate, [([shop.name(one) for one in mugs], learned)])


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """Numbers of models and versions are used again by the next test."""
    live_model.read_network.cache_clear()
    new_products.forget()


@pytest.fixture
def shopper(db):
    """A shopper who consented, known by a cookie."""
    return Profile.objects.create(pseudonym="0" * 64)


@pytest.fixture
def did(shopper):
    """Record events of the shopper, the first ones longest ago: ``did("view", mug, lamp)``."""
    clock = itertools.count(1)

    def did(kind, *products, of=shopper):
        for product in products:
            at = timezone.now() - timedelta(minutes=60) + timedelta(seconds=next(clock))
            number = Kind[kind.upper()]
            Event.objects.create(profile=of, kind=number, product_id=product.pk, at=at)

    return did


@pytest.fixture
def change_settings(settings):
    """Change keys of groups of ``SIMILARITY``: ``change_settings(SHOPPERS={"EXPLORATION": 0})``."""

    def change(**changes):
        settings.SIMILARITY = with_settings(**changes)

    return change


@pytest.fixture
def orders_of(db):
    """Place an order of a signed-in user: ``orders_of(ada, mug, lamp)``."""

    def place(user, *products):
        customer, _made = Customer.objects.get_or_create(
            user=user, defaults={"email": f"{user}@example.com"}
        )
        number = f"O{Order.objects.count()}"
        order = Order.objects.create(customer=customer, number=number, placed_at=timezone.now())
        for product in products:
            OrderLine.objects.create(order=order, product=product, unit_price=product.price)

    return place
