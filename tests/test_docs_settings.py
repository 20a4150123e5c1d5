"""docs/settings.md and the code say the same."""

import ast
import re
import types
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest
from django.conf import settings

import similarity
from similarity import conf

OPTIONS = "Options of the encoders"
TEXT = (settings.BASE_DIR / "docs" / "settings.md").read_text()


def rows(heading, level="##"):
    section = re.split(r"\n##", TEXT.split(f"\n{level} {heading}\n")[1])[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:3] == "| `"]
    return {cell[0].strip("`"): cell[1].strip("`") for cell in cells}


def test_every_setting_stands_there_with_its_default():
    documented = rows("Keys of SIMILARITY")
    assert documented.pop("ENCODERS").startswith("see")
    assert {key: ast.literal_eval(value) for key, value in documented.items()} == {
        key: setting.default for key, setting in conf.SETTINGS.items() if key != "ENCODERS"
    }


@pytest.mark.parametrize("group", sorted(conf.GROUPS))
def test_every_setting_of_a_group_stands_there_with_its_default(group):
    documented = rows(group, "###")
    assert {key: ast.literal_eval(value) for key, value in documented.items()} == {
        key: setting.default for key, setting in conf.GROUPS[group].items()
    }


def test_every_encoder_stands_there():
    assert {part: tuple(cells) for part, cells in encoder_rows().items()} == {
        part: (entry["CLASS"], str(entry["WEIGHT"]), str(entry["DIMENSION"]))
        for part, entry in conf.default("ENCODERS").items()
    }


def encoder_rows():
    section = TEXT.split("\n## ENCODERS\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line[:3] == "| `"]
    cells = [[cell.strip("` ") for cell in line.strip("|").split("|")] for line in lines]
    return {cell[0]: cell[1:] for cell in cells}


def test_every_option_of_an_encoder_stands_there_with_its_default():
    documented = {name: ast.literal_eval(value) for name, value in rows(OPTIONS).items()}
    assert documented == {
        f"{part}.{name}": parameter.default
        for part, entry in conf.default("ENCODERS").items()
        for name, parameter in signature(conf.load(entry["CLASS"])).parameters.items()
    }


@pytest.mark.parametrize("part", ["text", "image"])
def test_every_way_of_pooling_and_fitting_stands_there(part):
    table = TEXT.split(f"\n## {OPTIONS}\n")[1]
    module = import_module(f"similarity.encoders.{part}")
    choices = {"pooling": module.POOLINGS, "fit": getattr(module, "FITS", ())}
    for option, values in choices.items():
        row = next((line for line in table.splitlines() if f"`{part}.{option}`" in line), "")
        assert [value for value in values if f'"{value}"' not in row] == []


def test_the_adapter_written_there_serves(make_product, photo):
    """Its contract is that of every adapter; here it only must work as it stands."""
    code = re.search(
        r"```python\n(from django.db.models import F, Q\n.*?class Catalogue.*?)```", TEXT, re.S
    )
    module = types.ModuleType("catalogue_of_the_manual")
    exec(code[1], module.__dict__)  # noqa: S102 - the manual's own code
    shown, hidden = make_product(name="Scarf", brand="Halden"), make_product(stock=0)
    shown.images.create(image=photo())
    adapter = module.Catalogue()
    found = {content.key: content for content in adapter.content([shown.pk, hidden.pk, 0])}
    assert set(found) == {str(shown.pk), str(hidden.pk)}
    assert found[str(shown.pk)].title == "Halden Scarf"
    assert list(adapter.for_display(adapter.eligible())) == [shown]
    assert list(adapter.dependents(shown.brand)) == [shown.pk]
    assert list(adapter.eligible().filter(adapter.filter_by("brand", ["Halden"]))) == [shown]
    assert adapter.values_of("brand", adapter.eligible()) == {shown.pk: ["Halden"]}
    assert list(adapter.filter_price(adapter.eligible(), low=20, high=20)) == [shown]
    assert adapter.in_stock(adapter.model.objects.all()).get() == shown
    card = adapter.card(shown)
    assert (card.title, card.price, card.currency) == ("Halden Scarf", shown.price, "EUR")
    assert card.image_url.endswith(".png")
    assert [image.name for image in found[str(shown.pk)].images] == [shown.images.get().image.name]


def test_every_check_stands_there():
    source = "".join(path.read_text() for path in Path(similarity.__file__).parent.rglob("*.py"))
    assert set(rows("System checks")) == set(re.findall(r'id="(similarity\.[EWI]\d{3})"', source))
