"""Visits of shoppers with a taste: what they looked at in the last weeks, by kind and colour."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shop.seed.catalogue import Item
from shop.seed.habits import HABITS

#: Shoppers with an account and a history for each product: 240 in the catalogue of 400. They are
#: the first customers of :func:`shop.seed.orders.buyers`.
SHOPPERS_A_PRODUCT = 0.6
#: Days before today in which they visit the shop.
DAYS = 56
#: Probability that the next product is of the same kind, or of a kind bought with it. Otherwise
#: it is any product.
SAME_KIND, RELATED_KIND = 0.6, 0.28
#: How much more often shoppers look at a product in their favourite colour.
FAVOURITE = 5
#: Probability that the last product of a visit goes into the cart.
INTO_CART = 0.3


@dataclass(frozen=True)
class Taste:
    """A shopper's favourite kinds of product and colour."""

    kinds: tuple[str, ...]
    colour: str


@dataclass(frozen=True)
class Act:
    """An act of a shopper, counted from 0: ``name`` is ``view`` or ``add_to_cart``."""

    shopper: int
    at: datetime
    name: str
    sku: str


def shopper_count(items: Sequence[Item]) -> int:
    return max(1, round(SHOPPERS_A_PRODUCT * len(items)))


def tastes(items: Sequence[Item], seed: int) -> list[Taste]:
    """Return the taste of each shopper, the same each time."""
    kinds = sorted({item.kind.name for item in items})
    colours = sorted({item.look.colour for item in items})
    chances = (random.Random(f"{seed}:taste:{at}") for at in range(shopper_count(items)))  # noqa: S311
    return [
        Taste(tuple(chance.sample(kinds, min(2, len(kinds)))), chance.choice(colours))
        for chance in chances
    ]


def acts(items: Sequence[Item], seed: int, today: datetime) -> list[Act]:
    """Return what each shopper did before ``today`` (midnight), by shopper and time."""
    shelves = _Shelves(items)
    found: list[Act] = []
    for shopper, taste in enumerate(tastes(items, seed)):
        chance = random.Random(f"{seed}:visits:{shopper}")  # noqa: S311
        days = sorted(chance.sample(range(1, DAYS + 1), chance.randint(3, 8)), reverse=True)
        for day in days:
            at = today - timedelta(days=day) + timedelta(minutes=chance.randint(7 * 60, 23 * 60))
            found += _visit(shelves, shopper, taste, at, chance)
    return found


class _Shelves:
    """The products of each kind, and the kinds that sell together."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = [item for item in items if item.active]
        self.by_kind: dict[str, list[Item]] = defaultdict(list)
        for item in self.items:
            self.by_kind[item.kind.name].append(item)
        self.related: dict[str, list[str]] = defaultdict(list)
        for habit in HABITS:
            if self.by_kind[habit.also]:
                self.related[habit.kind].append(habit.also)


def _visit(
    shelves: _Shelves, shopper: int, taste: Taste, at: datetime, chance: random.Random
) -> Iterator[Act]:
    """Yield the acts of a visit: a walk that begins at a favourite kind."""
    kind = chance.choice([kind for kind in taste.kinds if shelves.by_kind[kind]] or [""])
    looked_at: list[str] = []
    for _step in range(chance.randint(3, 9)):
        kind = _next_kind(shelves, kind, chance) if looked_at else kind
        offered = shelves.by_kind[kind] or shelves.items
        fresh = [item for item in offered if item.sku not in looked_at] or offered
        weights = [FAVOURITE if item.look.colour == taste.colour else 1 for item in fresh]
        item = chance.choices(fresh, weights)[0]
        looked_at.append(item.sku)
        at += timedelta(seconds=chance.randint(15, 180))
        yield Act(shopper, at, "view", item.sku)
    if chance.random() < INTO_CART:
        yield Act(shopper, at + timedelta(seconds=20), "add_to_cart", looked_at[-1])


def _next_kind(shelves: _Shelves, kind: str, chance: random.Random) -> str:
    luck = chance.random()
    related = shelves.related[kind]
    if luck < SAME_KIND:
        return kind
    if luck < SAME_KIND + RELATED_KIND and related:
        return chance.choice(related)
    return chance.choice(shelves.items).kind.name
