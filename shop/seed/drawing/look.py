"""What a product looks like, as the drawings read it."""

import random
from dataclasses import dataclass

from shop.seed.drawing.palette import COLOURS, Rgb, darker, edge, lighter
from shop.seed.drawing.patterns import Paint, paint_of


@dataclass(frozen=True)
class Look:
    """``model`` seeds the proportions: colour variants of one model share it."""

    kind: str
    shape: str
    colour: str
    accent: str
    pattern: str
    material: str
    model: int

    @property
    def base(self) -> Rgb:
        return COLOURS[self.colour]

    @property
    def second(self) -> Rgb:
        return COLOURS[self.accent]

    @property
    def fill(self) -> Rgb | Paint:
        """The outer surface, printed where the product is."""
        return self.print(self.chance("print").choice((0.85, 1.0, 1.2)))

    def print(self, size: float) -> Rgb | Paint:
        """The surface with its pattern at ``size`` times the usual repeat."""
        return paint_of(self.pattern, self.base, self.second, size)

    @property
    def dark(self) -> Rgb:
        return darker(self.base, 0.38)

    @property
    def light(self) -> Rgb:
        return lighter(self.base, 0.3)

    @property
    def seam(self) -> Rgb:
        return edge(self.base)

    def chance(self, topic: str) -> random.Random:
        """Random numbers of one topic, the same for each colour of the model."""
        return random.Random(f"{self.model}:{topic}")  # noqa: S311

    def vary(self, topic: str, spread: float) -> float:
        """A number within ± ``spread``, the model's own."""
        return self.chance(topic).uniform(-spread, spread)

    def pick(self, topic: str, *choices):
        """One of the choices, the model's own."""
        return self.chance(topic).choice(choices)
