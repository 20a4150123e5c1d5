"""The kinds of product in the demo shop, with the texts about each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CLOTH = (
    "navy,ivory,rust,sage,burgundy,black,sky blue,mustard,teal,blush,forest green,"
    "grey,charcoal,olive,lilac,terracotta"
)
HIDE = "black,tan,chestnut,burgundy,navy,forest green,camel,brown,ivory"
WOOD = "oak,walnut,beech,acacia"
GLAZE = "white,ivory,sage,navy,terracotta,blush,charcoal,mustard,teal,sky blue,forest green"
GADGET = "black,white,charcoal,sage,navy,blush,terracotta,silver,teal"
GEAR = "olive,orange,teal,navy,mustard,forest green,red,sand,charcoal"


@dataclass(frozen=True)
class Kind:
    """``shapes``: shape → (the noun in a title, a sentence about it). ``facts``: attribute →
    values to choose from; the attribute ``gender`` also narrows the shapes by ``only``."""

    name: str
    department: str
    category: str
    price: tuple[int, int]
    shapes: Mapping[str, tuple[str, str]]
    materials: tuple[str, ...]
    patterns: tuple[str, ...]
    colours: tuple[str, ...]
    openings: tuple[str, ...]
    uses: tuple[str, ...]
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def kind(
    name, department, category, price, materials, patterns, colours, shapes, openings, uses, **facts
) -> Kind:
    """Return a kind from comma-separated lists; a material "walnut=walnut" has only that colour."""
    return Kind(
        name,
        department,
        category,
        price,
        shapes,
        tuple(materials.split(",")),
        tuple(patterns.split(",")),
        tuple(colours.split(",")),
        tuple(openings),
        tuple(uses),
        {fact: tuple(values.split(",")) for fact, values in facts.items()},
    )
