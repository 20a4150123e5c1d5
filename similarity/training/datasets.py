"""Catalogues with known answers, read from a folder with a ``products.csv``.

Encoders never get a label as an attribute. A title may contain the same word, as a shop's titles
do.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from similarity.catalog.content import ImageRef, ProductContent
from similarity.exceptions import ConfigurationError

Row = Mapping[str, str]
Label = frozenset[str]


@dataclass(frozen=True)
class Dataset:
    """N products with ``labels``: name → a set of values for each product, empty if unknown.

    Two products are alike in a label if their sets intersect. ``links``: kind → for each product
    the positions of the products that are linked to it by hand.
    """

    name: str
    contents: Sequence[ProductContent]
    labels: Mapping[str, Sequence[Label]]
    links: Mapping[str, Sequence[frozenset[int]]] = field(default_factory=dict)
    #: Each product's category as a path, empty if unknown.
    paths: Sequence[str] = ()

    @property
    def groups(self) -> list[str]:
        """Return the group that variants share; a product's own key without a group."""
        return [content.group or content.key for content in self.contents]


@dataclass(frozen=True)
class Format:
    """A mapping from a row of ``products.csv`` to a product and its labels."""

    key: str
    labels: Mapping[str, Callable[[Row], Label]]
    title: str = "title"
    attributes: Callable[[Row], dict[str, str]] = lambda row: {}
    group: Callable[[Row], str] = lambda row: ""
    currency: str = "USD"
    #: The category's path; by default the first of the values of ``type``.
    path: Callable[[Row], str] | None = None

    def path_of(self, row: Row) -> str:
        if self.path is not None:
            return self.path(row)
        return min(self.labels["type"](row), default="")


def column(name: str, separator: str = "|") -> Callable[[Row], Label]:
    """Return a reader of the label in a column; several values are split at ``separator``."""
    return lambda row: frozenset(
        value.strip() for value in row.get(name, "").split(separator) if value.strip()
    )


def _luma_paths(row: Row) -> list[list[str]]:
    """Return the categories of the thing itself, without those of campaigns."""
    paths = [path.split("/") for path in row["categories"].split("|")]
    if paths[0][0] in ("Gear", "Training"):
        return [[paths[0][0], *(path[0] for path in paths[1:2])]]
    return [path for path in paths if path[0] in ("Men", "Women")]


def _luma_type(row: Row) -> Label:
    return frozenset(path[-1] for path in _luma_paths(row))


def _luma_gender(row: Row) -> Label:
    return frozenset(path[0] for path in _luma_paths(row) if path[0] in ("Men", "Women"))


def _luma_attributes(row: Row) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in row["attributes"].split("; "))
    return {
        name: value.replace("|", ", ")
        for name, _, value in pairs
        if name in ("material", "pattern", "climate")  # the others name type, gender or colour
    }


def _luma_group(row: Row) -> str:
    """Return the group of yoga balls and straps, a product a colour: 24-WG081-gray, …-blue."""
    stem, _, colour = row["sku"].rpartition("-")
    return stem if colour in ("gray", "pink", "blue") else ""


FORMATS: dict[str, Format] = {
    "myntra": Format(
        key="id",
        labels={
            "type": column("articleType"),
            "colour": column("baseColour"),
            "gender": column("gender"),
        },
        path=lambda row: " > ".join(
            row[level] for level in ("masterCategory", "subCategory", "articleType")
        ),
    ),
    "luma": Format(
        key="sku",
        labels={"type": _luma_type, "colour": column("color"), "gender": _luma_gender},
        attributes=_luma_attributes,
        group=_luma_group,
    ),
    "vendure": Format(
        key="slug",
        labels={"type": lambda row: frozenset(row["categories"].split("|")[-1:])},
        attributes=lambda row: {"brand": row["brand"]},
    ),
    "books": Format(key="upc", labels={"type": column("category")}),
    "retail-text": Format(
        key="id",
        title="name",
        labels={
            "type": lambda row: frozenset([f"{row['category']} > {row['style']}"]),
            "gender": column("gender_affinity"),
        },
    ),
}

#: A folder of your own: columns id, title, description, image, extra_images, brand, price and any
#: of the labels type, colour, gender.
OWN = Format(
    key="id",
    labels={name: column(name) for name in ("type", "colour", "gender")},
    attributes=lambda row: {"brand": row.get("brand", "")},
)


def load_dataset(name: str, data_dir: Path, limit: int | None = None) -> Dataset:
    """Load the pack called ``name`` in ``data_dir``, or else the folder ``name``.

    ``limit`` keeps only the first products. Raises :class:`ConfigurationError` if the folder does
    not exist or its ``products.csv`` lacks a column it needs.
    """
    folder = data_dir / name if name in FORMATS else Path(name)
    form = FORMATS.get(name, OWN)
    rows = _read(folder / "products.csv", [form.key, form.title])[:limit]
    contents = [_content(row, form, folder) for row in rows]
    labels = {name: [label(row) for row in rows] for name, label in form.labels.items()}
    return Dataset(
        name=folder.name,
        contents=contents,
        labels={name: values for name, values in labels.items() if any(values)},
        paths=[form.path_of(row) for row in rows],
        links=_links(folder / "links.csv", [content.key for content in contents]),
    )


def _read(path: Path, needed: Sequence[str]) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigurationError(
                    f"{str(path)!r} has no column {missing[0]!r}; its columns are "
                    f"{', '.join(reader.fieldnames or ())}."
                )
            return list(reader)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no {str(path)!r}; name one of {', '.join(FORMATS)} and the folder they "
            "are in by --data-dir or SIMILARITY_DATA_DIR, or a folder with a products.csv."
        ) from error


def _content(row: Row, form: Format, folder: Path) -> ProductContent:
    names = [row.get("image", ""), *row.get("extra_images", "").split("|")]
    attributes = {name: value for name, value in form.attributes(row).items() if value}
    return ProductContent(
        key=row[form.key],
        title=row[form.title],
        description=row.get("description", ""),
        attributes=attributes,
        price=_price(row.get("price", "")),
        currency=form.currency,
        images=[_image(folder, name) for name in names if name][:4],
        group=form.group(row),
    )


def _price(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None


def _image(folder: Path, name: str) -> ImageRef:
    path = folder / name

    def read(limit: int) -> bytes:
        with path.open("rb") as file:
            return file.read(limit + 1)

    etag = f"{path.stat().st_size}" if path.exists() else ""
    return ImageRef(name=f"{folder.name}/{name}", read=read, etag=etag)


def _links(path: Path, keys: Sequence[str]) -> dict[str, list[frozenset[int]]]:
    if not path.exists():
        return {}
    position = {key: at for at, key in enumerate(keys)}
    found: dict[str, list[set[int]]] = {}
    for row in _read(path, ["sku", "linked_sku", "kind"]):
        kind = found.setdefault(row["kind"], [set() for _ in keys])
        if row["sku"] in position and row["linked_sku"] in position:
            kind[position[row["sku"]]].add(position[row["linked_sku"]])
    return {kind: [frozenset(linked) for linked in sets] for kind, sets in sorted(found.items())}
