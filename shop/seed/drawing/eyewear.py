"""Sunglasses."""

from functools import partial

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import mirror, oval, path, turned
from shop.seed.drawing.palette import Rgb, mix
from shop.seed.drawing.parts import GOLD, STEEL, bar
from shop.seed.drawing.patterns import blend


def sunglasses(canvas: Canvas, look: Look) -> None:
    """wayfarer, round, aviator, cat eye."""
    canvas.shadow(canvas.area(oval(500, 620, 330, 30)), 0, 0, 30, 0.3)
    metal = look.shape == "aviator" or look.material in ("steel", "brass")
    frame = (GOLD if look.material == "brass" else STEEL) if metal else look.fill
    # a metal frame shows no colour, so that its lenses do
    tints = (0.16, 0.17, 0.19), (0.3, 0.2, 0.14), (0.16, 0.26, 0.22), look.dark
    lens = look.dark if metal else look.pick("lens", *tints)
    right = {
        "wayfarer": path(
            (536, 420),
            (660, 402, 790, 420),
            (800, 500, 762, 570),
            (700, 624, 610, 602),
            (548, 570, 536, 420),
        ),
        "round": oval(662, 502, 112),
        "aviator": path(
            (540, 420),
            (660, 396, 778, 420),
            (810, 500, 762, 590),
            (690, 668, 606, 590),
            (556, 540, 540, 420),
        ),
        "cat eye": path(
            (540, 450),
            (660, 420, 818, 374),
            (826, 470, 770, 552),
            (700, 612, 610, 582),
            (552, 548, 540, 450),
        ),
    }[look.shape]
    right = turned(right, look.vary("tilt", 2), (660, 500))
    hinge = 776 if look.shape == "round" else 790
    arms = path((hinge, 446), (870, 420, 900, 330))
    for line in (arms, mirror(arms)):
        bar(
            canvas,
            line,
            11 if metal else 22,
            frame if not callable(frame) else look.base,
            "steel" if metal else "plastic",
            0.25,
        )
    bridge = (
        path((456, 470), (500, 432, 544, 470))
        if look.shape != "wayfarer"
        else path((450, 446), (500, 436, 550, 446))
    )
    bar(canvas, bridge, 10 if metal else 26, frame, "steel" if metal else "plastic")
    if look.shape == "aviator":
        bar(canvas, path((452, 424), (500, 412, 548, 424)), 9, frame, "steel")
    for outline in (right, mirror(right)):
        glass = canvas.area(outline)
        canvas.shadow(glass, 4, 12, 12, 0.3)
        top, low = lens, mix(lens, (0.85, 0.78, 0.7), look.pick("fade", 0.12, 0.5))
        from_top = partial(_fade, top, low)
        canvas.paint(glass, from_top, volume=0, opacity=0.93)
        left = min(x for x, _ in outline)
        canvas.paint(
            canvas.area(
                [(left + 60, 380), (left + 110, 380), (left + 40, 640), (left - 10, 640)]
            ).within(glass),
            (1, 1, 1),
            volume=0,
            opacity=0.16,
        )
        rim = canvas.line([*outline, *outline[:2]], width=11 if metal else 30)
        canvas.shadow(rim, 2, 6, 6, 0.3)
        canvas.paint(rim, frame, "steel" if metal else "plastic", volume=5 if metal else 11)


def _fade(top: Rgb, low: Rgb, u, v, scale):
    return blend(top, low, ((v + u * 0 - 420) / 200).clip(0, 1))
