"""Mappings: the known ones, the documented one, and every way to get one wrong."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from shop.feeds import mapping
from shop.feeds.product import FeedError
from shop.models import Product

DOCS = Path(__file__).parents[2] / "docs" / "import.md"


@pytest.mark.django_db
def test_the_example_in_the_documentation_works(tmp_path):
    blocks = dict(re.findall(r"```(csv|toml)\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL))
    (tmp_path / "feed.csv").write_text(blocks["csv"], "utf-8")
    (tmp_path / "feed.toml").write_text(blocks["toml"], "utf-8")
    call_command("import_catalog", tmp_path / "feed.csv", mapping=tmp_path / "feed.toml")
    shelf = Product.objects.get(sku="A-1")
    assert (shelf.name, shelf.price, shelf.stock) == ("Regal Eiche", Decimal("1299.00"), 4)
    assert shelf.category.path == "Möbel > Regale"
    assert shelf.brand.name == "Holzwerk"
    assert shelf.attributes == {"colour": "natur", "material": "Eiche"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "sku"),
        ({"columns": {"sku": "a"}}, "title"),
        ({"columns": {"sku": "a", "title": 3}}, "title"),
        ({"columns": {"sku": "a", "title": "b", "prise": "c"}}, "prise"),
        ({"columns": [], "x": 1}, "unknown key 'x'"),
        ({"columns": {"sku": "a", "title": "b"}, "pairs": {"column": "c"}}, "between"),
        ({"columns": {"sku": "a", "title": "b"}, "separators": ","}, "must be a table"),
        ({"columns": {"sku": "a", "title": "b"}, "defaults": {"prise": 1}}, "prise"),
    ],
)
def test_a_wrong_mapping_names_its_key(tmp_path, data, message):
    path = tmp_path / "mapping.json"
    path.write_text(json.dumps(data))
    with pytest.raises(FeedError, match=message):
        mapping.load(path)


def test_unreadable_mappings_say_so(tmp_path):
    (tmp_path / "broken.toml").write_text("columns = [")
    (tmp_path / "list.json").write_text("[]")
    for name in ("broken.toml", "list.json", "missing.toml"):
        with pytest.raises(FeedError, match=name):
            mapping.load(tmp_path / name)


def test_a_column_the_file_lacks_is_named_with_those_it_has():
    mine = mapping.parse({"columns": {"sku": "a", "title": "b", "price": "vk"}}, "mine")
    with pytest.raises(FeedError, match=r"'price' from 'vk'.*A, B"):
        mine.for_file(["a", "b"], ["A", "B"])


def test_every_known_format_is_told_apart_by_its_columns():
    for name, known in mapping.known().items():
        for marks in known.recognised_by:
            assert mapping.recognise(marks, marks).name == name
    with pytest.raises(FeedError, match="--mapping"):
        mapping.recognise(["x", "y"], ["x", "y"])
