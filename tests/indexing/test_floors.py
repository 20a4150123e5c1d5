"""What is learned of a catalogue, and when: figures that can be worked out by hand."""

import numpy as np
import pytest

from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import category_number
from similarity.orders.models import CategoryComplement
from similarity.outbox import draining
from similarity.similar.shelves import similar_to
from similarity.versions import floors
from tests.host.models import Category, Product
from tests.retrieval.conftest import make_catalogue, make_version, store  # noqa: F401

PATHS = [f"{department} > {kind}" for department in ("Wear", "Home", "Play") for kind in "abc"]


def number(path):
    return category_number(path)


@pytest.fixture
def catalogue(make_catalogue):  # noqa: F811
    """360 products of nine kinds in three departments."""
    made = make_catalogue(360, clusters=9)
    Product.objects.update(stock=5)
    for at, path in enumerate(PATHS):
        category = made.products[at].category
        Category.objects.filter(pk=category.pk).update(path=path)
        ours = Product.objects.filter(category=category).values("pk")
        ProductVectors.objects.filter(product__in=ours).update(category=number(path))
    return made


@pytest.mark.django_db
def test_departments_are_first_levels_and_columns_are_measured(catalogue):
    floors.learn(catalogue.version)
    floor = EncoderVersion.objects.get().floor
    assert floor["products"] == 360
    assert floor["departments"] == {
        str(number(path)): number(path.split(" > ")[0]) for path in PATHS
    }
    cosines = catalogue.fused @ catalogue.fused.T
    kind = np.arange(360) % 9
    apart = cosines[kind[:, None] // 3 != kind[None, :] // 3]
    learned = floor["columns"]["fused"]
    assert learned["mean"] == pytest.approx(apart.mean(), abs=2e-3)
    assert learned["deviation"] == pytest.approx(apart.std(), abs=2e-3)
    np.fill_diagonal(cosines, -1)
    nearest = np.sort(cosines, axis=1)[:, -floors.NEIGHBOURS :].mean()
    assert learned["near"] == pytest.approx((learned["mean"] + nearest) / 2, abs=0.02)
    assert set(floor["columns"]) == {"fused", "text", "image", "colour", "attributes"}


@pytest.mark.django_db
def test_shelves_stay_in_their_department_then(catalogue):
    for product in catalogue.products[:9]:
        assert "fused" in {hit.tier for hit in similar_to(product, 100)}
    before = _foreign(catalogue)
    floors.learn(catalogue.version)
    assert _foreign(catalogue) < 0.05 < before


def _foreign(catalogue):
    """The share of hits in another department, of shelves longer than a kind has products."""
    department = {p.pk: at % 9 // 3 for at, p in enumerate(catalogue.products)}
    shares = [
        np.mean([department[hit.product.pk] != department[product.pk] for hit in hits])
        for product in catalogue.products[:18]
        if (hits := similar_to(product, 60))
    ]
    return float(np.mean(shares))


def test_categories_are_close_if_they_are_as_alike_as_products_of_one():
    """Means of two products each: those of the first two lie within 0.45 of one another."""
    means = np.array([[0.9, 0.3, 0], [0.3, 0.9, 0], [0, 0, 0.9]], np.float32)
    learned = floors.close_categories(
        floors.Categories([1, 2, 3], np.array([200, 200, 200]), means), {1: 7, 2: 8, 3: 9}, set()
    )
    assert learned == {1: [2], 2: [1]}


def test_of_one_department_no_closeness_is_kept():
    means = np.array([[0.9, 0.3], [0.3, 0.9]], np.float32)
    categories = floors.Categories([1, 2], np.array([20, 20]), means)
    assert floors.close_categories(categories, {1: 7, 2: 7}, set()) == {}


@pytest.mark.django_db
def test_categories_that_are_bought_together_are_close(catalogue):
    CategoryComplement.objects.create(
        category=PATHS[0], complement=PATHS[8], orders=9, shoppers=9, lift=3, score=0.5
    )
    floors.learn(catalogue.version)
    close = EncoderVersion.objects.get().floor["close"]
    assert number(PATHS[8]) in close[str(number(PATHS[0]))]
    assert number(PATHS[0]) not in close.get(str(number(PATHS[8])), [])


@pytest.mark.django_db
def test_of_few_products_nothing_is_learned(make_catalogue):  # noqa: F811
    made = make_catalogue(floors.FEW - 1)
    floors.learn(made.version)
    assert "columns" not in EncoderVersion.objects.get().floor


@pytest.mark.django_db
def test_without_categories_any_two_products_are_compared(make_catalogue):  # noqa: F811
    made = make_catalogue(60)
    floors.learn(made.version)
    floor = EncoderVersion.objects.get().floor
    assert floor["departments"] == floor["close"] == {}
    off = ~np.eye(60, dtype=bool)
    mean = (made.fused @ made.fused.T)[off].mean()
    assert floor["columns"]["fused"]["mean"] == pytest.approx(mean, abs=2e-3)


@pytest.mark.django_db
def test_it_is_learned_once_there_are_products_and_again_once_they_have_doubled(
    make_catalogue,  # noqa: F811
    monkeypatch,
):
    made = make_catalogue(40)
    learned = []
    monkeypatch.setattr(floors, "learn", lambda version: learned.append(version.pk))
    floors.learn_if_outgrown()
    assert learned == [made.version.pk]
    for products, again in ((30, False), (20, True), (floors.COUNTED_UP_TO, False)):
        EncoderVersion.objects.update(floor={"products": products})
        learned.clear()
        floors.learn_if_outgrown()
        assert bool(learned) == again


def test_a_drain_ends_with_it():
    assert draining.floors.learn_if_outgrown is floors.learn_if_outgrown
