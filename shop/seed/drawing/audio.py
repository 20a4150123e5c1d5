"""Headphones and speakers."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, oval, path, turned
from shop.seed.drawing.palette import COLOURS, brightness, darker, lighter
from shop.seed.drawing.parts import GOLD, INK, STEEL, bar, ground, part, trace


def headphones(canvas: Canvas, look: Look) -> None:
    """over-ear, on-ear, studio, earbuds."""
    if look.shape == "earbuds":
        _earbuds(canvas, look)
        return
    big = {"over-ear": 1.0, "on-ear": 0.78, "studio": 1.12}[look.shape]
    metal = look.pick("metal", STEEL, GOLD, INK)
    canvas.shadow(canvas.area(oval(500, 800, 330, 30)), 0, 0, 30, 0.35)
    band = path((262, 560), (240, 160, 500, 160), (760, 160, 738, 560))
    bar(
        canvas, band, 40 if look.shape != "on-ear" else 26, look.base, look.material, 0.3, volume=16
    )
    pad = path((330, 300), (380, 196, 500, 196), (620, 196, 670, 300))
    bar(canvas, pad, 30, darker(look.base, 0.35), "leather", 0.2, volume=13)
    for flip in (False, True):
        place = mirror if flip else (lambda line: line)
        bar(canvas, place([(262, 500), (258, 590)]), 16, metal, "steel", 0.25)
        cushion = place(box(262 - 10, 620 - 150 * big, 262 + 84 * big, 620 + 150 * big, 60))
        part(
            canvas,
            cushion,
            darker(look.base, 0.55) if brightness(look.base) > 0.2 else (0.3, 0.3, 0.32),
            "leather",
            0.34,
            volume=30,
        )
        cup = place(
            path(
                (252, 620 - 140 * big),
                (252 - 120 * big, 620 - 130 * big, 252 - 116 * big, 620),
                (252 - 120 * big, 620 + 130 * big, 252, 620 + 140 * big),
            )
        )
        part(canvas, cup, look.fill, look.material, 0.34, volume=36)
        ring = place(
            path(
                (232, 620 - 96 * big),
                (232 - 72 * big, 620 - 90 * big, 232 - 70 * big, 620),
                (232 - 72 * big, 620 + 90 * big, 232, 620 + 96 * big),
            )
        )
        part(
            canvas,
            ring,
            look.second if look.pick("disc", True, False) else look.light,
            "smooth" if look.shape != "studio" else "grille",
            0.15,
            volume=16,
        )
    if look.shape == "studio":
        cable = path((190, 760), (180, 900, 330, 880), (480, 850, 560, 920))
        bar(canvas, cable, 9, INK, "rubber", 0.3)


def _earbuds(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 800, 290, 26)
    part(canvas, box(250, 520, 750, 800, 110), look.fill, look.material, 0.34, volume=60)
    part(
        canvas,
        path(
            (262, 500), (300, 380, 500, 380), (700, 380, 738, 500), (740, 560), (500, 580, 260, 560)
        ),
        darker(look.base, 0.12),
        look.material,
        0.3,
        volume=26,
    )
    part(canvas, box(284, 500, 716, 560, 28), darker(look.base, 0.55), "smooth", 0.2, volume=14)
    part(canvas, oval(500, 690, 9), (0.5, 0.85, 0.6), "smooth", 0, volume=2)
    for flip in (False, True):
        place = mirror if flip else (lambda line: line)
        part(
            canvas,
            place(turned(box(384, 330, 424, 540, 20), 6, (400, 430))),
            look.light,
            "plastic",
            0.3,
            volume=14,
        )
        part(canvas, place(oval(400, 330, 70, 62)), look.light, "plastic", 0.34, volume=30)
        part(
            canvas,
            place(turned(oval(338, 312, 34, 42), -20, (338, 312))),
            darker(look.base, 0.6),
            "rubber",
            0.25,
            volume=14,
        )
        part(canvas, place(oval(414, 340, 16, 10)), INK, "grille", 0, volume=3)


def speaker(canvas: Canvas, look: Look) -> None:
    """bookshelf, portable, cylinder, soundbar."""
    {"bookshelf": _bookshelf, "portable": _portable, "cylinder": _cylinder, "soundbar": _soundbar}[
        look.shape
    ](canvas, look)


def _driver(canvas: Canvas, x: float, y: float, radius: float, ring) -> None:
    part(canvas, oval(x, y, radius), ring, "steel", 0.3, volume=8)
    part(canvas, oval(x, y, radius * 0.9), (0.14, 0.14, 0.15), "rubber", 0, volume=12)
    part(
        canvas,
        oval(x, y, radius * 0.7),
        (0.22, 0.22, 0.24),
        "cast iron",
        0,
        volume=radius * 0.5,
        depth=-0.7,
    )
    part(canvas, oval(x, y, radius * 0.28), (0.3, 0.3, 0.32), "plastic", 0.3, volume=radius * 0.16)


def _bookshelf(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 880, 300, 26)
    wood = look.material in ("oak", "walnut")
    ring = look.pick("ring", STEEL, (0.25, 0.25, 0.27), COLOURS["copper"])
    wide = 176 + look.vary("wide", 16)
    pair = look.pick("pair", True, False)
    for x in (320, 690) if pair else (500,):
        half = wide * 0.92 if pair else wide * 1.12
        part(
            canvas,
            box(x - half, 180, x + half, 884, 14),
            look.base,
            look.material,
            0.34,
            volume=16,
            grain=90 if wood else 0,
        )
        if wood and look.pick("baffle", True, False):
            part(
                canvas,
                box(x - half + 18, 200, x + half - 18, 866, 10),
                INK,
                "smooth",
                0.1,
                volume=6,
            )
        _driver(canvas, x, 340, half * 0.42, ring)
        _driver(canvas, x, 640, half * 0.74, ring)


def _portable(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 744, 340, 26)
    if look.pick("strap", True, False):
        bar(
            canvas,
            path((240, 420), (240, 250, 500, 250), (760, 250, 760, 420)),
            24,
            look.second if look.pick("tone", True, False) else (0.66, 0.43, 0.25),
            "leather",
            0.3,
        )
    part(
        canvas,
        box(150, 400, 850, 744, look.pick("corner", 60, 120, 170)),
        look.base,
        "plastic" if look.material == "plastic" else look.material,
        0.32,
        volume=50,
    )
    part(
        canvas,
        box(206, 440, 794, 704, 60),
        look.pick("front", darker(look.base, 0.3), lighter(look.base, 0.12), INK),
        "grille",
        0.12,
        volume=24,
    )
    part(canvas, box(446, 552, 554, 592, 8), look.second, "smooth", 0.2, volume=5)
    for dx in (-70, 0, 70):
        part(canvas, oval(500 + dx, 404, 22, 9), darker(look.base, 0.4), "rubber", 0.1, volume=4)


def _cylinder(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 860, 210, 26)
    half, top = 186 + look.vary("half", 16), 250 + look.vary("top", 40)
    edges = (500 - half, 500 + half)
    part(
        canvas,
        both(
            path((500, top), (500 + half, top), (500 + half, 830), (500 + half - 10, 866, 500, 868))
        ),
        look.fill,
        "grille",
        0.32,
        volume=14,
        round_from=edges,
    )
    part(
        canvas,
        both(
            path((500, 770), (500 + half, 760), (500 + half, 830), (500 + half - 10, 866, 500, 868))
        ),
        look.pick("foot", COLOURS["oak"], look.dark, INK),
        look.pick("made", "oak", "plastic"),
        0,
        volume=10,
        round_from=edges,
    )
    part(canvas, oval(500, top, half, 46), look.light, "plastic", 0, volume=12)
    part(canvas, oval(500, top, half * 0.7, 30), darker(look.base, 0.45), "smooth", 0, volume=10)
    trace(
        canvas,
        oval(500, top, half * 0.82, 37),
        width=5,
        colour=look.pick("light", (0.5, 0.85, 0.95), (0.98, 0.8, 0.45)),
        opacity=0.9,
    )


def _soundbar(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 610, 430, 22)
    part(
        canvas,
        box(70, 450, 930, 606, look.pick("corner", 20, 70)),
        look.base,
        look.material,
        0.32,
        volume=34,
    )
    part(
        canvas,
        box(96, 472, 904, 588, look.pick("inner", 14, 56)),
        look.pick("front", darker(look.base, 0.35), INK),
        "grille",
        0.1,
        volume=22,
    )
    part(
        canvas,
        oval(500, 530, 14),
        look.pick("light", (0.9, 0.95, 0.98), (0.98, 0.8, 0.45)),
        "smooth",
        0,
        volume=3,
    )
    for x in (150, 850):
        part(canvas, box(x - 40, 600, x + 40, 622, 8), INK, "rubber", 0.2, volume=4)
