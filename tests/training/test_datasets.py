"""Catalogues with known answers: what is a label never reaches the encoders."""

from decimal import Decimal

import pytest

from similarity.catalog.photos import PhotoAbsent
from similarity.exceptions import ConfigurationError
from similarity.training.datasets import load_dataset


def write(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def test_a_folder_of_ones_own(tmp_path):
    write(
        tmp_path / "mine",
        "products.csv",
        "id,title,image,type,colour,brand,price\n"
        "1,Red mug,,mug,red|white,Ember,9.50\n"
        "2,Blue mug,mugs/blue.png,mug,blue,,\n",
    )
    data = load_dataset(str(tmp_path / "mine"), tmp_path)
    assert data.name == "mine"
    assert data.labels == {
        "type": [{"mug"}, {"mug"}],
        "colour": [{"red", "white"}, {"blue"}],
    }
    assert data.contents[0].price == Decimal("9.50")
    assert dict(data.contents[0].attributes) == {"brand": "Ember"}
    assert [image.name for image in data.contents[1].images] == ["mine/mugs/blue.png"]
    with pytest.raises(PhotoAbsent, match="does not exist"):
        data.contents[1].images[0].read(10)


LUMA = (
    "sku,title,description,categories,price,color,attributes,image,extra_images\n"
    "MH01,Hoodie,Warm.,Men/Tops/Hoodies|Collections/Eco,52,Black|Red,"
    "material=Wool|Nylon; gender=Men; style_general=Hooded; sale=Yes,,\n"
    "24-WG081-gray,Ball,Round.,Gear|Fitness Equipment,23,,material=Foam,,\n"
    "24-WG081-blue,Ball,Round.,Gear|Fitness Equipment,23,,material=Foam,,\n"
)


def test_luma_labels_come_from_its_categories_and_stay_out_of_the_attributes(tmp_path):
    write(tmp_path / "luma", "products.csv", LUMA)
    write(
        tmp_path / "luma",
        "links.csv",
        "sku,linked_sku,kind\nMH01,24-WG081-gray,related\nMH01,GONE,related\n",
    )
    data = load_dataset("luma", tmp_path)
    assert data.labels["type"] == [{"Hoodies"}, {"Fitness Equipment"}, {"Fitness Equipment"}]
    assert data.labels["gender"] == [{"Men"}, set(), set()]
    assert data.labels["colour"] == [{"Black", "Red"}, set(), set()]
    assert dict(data.contents[0].attributes) == {"material": "Wool, Nylon"}
    assert data.groups == ["MH01", "24-WG081", "24-WG081"]
    assert data.links == {"related": [{1}, set(), set()]}


def test_myntra_gives_title_and_photo_alone(tmp_path):
    write(
        tmp_path / "myntra",
        "products.csv",
        "id,gender,masterCategory,subCategory,articleType,baseColour,season,usage,title,image\n"
        "7,Men,Apparel,Topwear,Shirts,Navy Blue,Fall,Casual,Turtle Shirt,images/7.jpg\n",
    )
    (content,) = load_dataset("myntra", tmp_path).contents
    assert (content.title, content.description) == ("Turtle Shirt", "")
    assert not content.attributes
    assert content.price is None


def test_a_limit_keeps_the_first_products(tmp_path):
    write(tmp_path / "luma", "products.csv", LUMA)
    assert len(load_dataset("luma", tmp_path, limit=2).contents) == 2


def test_a_folder_that_is_not_there_is_named_with_the_remedy(tmp_path):
    with pytest.raises(ConfigurationError, match="--data-dir"):
        load_dataset("myntra", tmp_path)


def test_a_column_that_is_not_there_is_named(tmp_path):
    write(tmp_path / "mine", "products.csv", "sku,title\n1,Mug\n")
    with pytest.raises(ConfigurationError, match="no column 'id'"):
        load_dataset(str(tmp_path / "mine"), tmp_path)
