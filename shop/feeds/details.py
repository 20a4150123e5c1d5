"""Attributes, codes and photos of a product, from cells that may hold several values."""

import re

from shop.feeds import values
from shop.feeds.cells import Cells, first_cell, fitting
from shop.feeds.product import FeedImage
from shop.feeds.references import split_references
from similarity import plain_line

MAX_ATTRIBUTE = 2_000
MAX_CODE = 100
MAX_ALT = 250


def read_attributes(cells: Cells) -> dict[str, str] | None:
    """Return name → value, several values joined; None in a format without attributes."""
    mapping = cells.mapping
    if not (mapping.attributes or mapping.pairs or mapping.grouped or mapping.parents):
        return None
    texts = {name: first_cell(cells.row, keys) for name, keys in mapping.attributes.items()}
    attributes = _pairs(cells) | {name: text for name, text in texts.items() if text.strip()}
    found = {}
    for name, text in attributes.items():
        parts = [plain_line(part) for part in cells.split(text, cells.separators.values)]
        value = ", ".join(part for part in parts if not values.is_none(part))
        value = cells.optional(fitting, value, MAX_ATTRIBUTE, f"attribute {name!r}") or ""
        if value:
            found[name] = value
    return found


def read_codes(cells: Cells) -> tuple[str, ...] | None:
    """Return GTIN, part number and other codes; ignore codes rounded by a spreadsheet."""
    if "codes" not in cells.mapping.columns:
        return None
    codes = []
    for key, cell in cells.of("codes"):
        code = values.identity(plain_line(cell))
        if values.is_spoilt(code):
            cells.remarks.append(f"{key} {code!r} was rounded by a spreadsheet")
        elif code.strip("0") and not values.is_none(code):
            codes.append(cells.optional(fitting, code, MAX_CODE, key) or "")
    return tuple(dict.fromkeys(filter(None, codes)))


def read_images(cells: Cells) -> tuple[FeedImage, ...] | None:
    if "images" not in cells.mapping.columns:
        return None
    alt = plain_line(cells.said("image_alt") or "")[:MAX_ALT]
    separator = cells.separators.values
    refs = [ref for _key, cell in cells.of("images") for ref in split_references(cell, separator)]
    return tuple(FeedImage(ref, alt) for ref in dict.fromkeys(refs))


def _pairs(cells: Cells) -> dict[str, str]:
    pairs = cells.mapping.pairs
    if pairs is None:
        return {}
    found: dict[str, str] = {}
    for pair in cells.split(cells.row.cells.get(pairs.column, ""), pairs.between):
        name, assigned, value = pair.partition(pairs.assign)
        name = plain_line(name)
        # Ignore a part without a name, or with a list as its name.
        if assigned and name and name not in pairs.skip and "|" not in name:
            name = pairs.rename.get(name, name)
            value = _without_position(value) if pairs.assign == ":" else value
            if pairs.values and pairs.values != pairs.between:
                value = ", ".join(value.split(pairs.values))
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _without_position(value: str) -> str:
    """Return ``Red`` from ``Red:2``: PrestaShop writes the value's position in its list."""
    return re.sub(r"(?<=[^\W\d]):\d{1,3}(?::[01])?$", "", value.strip())
