"""Addresses and file names of photos, as cells hold them."""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

_ADDRESS = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp)\s*(?:[?#].*)?$", re.IGNORECASE)


def split_references(cell: str, separator: str) -> list[str]:
    """The references in one cell. An address may hold the separator itself.

    Addresses end where the next begins; file names are parted only where each part is one.
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
    """The path that a reference names, without a leading slash or drive.

    Of an address neither host nor query; decoded. Raises :class:`ValueError` where it names
    no file or is no http address.
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
    """The parts of a path as they are compared: one Unicode form, in small letters."""
    normal = unicodedata.normalize("NFC", path).casefold()
    return tuple(part for part in normal.split("/") if part not in ("", "."))
