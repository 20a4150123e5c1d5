"""The card of a product on a shelf: title, address, price and a picture.

An exception in a host's product, photo or adapter costs only that part of that card. Every page,
answer and command reads cards through :func:`card_of` and :func:`title_of`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.files.storage import default_storage
from django.db.models import Model
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest

from similarity.catalog.money import amount_of, currency_of
from similarity.logs import log_error

if TYPE_CHECKING:
    from similarity.catalog.adapter import CatalogAdapter

logger = logging.getLogger(__name__)

Part = TypeVar("Part")


@dataclass(frozen=True)
class Card:
    """A product as the default templates show it; "" for data the host does not have."""

    title: str
    url: str = ""
    price: Decimal | None = None
    currency: str = ""
    image_url: str = ""
    image_alt: str = ""
    brand: str = ""


def card_of(adapter: "CatalogAdapter", product: Any, request: HttpRequest | None = None) -> Card:
    """Return the adapter's card; only title and address if the adapter raises."""
    card = read_part(product, "card", lambda: adapter.card(product, request), None)
    if not isinstance(card, Card):
        return Card(title=title_of(adapter, product), url=page_url(product))
    price = read_part(product, "price", lambda: amount_of(card.price), None)
    currency = card.currency or currency_of(card.price)
    return replace(card, price=price, currency=str(currency))


def title_of(adapter: "CatalogAdapter", product: Any) -> str:
    """Return the adapter's title; the product's text, or its key, if that raises."""
    title = read_part(product, "title", lambda: str(adapter.title(product)), None)
    if title is None:
        title = read_part(product, "text", lambda: str(product), None)
    return str(product.pk) if title is None else title


def page_url(product: Any) -> str:
    """Return the product page's address from ``get_absolute_url``, if the model has it."""
    return read_part(product, "address", lambda: _page_url(product), "")


def _page_url(product: Any) -> str:
    address = getattr(product, "get_absolute_url", None)
    return str(address() or "") if callable(address) else ""


def image_url(file: Any) -> str:
    """Return the address of a file field's value or a stored file's name; keep an address."""
    owner = getattr(file, "instance", file)
    return read_part(owner, "photo's address", lambda: _image_url(file), "")


def _image_url(file: Any) -> str:
    if not file:
        return ""
    if isinstance(file, FieldFile):
        return str(file.url)
    return file if "://" in str(file) else str(default_storage.url(str(file)))


def image_alt(file: Any) -> str:
    """Return the alternative text beside the file, in its model's ``alt`` or ``alt_text``."""
    owner = getattr(file, "instance", None)
    return read_part(owner, "alternative text", lambda: _image_alt(owner), "")


def _image_alt(owner: Any) -> str:
    return str(getattr(owner, "alt", "") or getattr(owner, "alt_text", "") or "")


def read_part(product: Any, part: str, read: Callable[[], Part], default: Part) -> Part:
    """Return the result of ``read``; log its exception and return ``default`` if it raises."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - whatever the host's code raises, the page goes on
        key = product.pk if isinstance(product, Model) else product
        label = product._meta.label if isinstance(product, Model) else type(product).__name__
        log_error(logger, error, "The %s of %s %r cannot be read.", part, label, key)
        return default
