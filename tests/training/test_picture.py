"""The contact sheet: queries on the left, neighbours beside them."""

import io

import numpy as np
from PIL import Image

from similarity.catalog.content import ImageRef, ProductContent
from similarity.training.datasets import Dataset
from similarity.training.picture import contact_sheet


def product(number: int, colour: str | None) -> ProductContent:
    images = []
    if colour:
        file = io.BytesIO()
        Image.new("RGB", (80, 60), colour).save(file, "PNG")
        data = file.getvalue()
        images = [ImageRef(name=colour, read=lambda limit: data[: limit + 1])]
    title = f"A rather long title of the product with the number {number}"
    return ProductContent(key=str(number), title=title, images=images)


def test_each_query_stands_left_of_its_neighbours(tmp_path):
    data = Dataset(
        name="small",
        contents=[product(0, "red"), product(1, "blue"), product(2, None)],
        labels={"type": [frozenset({"mug"})] * 3},
    )
    found = np.array([[1, 2], [0, -1], [-1, -1]])
    path = tmp_path / "sheet.png"
    contact_sheet(data, found, path)
    with Image.open(path) as picture:
        sheet = picture.convert("RGB")
    assert sheet.size == (3 * 128 + 16, 2 * 170)  # the third product has no neighbours
    assert sheet.getpixel((64, 64)) == (255, 0, 0)
    assert sheet.getpixel((16 + 128 + 64, 64)) == (0, 0, 255)
    assert sheet.getpixel((64, 170 + 64)) == (0, 0, 255)
    assert sheet.getpixel((16 + 2 * 128 + 64, 64)) == (255, 255, 255)  # no photo
    assert (np.asarray(sheet)[128:170, :128] < 128).any()  # a caption is written
