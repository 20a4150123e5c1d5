"""The planted habits of buying together, which an evaluation can compare with."""

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from shop.seed.catalogue import Item


class Habit(NamedTuple):
    """The probability that a buyer of a ``kind`` also buys a partner of kind ``also``."""

    kind: str
    also: str
    probability: float


HABITS = (
    Habit("pan", "knife", 0.34),
    Habit("pan", "chopping board", 0.26),
    Habit("knife", "chopping board", 0.38),
    Habit("mug", "teapot", 0.22),
    Habit("teapot", "mug", 0.45),
    Habit("plate set", "mug", 0.26),
    Habit("dress", "sandals", 0.3),
    Habit("dress", "crossbody bag", 0.22),
    Habit("skirt", "t-shirt", 0.24),
    Habit("shirt", "trousers", 0.3),
    Habit("knitwear", "scarf", 0.26),
    Habit("jacket", "boots", 0.24),
    Habit("scarf", "hat", 0.34),
    Habit("sandals", "sunglasses", 0.26),
    Habit("trainers", "backpack", 0.18),
    Habit("tent", "sleeping bag", 0.55),
    Habit("tent", "lamp", 0.3),
    Habit("sleeping bag", "water bottle", 0.32),
    Habit("backpack", "water bottle", 0.34),
    Habit("headphones", "speaker", 0.2),
    Habit("camera", "backpack", 0.2),
    Habit("sofa", "cushion", 0.5),
    Habit("sofa", "rug", 0.3),
    Habit("table", "chair", 0.48),
    Habit("lamp", "plant pot", 0.2),
    Habit("plush toy", "building blocks", 0.28),
    Habit("building blocks", "puzzle", 0.3),
)
#: Probability of the first partner of a habit instead of the second.
FIRST_PARTNER = 0.75


def partners(items: Sequence[Item], seed: int) -> dict[str, list[tuple[str, float]]]:
    """Return SKU → [(SKU of a partner, probability that both are bought)].

    Each product has up to two partners in each of its kind's habits, of the same gender
    if both have a gender; a tent's lamps are lanterns.
    """
    by_kind: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.active:
            by_kind[item.kind.name].append(item)
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for item in items:
        for habit in HABITS:
            if habit.kind != item.kind.name:
                continue
            chance = random.Random(f"{seed}:{item.group or item.sku}:{habit.also}")  # noqa: S311
            fitting = [other for other in by_kind[habit.also] if _suits(item, other)]
            chosen = chance.sample(fitting, min(2, len(fitting)))
            shares = (FIRST_PARTNER, 1 - FIRST_PARTNER) if len(chosen) == 2 else (1.0,)
            found[item.sku] += [
                (other.sku, habit.probability * share)
                for other, share in zip(chosen, shares, strict=False)
            ]
    return dict(found)


def _suits(item: Item, other: Item) -> bool:
    if item.kind.name == "tent" and other.kind.name == "lamp":
        return other.look.shape == "lantern"
    genders = {item.attributes.get("gender"), other.attributes.get("gender")} - {None, "unisex"}
    return len(genders) < 2
