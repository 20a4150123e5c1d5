"""Scarves."""

import math

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import box, path, smooth, turned
from shop.seed.drawing.palette import darker
from shop.seed.drawing.parts import bar, part, trace


def scarf(canvas: Canvas, look: Look) -> None:
    """folded, looped, draped, square."""
    if look.shape == "square":
        part(
            canvas,
            turned(box(250, 250, 750, 750, 10), 45, (500, 500)),
            look.fill,
            look.material,
            0.32,
            volume=16,
            folds=0.07,
        )
        for inset in (18, 44):
            edge = turned(box(250 + inset, 250 + inset, 750 - inset, 750 - inset), 45, (500, 500))
            trace(canvas, [*edge, edge[0]], width=7, colour=look.second, opacity=0.9)
        part(
            canvas,
            path((500, 852), (230, 584), (500, 620), (770, 584)),
            darker(look.base, 0.1),
            look.material,
            0.35,
            volume=12,
            folds=0.08,
        )
        return
    if look.shape == "looped":
        _tail(canvas, look, 400, 470, 860, -4)
        _tail(canvas, look, 566, 490, 900, 5)
        for radius, dy in ((250, 0), (212, 54)):
            ring = smooth(
                [
                    (
                        500 + radius * math.cos(a / 8 * math.tau),
                        330 + dy + radius * 0.62 * math.sin(a / 8 * math.tau),
                    )
                    for a in range(8)
                ]
            )
            bar(canvas, [*ring, ring[0]], 128, look.fill, look.material, 0.4, volume=38, folds=0.08)
        return
    if look.shape == "draped":
        bar(
            canvas,
            path((330, 600), (300, 130, 500, 130), (700, 130, 672, 600)),
            138,
            look.fill,
            look.material,
            0.34,
            volume=34,
            folds=0.06,
        )
        _tail(canvas, look, 262, 500, 880, 1)
        _tail(canvas, look, 604, 500, 850, -1)
        return
    _tail(canvas, look, 366, 330, 860, 0, 270)
    for at in range(2):
        part(
            canvas,
            box(330 - at * 6, 190 + at * 120, 670 + at * 6, 420 + at * 130, 58),
            look.fill,
            look.material,
            0.4,
            volume=40,
            folds=0.05,
        )


def _tail(
    canvas: Canvas, look: Look, x: float, top: float, low: float, lean: float, wide: float = 136
) -> None:
    outline = turned(box(x, top, x + wide, low, 8), lean, (x, top))
    fringe = [
        turned([(x + 6 + at, low - 6), (x + 3 + at, low + 44)], lean, (x, top))
        for at in range(0, int(wide) - 8, 13)
    ]
    mask = canvas.line(*fringe, width=5.5)
    canvas.shadow(mask, 2, 5, 5, 0.3)
    canvas.paint(mask, look.pick("fringe", look.base, look.second), look.material, volume=3)
    part(canvas, outline, look.fill, look.material, 0.34, volume=26, folds=0.06)
