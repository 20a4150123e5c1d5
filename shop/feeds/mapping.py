"""Mappings from a file's columns to fields; every format is such a mapping.

The known formats are the TOML files in ``mappings/``; ``docs/import.md`` explains the keys.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from shop.feeds.product import FeedError
from shop.feeds.table import column_key

#: Magento writes an extra row for each language of a product, without the shared cells.
STORE_VIEWS = {"store_view_code": ("*",)}
FOLDER = Path(__file__).parent / "mappings"

COLUMN_FIELDS = (
    "sku", "title", "description", "brand", "category", "category_levels", "price",
    "sale_price", "sale_dates", "sale_from", "sale_to", "currency", "stock", "stock_tracked",
    "oversell", "availability", "active", "group", "codes", "images", "image_alt",
)  # fmt: skip
DEFAULT_FIELDS = ("category", "currency", "price_from", "decimal_point")


@dataclass(frozen=True)
class Separators:
    """Separators between values inside a cell."""

    values: str = ""  # several images, attribute values or category levels
    paths: str = ""  # several category paths; the first counts
    category: str = ""  # levels of a category path; empty detects > or /
    escape: str = ""  # before a separator that is part of a value, and before "n" for a line break


@dataclass(frozen=True)
class Pairs:
    """A column with several attributes, ``material=Wool; pattern=Solid``."""

    column: str
    between: str
    assign: str
    values: str = "|"  # several values of an attribute
    skip: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parents:
    """Rows of variants that name the row of their product, as WooCommerce writes them.

    A cell of ``parent`` holds the parent's SKU, or ``id:`` and its cell of ``id``. If ``type`` is
    one of ``not_sold``, the row is not a product itself. Columns of ``own`` belong to each
    row; other empty cells are read from the parent. If ``draft`` holds a value of ``drafts``, the
    row takes a product off sale and never creates one.
    """

    parent: tuple[str, ...]
    id: tuple[str, ...]
    type: tuple[str, ...]
    own: tuple[str, ...]
    not_sold: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()  # (column of the name, column of the value)
    rename: Mapping[str, str] = field(default_factory=dict)
    draft: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grouped:
    """Several rows that make a product: its variants and further photos.

    ``by`` names the column that the rows share. Columns of ``own`` belong to each row; other
    empty cells are read from the group's first row. A row with a filled column of ``variant``
    is a variant.
    """

    by: tuple[str, ...]
    own: tuple[str, ...]
    variant: tuple[str, ...]
    variant_images: tuple[str, ...] = ()
    image_position: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()  # (column of the name, column of the value)
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnMapping:
    """The reading rules of a format. Column names are stored as column keys."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    separators: Separators = Separators()
    pairs: Pairs | None = None
    grouped: Grouped | None = None
    parents: Parents | None = None
    #: Column → cells of rows that are left out; "*" for any filled cell.
    leave_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recognised_by: tuple[tuple[str, ...], ...] = ()

    def fits(self, columns: Iterable[str]) -> int:
        """Return the number of columns that mark this format; 0 if one is missing."""
        there = set(columns)
        return max((len(marks) for marks in self.recognised_by if there >= set(marks)), default=0)

    def names_columns(self, columns: Iterable[str]) -> bool:
        """Return True if ``columns`` fit this format, or at least its SKU and title."""
        there = set(columns)
        if self.recognised_by:
            return bool(self.fits(there))
        return all(there.intersection(self.columns[name]) for name in ("sku", "title"))

    def for_file(self, columns: Iterable[str], names: Iterable[str]) -> "ColumnMapping":
        """Return this mapping without the columns that the file lacks.

        Raise :class:`FeedError` if a required column is missing: SKU (unless rows are grouped),
        title, and in a mapping for a single file any column that it names.
        """
        columns = list(columns)
        there = {column.partition(" ")[0] for column in columns}
        for target, sources in [*self.columns.items(), *self.attributes.items()]:
            needed = ("title",) if self.grouped else ("sku", "title")
            optional = self.recognised_by and target not in needed
            if not optional and not there.intersection(sources):
                wanted = " or ".join(map(repr, sources))
                raise FeedError(
                    f"The mapping {self.name!r} reads {target!r} from {wanted}, "
                    f"which the file does not have. Its columns are: {', '.join(names)}."
                )
        return replace(
            self,
            columns=_present(self.columns, columns),
            attributes=_present(self.attributes, columns),
        )

    def reads(self, column: str) -> bool:
        """Return True if a part of a product is read from ``column``."""
        sections = [section for section in (self.grouped, self.parents) if section]
        read = {key for keys in (*self.columns.values(), *self.attributes.values()) for key in keys}
        read.update(self.leave_out, [self.pairs.column] if self.pairs else [])
        for section in sections:
            for value in vars(section).values():
                if isinstance(value, tuple):
                    read.update(key for pair in value for key in _each(pair))
        return column in read or column.partition(" ")[0] in read


def parse(data: Mapping[str, Any], name: str) -> ColumnMapping:
    """Return the mapping in ``data``. Raise :class:`FeedError` that names a wrong key."""
    _refuse_unknown(data, [f.name for f in fields(ColumnMapping)], name)
    columns = _sources(data.get("columns", {}), f"{name}: columns")
    _refuse_unknown(columns, COLUMN_FIELDS, f"{name}: columns")
    for needed in ("sku", "title"):
        if needed not in columns:
            raise FeedError(f"{name}: [columns] must name the column of {needed!r}.")
    defaults = data.get("defaults", {})
    _refuse_unknown(defaults, DEFAULT_FIELDS, f"{name}: defaults")
    return ColumnMapping(
        name=str(data.get("name", name)),
        columns=columns,
        attributes=_sources(data.get("attributes", {}), f"{name}: attributes"),
        defaults={key: str(value) for key, value in defaults.items()},
        separators=_section(Separators, data.get("separators", {}), f"{name}: separators"),
        pairs=_section(Pairs, data["pairs"], f"{name}: pairs") if "pairs" in data else None,
        grouped=_section(Grouped, data["grouped"], f"{name}: grouped")
        if "grouped" in data
        else None,
        parents=_section(Parents, data["parents"], f"{name}: parents")
        if "parents" in data
        else None,
        leave_out={
            column_key(column): tuple(str(value).casefold() for value in values)
            for column, values in {**STORE_VIEWS, **data.get("leave_out", {})}.items()
        },
        recognised_by=tuple(_keys(marks, name) for marks in data.get("recognised_by", ())),
    )


def load(path: Path) -> ColumnMapping:
    """Return the mapping in a ``.toml`` or ``.json`` file."""
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise FeedError(f"The mapping {str(path)!r} cannot be read: {error}.") from error
    if not isinstance(data, dict):
        raise FeedError(f"The mapping {str(path)!r} must be an object with the key 'columns'.")
    return parse(data, path.stem)


@cache
def known() -> dict[str, ColumnMapping]:
    """Return the formats that come with the shop, by name."""
    return {path.stem: load(path) for path in sorted(FOLDER.glob("*.toml"))}


def recognise(columns: Iterable[str], names: Iterable[str]) -> ColumnMapping:
    """Return the known format with these columns."""
    columns = list(columns)
    best = max(known().values(), key=lambda mapping: mapping.fits(columns))
    if not best.fits(columns):
        raise FeedError(
            f"The columns are not those of a known format ({', '.join(known())}): "
            f"{', '.join(names)}. Say which column is what in a file given as --mapping."
        )
    return best


def _present(
    sources: Mapping[str, tuple[str, ...]], there: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Return the existing columns, each with its repetitions."""
    repeated: dict[str, list[str]] = {}
    for column in there:
        repeated.setdefault(column.partition(" ")[0], []).append(column)
    present = {
        name: [c for key in keys for c in repeated.get(key, ())] for name, keys in sources.items()
    }
    return {name: tuple(keys) for name, keys in present.items() if keys}


def _each(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _keys(value: Any, where: str) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(n, str) and n for n in names):
        raise FeedError(f"{where} is {value!r}; it must be a column's name or a list of them.")
    return tuple(column_key(name) for name in names)


def _sources(table: Any, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict):
        raise FeedError(f"{where} is {table!r}; it must be a table.")
    return {name: _keys(value, f"{where}: {name}") for name, value in table.items()}


def _section(kind: type, table: Any, where: str) -> Any:
    """Return one of the dataclasses above, with its column names as keys."""
    if not isinstance(table, dict):
        raise FeedError(f"{where} is {table!r}; it must be a table.")
    _refuse_unknown(table, [f.name for f in fields(kind)], where)
    values = dict(table)
    if kind is Pairs:
        values["column"] = column_key(str(values.get("column", "")))
        values["skip"] = tuple(values.get("skip", ()))
    lists = {
        Grouped: ("by", "own", "variant", "variant_images", "image_position"),
        Parents: ("parent", "id", "type", "own", "draft"),
    }
    if kind in lists:
        for name in lists[kind]:
            values[name] = _keys(values.get(name, []), f"{where}: {name}")
        for name in ("not_sold", "drafts"):
            if name in values:
                values[name] = tuple(values[name])
        values["options"] = tuple(_keys(pair, where) for pair in values.get("options", ()))
    try:
        return kind(**values)
    except TypeError as error:
        raise FeedError(f"{where}: {error}.") from error


def _refuse_unknown(table: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    allowed = list(allowed)
    for key in table:
        if key not in allowed:
            raise FeedError(f"{where} has the unknown key {key!r}; known are {', '.join(allowed)}.")
