"""Content of a product's page beyond its fields: options, a table of attributes, prose."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from shop.models import Product

MAX_OPTIONS = 60


class Option(NamedTuple):
    label: str
    product: Product
    is_current: bool


class Prose(NamedTuple):
    paragraphs: list[str]
    bullets: list[str]


def option_links(product: Product) -> list[Option]:
    """Return the variants in the product's group with the product itself; empty without variants.

    Label each by the attributes in which they differ.
    """
    if not product.group:
        return []
    group = Product.objects.filter(group=product.group, is_active=True).order_by("pk")
    variants = list(group.prefetch_related("images")[:MAX_OPTIONS])
    if len(variants) < 2:
        return []
    rows = [dict(attribute_rows(variant.attributes)) for variant in variants]
    names = dict.fromkeys(name for row in rows for name in row)
    differing = [name for name in names if len({row.get(name) for row in rows}) > 1]
    return [
        Option(
            " / ".join(row[name] for name in differing if name in row) or variant.name,
            variant,
            variant.pk == product.pk,
        )
        for variant, row in zip(variants, rows, strict=True)
    ]


def attribute_rows(attributes: Any) -> list[tuple[str, str]]:
    """Return (name, value) of each filled attribute, as shoppers read it."""
    if not isinstance(attributes, Mapping):
        return []
    rows = ((str(name), _written(value)) for name, value in attributes.items())
    return [(_label(name), value) for name, value in rows if value]


def prose(description: str) -> Prose:
    """Split a description into paragraphs and bullet points."""
    text, *points = re.split(r"(?:^|\s)[•·▪]\s*", description)
    paragraphs = [part.strip() for part in text.splitlines() if part.strip()]
    return Prose(paragraphs, [" ".join(point.split()) for point in points if point.strip()])


def _label(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, (_written(item) for item in value)))
    if value is None or isinstance(value, Mapping):
        return ""
    return ", ".join(part.strip() for part in str(value).split("|") if part.strip())
