"""Watches."""

import math

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import box, oval, path
from shop.seed.drawing.palette import brightness, darker, lighter, mix
from shop.seed.drawing.parts import GOLD, INK, STEEL, bar, part, trace


def watch(canvas: Canvas, look: Look) -> None:
    """round, chronograph, square, diver."""
    metal = look.pick("case", STEEL, GOLD, STEEL, (0.78, 0.58, 0.48), (0.24, 0.24, 0.26))
    steel_strap = look.material == "stainless steel"
    band = metal if steel_strap else look.base
    half = 62 if look.shape != "square" else 68
    for up in (True, False):
        far, near = (70, 380) if up else (930, 620)
        outline = [
            (500 - half, near),
            (500 + half, near),
            (500 + half * 0.78, far),
            (500 - half * 0.78, far),
        ]
        mask = part(canvas, outline, band, look.material, 0.34, volume=16)
        if steel_strap:
            for y in range(min(far, near), max(far, near), 34):
                trace(canvas, [(420, y), (580, y)], width=4, colour=darker(metal, 0.5), within=mask)
            trace(
                canvas,
                [(482, far), (482, near)],
                [(518, far), (518, near)],
                width=3,
                colour=darker(metal, 0.4),
                within=mask,
            )
        else:
            seam = lighter(band, 0.35) if brightness(band) < 0.4 else darker(band, 0.25)
            for side in (-1, 1):
                trace(
                    canvas,
                    [(500 + side * (half - 12), near), (500 + side * (half * 0.78 - 12), far)],
                    width=3,
                    colour=seam,
                )
            for hole in range(4) if not up else ():
                canvas.paint(
                    canvas.area(oval(500, 730 + hole * 44, 6, 9)), darker(band, 0.6), volume=0
                )
    if not steel_strap:
        trace(canvas, box(446, 96, 554, 130, 8), width=11, colour=metal, opacity=1)
    _case(canvas, look, metal)


def _case(canvas: Canvas, look: Look, metal) -> None:
    face = (
        look.second
        if look.pick("face", True, False)
        else look.pick("dial", (0.95, 0.94, 0.91), INK)
    )
    hands = INK if brightness(face) > 0.5 else (0.95, 0.94, 0.9)
    part(canvas, box(676, 478, 712, 522, 8), metal, "steel", volume=8)
    if look.shape == "chronograph":
        for y in (392, 584):
            part(canvas, box(652, y, 690, y + 26, 6), metal, "steel", volume=6)
    if look.shape == "square":
        outer, inner = box(334, 334, 666, 666, 60), box(362, 362, 638, 638, 40)
    else:
        outer, inner = oval(500, 500, 182), oval(500, 500, 156)
    part(canvas, outer, metal, "steel", 0.42, volume=18)
    if look.shape == "diver":
        part(canvas, oval(500, 500, 172), darker(look.base, 0.35), "smooth", 0, volume=8)
        inner = oval(500, 500, 132)
        for mark in range(60):
            _tick(
                canvas,
                mark * 6,
                150,
                162 if mark % 5 else 166,
                3 if mark % 5 else 7,
                (0.95, 0.94, 0.9),
            )
    dial = part(canvas, inner, face, "smooth", 0, volume=12)
    reach = 118 if look.shape in ("square", "diver") else 142
    for mark in range(12):
        long = 26 if mark % 3 == 0 else 16
        _tick(
            canvas,
            mark * 30,
            reach - long,
            reach,
            8 if mark % 3 == 0 else 5,
            hands if look.shape != "diver" else (0.95, 0.94, 0.9),
        )
    if look.shape == "chronograph":
        for x, y in ((436, 500), (564, 500), (500, 568)):
            part(canvas, oval(x, y, 36), mix(face, hands, 0.16), "smooth", 0, volume=6)
            trace(canvas, [(x, y), (x + 14, y - 20)], width=4, colour=hands, opacity=1)
    bar(canvas, [(500, 500), _polar(304, reach * 0.58)], 11, hands, cast=0.3)
    bar(canvas, [(500, 500), _polar(60, reach * 0.86)], 8, hands, cast=0.3)
    trace(
        canvas,
        [_polar(200, -0.2 * -100), _polar(200, -reach * 0.85)],
        width=3,
        colour=look.pick("second", (0.8, 0.2, 0.16), GOLD),
        opacity=1,
    )
    part(canvas, oval(500, 500, 10), metal, "steel", 0.2, volume=4)
    canvas.paint(
        canvas.area(path((400, 380), (470, 350), (560, 640), (500, 650))).within(dial),
        (1, 1, 1),
        volume=0,
        opacity=0.09,
    )


def _polar(degrees: float, far: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return 500 + far * math.sin(angle), 500 - far * math.cos(angle)


def _tick(canvas: Canvas, degrees: float, near: float, far: float, width: float, colour) -> None:
    canvas.paint(
        canvas.line([_polar(degrees, near), _polar(degrees, far)], width=width, caps=False),
        colour,
        volume=0,
    )
