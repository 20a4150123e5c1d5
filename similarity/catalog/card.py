"""What a shelf shows of a product: title, address, price and a picture."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Model
from django.db.models.fields.files import FieldFile


@dataclass(frozen=True)
class Card:
    """One product as the default templates show it; "" where the host has no such thing."""

    title: str
    url: str = ""
    price: Decimal | None = None
    currency: str = ""
    image_url: str = ""
    image_alt: str = ""


def page_url(product: Model) -> str:
    """Address of the product's own page, by ``get_absolute_url`` where the model has it."""
    address = getattr(product, "get_absolute_url", None)
    return str(address()) if callable(address) else ""


def image_url(file: Any) -> str:
    """Address of a file field's value, of a name in the default storage, or the address itself."""
    if not file:
        return ""
    if isinstance(file, FieldFile):
        return str(file.url)
    return file if "://" in str(file) else str(default_storage.url(str(file)))


def image_alt(file: Any) -> str:
    """The alternative text beside the file, in its model's ``alt`` or ``alt_text``."""
    owner = getattr(file, "instance", None)
    return str(getattr(owner, "alt", "") or getattr(owner, "alt_text", "") or "")
