"""Customers and a year of orders, by the table of habits."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from shop.seed.catalogue import Item
from shop.seed.habits import partners

FIRST = (
    "Ada",
    "Ben",
    "Cleo",
    "Dario",
    "Edda",
    "Finn",
    "Gita",
    "Hugo",
    "Ines",
    "Jonas",
    "Kaya",
    "Leon",
    "Mira",
    "Nico",
    "Oda",
    "Pablo",
    "Rosa",
    "Sami",
    "Thea",
    "Uma",
    "Vito",
    "Wanda",
    "Yara",
    "Zeno",
)
LAST = (
    "Abel",
    "Birk",
    "Castell",
    "Dorn",
    "Eklund",
    "Farr",
    "Grube",
    "Holt",
    "Ivers",
    "Jansky",
    "Koval",
    "Lund",
    "Moreau",
    "Novak",
    "Olsen",
    "Pires",
    "Roth",
    "Stern",
    "Tamm",
    "Urban",
    "Voss",
    "Weiss",
)
STREETS = ("Mill Lane", "Harbour Street", "Station Road", "Orchard Way", "Kirk Wynd", "Canal Side")
TOWNS = (
    "12045 Westmark",
    "30110 Ostrava Green",
    "70170 Lindenau",
    "20095 Fairhaven",
    "50667 Bridgeford",
)
#: Monday to Sunday.
WEEKDAYS = (1.15, 0.95, 0.9, 0.95, 0.85, 1.1, 1.5)
MONTHS = (0.85, 0.8, 0.9, 0.95, 1.05, 1.05, 0.95, 0.85, 1.0, 1.05, 1.3, 1.5)
#: Enough orders to show the habits in the purchases of different customers.
ORDERS_A_PRODUCT = 15
SEVERAL = {"mug": 4, "chair": 4, "cushion": 2, "plant pot": 2, "water bottle": 2}


@dataclass(frozen=True)
class Buyer:
    name: str
    email: str
    address: str


@dataclass(frozen=True)
class Basket:
    """A planned order; ``lines`` are (SKU, quantity), ``buyer`` counts from 0, None is a guest."""

    number: str
    buyer: int | None
    guest: Buyer | None
    at: datetime
    status: str
    lines: tuple[tuple[str, int], ...]


def buyers(seed: int, number: int = 1400) -> list[Buyer]:
    """Return customers of the demo; every address is at example.com."""
    return [_buyer(random.Random(f"{seed}:buyer:{at}"), f"{seed}-{at}") for at in range(number)]  # noqa: S311


def _buyer(chance: random.Random, mark: str) -> Buyer:
    first, last = chance.choice(FIRST), chance.choice(LAST)
    address = f"{chance.choice(STREETS)} {chance.randint(1, 140)}\n{chance.choice(TOWNS)}"
    return Buyer(f"{first} {last}", f"{first}.{last}.{mark}@example.com".lower(), address)


def baskets(
    items: Sequence[Item], seed: int, today: datetime, customers: int = 1400
) -> list[Basket]:
    """Return a year of orders up to ``today`` (midnight), oldest first."""
    number = ORDERS_A_PRODUCT * len(items)
    shelf = _Shelf(items, seed)
    chance = random.Random(f"{seed}:orders")  # noqa: S311
    days = list(range(365, 0, -1))
    weights = [_season(today - timedelta(days=day)) for day in days]
    ages = sorted(chance.choices(days, weights, k=number), reverse=True)
    return [
        _basket(shelf, f"DEMO-{seed}-{at + 1:05d}", age, today, customers)
        for at, age in enumerate(ages)
    ]


class _Shelf:
    """The choice of a product and of its partners."""

    def __init__(self, items: Sequence[Item], seed: int) -> None:
        self.items = {item.sku: item for item in items}
        self.partners = partners(items, seed)
        self.skus = [item.sku for item in items if item.active]
        ranked = list(range(1, len(self.skus) + 1))
        random.Random(f"{seed}:popularity").shuffle(ranked)  # noqa: S311
        self.cumulative = list(accumulate(rank**-0.75 for rank in ranked))

    def popular(self, chance: random.Random) -> str:
        return chance.choices(self.skus, cum_weights=self.cumulative)[0]

    def fill(self, chance: random.Random) -> tuple[tuple[str, int], ...]:
        taken = [self.popular(chance)]
        for sku in taken:  # grows while partners bring partners
            taken += [
                partner
                for partner, probability in self.partners.get(sku, ())
                if partner not in taken and chance.random() < probability
            ]
            if len(taken) >= 6:
                break
        while len(taken) < 6 and chance.random() < 0.28:
            other = self.popular(chance)
            taken += [] if other in taken else [other]
        return tuple((sku, self._quantity(sku, chance)) for sku in taken)

    def _quantity(self, sku: str, chance: random.Random) -> int:
        usual = SEVERAL.get(self.items[sku].kind.name, 1)
        return chance.randint(1, usual) if usual > 1 else (2 if chance.random() < 0.05 else 1)


def _basket(shelf: _Shelf, number: str, age: int, today: datetime, customers: int) -> Basket:
    chance = random.Random(number)  # noqa: S311
    minutes = round(chance.triangular(6 * 60, 23.9 * 60, 20 * 60))
    guest = _buyer(chance, f"guest-{number}".lower()) if chance.random() < 0.15 else None
    buyer = None if guest else min(int(chance.expovariate(3.2 / customers)), customers - 1)
    luck = chance.random()
    if luck < 0.03:
        status = "cancelled"
    elif age <= 3:
        status = "placed"
    else:
        status = "returned" if luck < 0.08 else "shipped"
    at = today - timedelta(days=age) + timedelta(minutes=minutes)
    return Basket(number, buyer, guest, at, status, shelf.fill(chance))


def _season(day: datetime) -> float:
    return WEEKDAYS[day.weekday()] * MONTHS[day.month - 1]
