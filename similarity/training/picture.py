"""A picture of ten products and their similar products, to inspect by eye."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from similarity.catalog.content import ProductContent
from similarity.encoders import images
from similarity.training.datasets import Dataset
from similarity.training.metrics import IntArray

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

_QUERIES = 10
_CELL = 128
_CAPTION = 42
_GAP = 16  # between the query and its neighbours


def contact_sheet(dataset: Dataset, found: IntArray, path: Path) -> None:
    """Write a PNG: a row for each of ten queries spread evenly over the catalogue.

    Each row shows the query on the left, then its neighbours, nearest first, each with its title
    and its labels. ``found`` is (N, 10), -1 for no neighbour.
    """
    from PIL import Image, ImageDraw

    queries = _queries(found)
    columns = 1 + found.shape[1]
    size = (columns * _CELL + _GAP, len(queries) * (_CELL + _CAPTION))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for line, query in enumerate(queries):
        top = line * (_CELL + _CAPTION)
        for column, product in enumerate([query, *found[query]]):
            if product >= 0:
                left = column * _CELL + (_GAP if column else 0)
                _paste(sheet, dataset.contents[product], (left, top))
                _caption(draw, dataset, product, (left, top + _CELL))
    sheet.save(path, format="PNG", optimize=True)


def _queries(found: IntArray) -> list[int]:
    answered = np.flatnonzero(found[:, 0] >= 0)
    spread = np.linspace(0, max(0, len(answered) - 1), min(_QUERIES, len(answered)))
    return [int(answered[round(at)]) for at in spread]


def _paste(sheet: "Image.Image", content: ProductContent, corner: tuple[int, int]) -> None:
    photos = images.photos(content)
    if photos:
        photo = images.on_white(photos[0])
        photo.thumbnail((_CELL - 4, _CELL - 4))
        left = corner[0] + (_CELL - photo.width) // 2
        sheet.paste(photo, (left, corner[1] + (_CELL - photo.height) // 2))


def _caption(
    draw: "ImageDraw.ImageDraw", dataset: Dataset, product: int, corner: tuple[int, int]
) -> None:
    """Draw two lines of title and a line of labels, cut to the cell's width."""
    title = dataset.contents[product].title
    labels = [", ".join(sorted(values[product])) for values in dataset.labels.values()]
    words: list[str] = ["", ""]
    for word in title.split():
        line = 0 if not words[1] and len(words[0]) + len(word) < 21 else 1
        words[line] = f"{words[line]} {word}".strip()
    for line, text in enumerate([*words, " / ".join(labels)]):
        fill = "black" if line < 2 else "#555555"
        draw.text((corner[0] + 3, corner[1] + 13 * line), _cut(draw, text), fill=fill)


def _cut(draw: "ImageDraw.ImageDraw", text: str) -> str:
    while text and draw.textlength(text) > _CELL - 6:
        text = text[:-1]
    return text
