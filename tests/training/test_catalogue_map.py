"""The map is drawn of the live version's vectors, kept, and its command tells what lies apart."""

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from similarity.exceptions import QueryError, VersionError
from similarity.insights import catalogue_map, layout
from similarity.insights.models import CatalogueMap
from similarity.insights.tasks import map_catalogue
from tests.retrieval.conftest import make_version, store  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _plain_layout(monkeypatch):
    """The layout has tests of its own; here the two first axes will do."""
    monkeypatch.setattr(
        layout, "two_dimensions", lambda vectors, threads: layout._fitted(vectors[:, :2])
    )


@pytest.fixture
def shop(make_product, make_version, store):  # noqa: F811
    """Twelve chairs and twelve lamps, one lamp filed under chairs; attributes tell its category."""
    version = make_version(
        {"text": 0.5, "attributes": 0.5}, {"text": 3, "attributes": 3}, blocks={}
    )
    rng = np.random.default_rng(5)
    products = []
    for number in range(24):
        kind = number // 12
        filed = "Chairs" if number == 12 else ("Chairs", "Lamps")[kind]
        product = make_product(name=f"{('Chair', 'Lamp')[kind]} {number}", category=filed)
        text = np.eye(3)[kind] + rng.normal(scale=0.05, size=3)
        store(product, version, text=text, attributes=np.eye(3)[int(filed == "Lamps")])
        products.append(product)
    return version, products


def test_a_map_holds_every_product_with_its_place_title_and_category(shop):
    version, products = shop
    drawn = catalogue_map.draw_catalogue_map()
    assert drawn == CatalogueMap.objects.get()
    assert (drawn.version, drawn.products, drawn.shown) == (version, 24, 24)
    assert set(drawn.points["key"]) == {str(product.pk) for product in products}
    assert {len(column) for column in drawn.points.values()} == {24}
    assert all(0 <= value <= 1000 for value in drawn.points["x"] + drawn.points["y"])
    at = drawn.points["key"].index(str(products[13].pk))
    assert drawn.points["title"][at] == "Lamp 13"
    assert drawn.categories[drawn.points["category"][at]]["name"] == "Lamps"
    assert [(c["name"], c["products"]) for c in drawn.categories] == [("Chairs", 13), ("Lamps", 11)]


def test_the_misfiled_lamp_is_found_whatever_its_attributes_say(shop):
    """By the fused vectors it lies with the chairs: its category is in its attributes."""
    _version, products = shop
    drawn = catalogue_map.draw_catalogue_map()
    [outlier] = drawn.outliers
    assert drawn.points["key"][outlier["row"]] == str(products[12].pk)
    assert drawn.categories[outlier["suggested"]]["name"] == "Lamps"
    assert set(outlier["nearest"]) <= {str(product.pk) for product in products[13:]}


def test_a_sample_is_the_same_at_the_next_drawing_and_not_the_first_keys(shop):
    _version, products = shop
    first, second = catalogue_map.draw_catalogue_map(6), catalogue_map.draw_catalogue_map(6)
    assert (first.shown, first.products) == (6, 24)
    assert first.points["key"] == second.points["key"]
    assert set(first.points["key"]) != {str(product.pk) for product in products[:6]}


def test_only_the_last_maps_are_kept(shop):
    drawn = [catalogue_map.draw_catalogue_map(4).pk for _ in range(catalogue_map.KEPT + 2)]
    kept = set(CatalogueMap.objects.values_list("pk", flat=True))
    assert kept == set(drawn[-catalogue_map.KEPT :])


def test_products_without_a_category_and_adapters_without_any(shop, monkeypatch):
    from similarity.catalog.mapping import FieldMappingAdapter

    monkeypatch.setattr(FieldMappingAdapter, "values_of", lambda self, name, products: {})
    drawn = catalogue_map.draw_catalogue_map()
    assert set(drawn.points["category"]) == {-1}
    assert drawn.categories == []
    assert drawn.outliers == []


def test_a_version_of_attributes_alone_is_drawn_too(make_product, make_version, store):  # noqa: F811
    version = make_version({"attributes": 1.0}, {"attributes": 3}, blocks={})
    for number in range(3):
        store(make_product(), version, attributes=np.eye(3)[number])
    assert catalogue_map.draw_catalogue_map().shown == 3


def test_what_cannot_be_drawn_says_why(shop, make_version):  # noqa: F811
    version, _products = shop
    with pytest.raises(QueryError, match="0 products"):
        catalogue_map.draw_catalogue_map(0)
    version.delete()
    with pytest.raises(VersionError, match="no live version"):
        catalogue_map.draw_catalogue_map()
    make_version()
    with pytest.raises(QueryError, match="no vectors"):
        catalogue_map.draw_catalogue_map()


def test_the_command_tells_what_lies_apart(shop, capsys):
    _version, products = shop
    call_command("similarity", "map", "--products", "24")
    out = capsys.readouterr().out
    assert "24 of 24 products" in out
    assert "1 lie apart" in out
    assert f"{products[12].pk} Lamp 12: in Chairs, 10 of its 10 nearest in Lamps" in out
    with pytest.raises(CommandError, match="cannot be drawn"):
        call_command("similarity", "map", "--products", "99999999")


def test_the_task_draws_and_a_shop_without_a_version_is_a_line_in_the_log(shop, caplog):
    version, _products = shop
    map_catalogue()
    assert CatalogueMap.objects.count() == 1
    version.delete()
    map_catalogue()
    assert "not drawn: There is no live version" in caplog.text
