"""What drawings of things made of several pieces share."""

from collections.abc import Sequence

from shop.seed.drawing.canvas import Canvas, Mask, Paint, Point
from shop.seed.drawing.outlines import oval

GOLD = (0.83, 0.69, 0.4)
STEEL = (0.76, 0.77, 0.79)
TAN = (0.66, 0.43, 0.25)
INK = (0.13, 0.13, 0.14)


def part(
    canvas: Canvas,
    outline: Sequence[Point],
    colour: Paint,
    material: str = "smooth",
    cast: float = 0.3,
    *,
    within: Mask | None = None,
    **how,
) -> Mask:
    """One piece, with its shadow on what lies behind. ``how`` goes to ``Canvas.paint``."""
    mask = canvas.area(outline)
    if within is not None:
        mask = mask.within(within)
    if cast:
        canvas.shadow(mask, 3, 8, 9, cast)
    canvas.paint(mask, colour, material, **how)
    return mask


def bar(
    canvas: Canvas,
    line: Sequence[Point],
    width: float,
    colour: Paint,
    material: str = "smooth",
    cast: float = 0.3,
    **how,
) -> Mask:
    """A thick line as a rounded piece: a strap, a leg, a handle."""
    mask = canvas.line(line, width=width, caps=how.pop("caps", True))
    if cast:
        canvas.shadow(mask, 3, 7, 7, cast)
    canvas.paint(mask, colour, material, **{"volume": width / 2.4, **how})
    return mask


def trace(canvas: Canvas, *lines: Sequence[Point], width: float, colour, within=None, opacity=0.6):
    """Thin flat lines: seams, grooves, printing."""
    mask = canvas.line(*lines, width=width)
    canvas.paint(mask if within is None else mask.within(within), colour, volume=0, opacity=opacity)


def ground(
    canvas: Canvas, x: float, y: float, rx: float, ry: float, strength: float = 0.42
) -> None:
    """The shadow under what stands on a floor."""
    canvas.shadow(canvas.area(oval(x, y, rx, ry)), 0, 0, 26, strength * 0.7)
    canvas.shadow(canvas.area(oval(x, y, rx * 0.82, ry * 0.5)), 0, 0, 10, strength * 0.6)


def shine(canvas: Canvas, outline: Sequence[Point], opacity: float = 0.3) -> None:
    """A reflection of the window."""
    canvas.paint(canvas.area(outline), (1.0, 1.0, 1.0), volume=0, opacity=opacity)
