"""The plan of the demo catalogue: its products before they are saved or drawn."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count, islice

from django.utils.text import slugify

from shop.seed import kinds_home, kinds_play, kinds_wear, words
from shop.seed.brands import BRANDS, MODELS, Brand
from shop.seed.drawing.look import Look
from shop.seed.drawing.palette import COLOURS, brightness
from shop.seed.fit import colours_for, materials_for, patterns_for
from shop.seed.kinds import Kind

PREFIX = "DEMO-"
KINDS = (*kinds_wear.KINDS, *kinds_home.KINDS, *kinds_play.KINDS)
ACCENTS = (
    "ivory",
    "navy",
    "white",
    "black",
    "rust",
    "sand",
    "burgundy",
    "forest green",
    "mustard",
    "sky blue",
)


@dataclass(frozen=True)
class Item:
    """A planned product: ``photos`` are (view, alternative text)."""

    sku: str
    name: str
    description: str
    kind: Kind
    brand: Brand
    price: Decimal
    stock: int
    active: bool
    attributes: dict[str, str]
    group: str
    look: Look
    photos: tuple[tuple[str, str], ...]

    @property
    def slug(self) -> str:
        return slugify(f"{self.name}-{self.sku.removeprefix(PREFIX)}")

    def photo_name(self, position: int) -> str:
        """Return the file's name below the image field's folder."""
        return f"{slugify(self.sku)}-{position + 1}.jpg"


def plan(products: int, seed: int) -> list[Item]:
    """Return the first ``products`` items of a seed's catalogue; a larger number appends items."""
    return list(islice(_items(seed), products))


def _items(seed: int) -> Iterator[Item]:
    numbers = count(1)
    for turn in count():
        order = list(KINDS)
        random.Random(f"{seed}:order:{turn}").shuffle(order)  # noqa: S311
        for kind in order:
            for item in _model(kind, turn, seed):
                yield item(f"{PREFIX}{seed}-{next(numbers):04d}")


def _model(kind: Kind, turn: int, seed: int):
    """Return a model of a kind in one to three colours, as functions from SKU to item."""
    chance = random.Random(f"{seed}:{kind.name}:{turn}")  # noqa: S311
    names = list(MODELS)
    random.Random(f"{seed}:{kind.name}").shuffle(names)  # noqa: S311
    name = names[turn % len(names)] + ("" if turn < len(names) else f" {turn // len(names) + 1}")
    shape = list(kind.shapes)[(turn + seed) % len(kind.shapes)]
    material = chance.choice(materials_for(kind, shape))
    pattern = chance.choice(patterns_for(kind, material))
    brand = chance.choice([brand for brand in BRANDS if kind.department in brand.departments])
    colours = colours_for(kind, material)
    chance.shuffle(colours)
    variants = colours[: chance.choice((1, 1, 2, 3))]
    price = _price(kind, brand, chance)
    facts = {fact: chance.choice(values) for fact, values in kind.facts.items()}
    model = chance.getrandbits(32)
    group = f"{PREFIX}{seed}-{slugify(kind.name)}-{slugify(name)}" if len(variants) > 1 else ""
    for colour in variants:
        look = Look(kind.name, shape, colour, _accent(colour, chance), pattern, material, model)
        yield _Draft(kind, brand, name, price, facts, group, look, random.Random(f"{look}"))  # noqa: S311


@dataclass(frozen=True)
class _Draft:
    kind: Kind
    brand: Brand
    model: str
    price: Decimal
    facts: dict[str, str]
    group: str
    look: Look
    chance: random.Random

    def __call__(self, sku: str) -> Item:
        look, chance, noun = self.look, self.chance, self.kind.shapes[self.look.shape][0]
        return Item(
            sku=sku,
            name=words.title(self.kind, self.model, look, noun),
            description=words.description(self.kind, look, self.brand.line, chance),
            kind=self.kind,
            brand=self.brand,
            price=self.price,
            stock=0 if chance.random() < 0.07 else chance.randint(1, 60),
            active=chance.random() > 0.035,
            attributes=self._attributes(),
            group=self.group,
            look=look,
            photos=tuple((view, words.alt_text(look, noun, view)) for view in self._views()),
        )

    def _attributes(self) -> dict[str, str]:
        look = self.look
        found = {
            "type": self.kind.name,
            "shape": look.shape,
            "colour": look.colour,
            "material": words.IN_PROSE.get(look.material, look.material),
            "pattern": look.pattern,
        }
        if look.pattern != "plain":
            found["second colour"] = look.accent
        return {**found, **self.facts}

    def _views(self) -> list[str]:
        more = [("close-up", 0.6), ("second view", 0.45)]
        return ["front view", *(view for view, odds in more if self.chance.random() < odds)]


def _accent(colour: str, chance: random.Random) -> str:
    """Return a colour that contrasts with another."""
    light = brightness(COLOURS[colour])
    clear = [name for name in ACCENTS if abs(brightness(COLOURS[name]) - light) > 0.28]
    return chance.choice(clear)


def _price(kind: Kind, brand: Brand, chance: random.Random) -> Decimal:
    low, high = kind.price
    price = low * (high / low) ** chance.betavariate(1.6, 2.2) * brand.level
    if price > 150:
        return Decimal(round(price / 10) * 10 - 1)
    return Decimal(max(round(price), 5)) - Decimal(chance.choice(("0.05", "0.10", "0.00", "0.50")))
