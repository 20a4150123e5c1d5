"""Addresses and file names of photos in cells."""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

_ADDRESS = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp)\s*(?:[?#].*)?$", re.IGNORECASE)


def split_references(cell: str, separator: str) -> list[str]:
    """Return the references in a cell. An address may contain the separator.

    An address ends at the start of the next; file names are split only if each part is a name.
    """
    cell = cell.strip()
    if not separator or separator not in cell:
        parts = [cell]
    elif _ADDRESS.match(cell):
        parts = re.split(rf"{re.escape(separator)}(?=\s*(?:https?:)?//)", cell, flags=re.I)
    else:
        parts = cell.split(separator)
        if separator == "," and not all(_FILE.search(part) for part in parts if part.strip()):
            parts = [cell]
    return [part.strip() for part in parts if part.strip()]


def path_of(reference: str) -> str:
    """Return the path in a reference, decoded, without a leading slash or drive.

    Drop host and query of an address. Raise :class:`ValueError` if it names no file or is not an
    http address.
    """
    path = reference.replace("\\", "/")
    if path.startswith("//") and "." in path.split("/")[2]:
        path = f"https:{path}"
    if "://" in path:
        parts = urlsplit(path)
        if parts.scheme.lower() not in ("http", "https"):
            raise ValueError("is neither a file name nor an http address")
        path = unquote(parts.path).replace("\\", "/")
    path = re.sub(r"^[A-Za-z]:(?=/)", "", path).lstrip("/")
    if not path or path.endswith("/") or "\0" in path:
        raise ValueError("names no file")
    return path


def name_key(path: str) -> tuple[str, ...]:
    """Return the parts of a path for comparison: in a single Unicode form and small letters."""
    normal = unicodedata.normalize("NFC", path).casefold()
    return tuple(part for part in normal.split("/") if part not in ("", "."))
