"""What all shoes share: one seen from the side, its fellow behind it."""

from collections.abc import Callable

from shop.seed.drawing.canvas import Canvas, Point
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import moved, oval
from shop.seed.drawing.parts import ground

WHITE = (0.95, 0.94, 0.91)


GUM = (0.72, 0.5, 0.3)


class Shoe:
    """Draws one shoe moved by an offset, so that a pair is the same drawing twice."""

    def __init__(self, canvas: Canvas, look: Look, dx: float, dy: float) -> None:
        self.canvas, self.look, self.dx, self.dy = canvas, look, dx, dy

    def at(self, points: list[Point]) -> list[Point]:
        return moved(points, self.dx, self.dy)

    def part(self, points: list[Point], colour, material: str = "smooth", **how):
        mask = self.canvas.area(self.at(points))
        self.canvas.shadow(mask, 3, 7, 9, how.pop("cast", 0.22))
        self.canvas.paint(mask, colour, material, **{"volume": 22, **how})
        return mask

    def trace(self, *lines: list[Point], width: float, colour, cast: float = 0.3, **how) -> None:
        mask = self.canvas.line(*(self.at(line) for line in lines), width=width)
        if cast:
            self.canvas.shadow(mask, 2, 4, 4, cast)
        self.canvas.paint(
            mask, colour, how.pop("material", "smooth"), **{"volume": width / 2, **how}
        )


def pair(canvas: Canvas, look: Look, one: Callable[[Shoe], None], floor: float = 735) -> None:
    """The fellow a little higher and behind."""
    ground(canvas, 520, floor, 400, 32)
    one(Shoe(canvas, look, 62, -96))
    canvas.shadow(canvas.area(oval(480, floor - 20, 360, 40)), 0, 0, 26, 0.25)
    one(Shoe(canvas, look, -28, 30))
