"""Cameras."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import box, oval, path
from shop.seed.drawing.palette import brightness, darker
from shop.seed.drawing.parts import GOLD, INK, STEEL, ground, part


def camera(canvas: Canvas, look: Look) -> None:
    """rangefinder, slr, compact, instant."""
    {"rangefinder": _rangefinder, "slr": _slr, "compact": _compact, "instant": _instant}[
        look.shape
    ](canvas, look)


def _lens(canvas: Canvas, x: float, y: float, radius: float, barrel=INK) -> None:
    part(canvas, oval(x, y, radius), barrel, "steel", 0.42, volume=18)
    part(canvas, oval(x, y, radius * 0.86), darker(barrel, 0.3), "rib", 0, volume=9)
    part(canvas, oval(x, y, radius * 0.68), (0.1, 0.1, 0.11), "smooth", 0.2, volume=12)
    part(canvas, oval(x, y, radius * 0.5), (0.12, 0.14, 0.22), "glass", 0, volume=radius * 0.3)
    part(canvas, oval(x, y, radius * 0.3), (0.2, 0.14, 0.3), "glass", 0, volume=radius * 0.2)
    canvas.paint(
        canvas.area(oval(x - radius * 0.2, y - radius * 0.22, radius * 0.11, radius * 0.08)),
        (1, 1, 1),
        volume=0,
        opacity=0.8,
    )
    canvas.paint(
        canvas.area(oval(x + radius * 0.2, y + radius * 0.2, radius * 0.06)),
        (0.7, 0.85, 1),
        volume=0,
        opacity=0.55,
    )


def _dials(canvas: Canvas, spots, y: float, colour) -> None:
    for x, half in spots:
        part(
            canvas,
            box(x - half, y - 38, x + half, y + 14, 8),
            colour,
            "rib",
            0.25,
            volume=8,
            round_from=(x - half, x + half),
        )


def _rangefinder(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 750, 360, 26)
    plate = look.pick("plate", STEEL, STEEL, INK, GOLD)
    _dials(canvas, ((280, 46), (650, 40), (740, 30)), 366, plate)
    part(canvas, box(140, 350, 860, 750, 60), plate, "steel", 0.34, volume=24)
    part(canvas, box(140, 442, 860, 690, 6), look.fill, look.material, 0, volume=10)
    for x, wide in ((380, 60), (600, 36), (740, 70)):
        part(
            canvas,
            box(x - wide / 2, 376, x + wide / 2, 424, 6),
            (0.14, 0.15, 0.2),
            "glass",
            0.15,
            volume=8,
        )
    _lens(canvas, 500, 580, 152)


def _slr(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 766, 350, 26)
    plate = look.pick("plate", INK, STEEL, INK)
    _dials(canvas, ((240, 44), (720, 44), (800, 24)), 390, plate)
    part(
        canvas,
        path((370, 400), (410, 260), (590, 260), (630, 400)),
        plate,
        "plastic",
        0.3,
        volume=18,
    )
    part(
        canvas,
        path(
            (150, 420),
            (160, 376, 200, 376),
            (800, 376),
            (850, 376, 856, 420),
            (862, 720),
            (860, 766, 810, 766),
            (190, 766),
            (140, 766, 138, 720),
        ),
        plate,
        "plastic",
        0.34,
        volume=26,
    )
    part(canvas, box(146, 450, 856, 716, 16), look.fill, look.material, 0, volume=10)
    part(canvas, box(138, 430, 262, 760, 46), look.dark, look.material, 0.3, volume=22)
    _lens(canvas, 520, 580, 176)
    part(canvas, box(452, 290, 548, 330, 8), darker(plate, 0.3), "smooth", 0, volume=6)


def _compact(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 724, 320, 24)
    _dials(canvas, ((650, 44), (740, 26)), 372, STEEL)
    part(
        canvas,
        box(190, 358, 810, 724, look.pick("corner", 50, 90)),
        look.fill,
        look.material,
        0.34,
        volume=40,
    )
    part(canvas, box(230, 400, 340, 446, 10), (0.93, 0.94, 0.9), "glass", 0.15, volume=10)
    part(canvas, oval(720, 424, 12), (0.85, 0.3, 0.2), "glass", 0, volume=5)
    _lens(canvas, 520, 560, 138, look.pick("barrel", STEEL, INK))
    part(canvas, box(230, 500, 290, 690, 26), look.dark, "rubber", 0.1, volume=10)


def _instant(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 830, 320, 26)
    photo = canvas.area(box(350, 690, 650, 900, 4))
    canvas.shadow(photo, 3, 8, 9, 0.3)
    canvas.paint(photo, (0.96, 0.95, 0.93), volume=4)
    part(canvas, box(376, 700, 624, 860, 2), look.second, "smooth", 0, volume=20)
    part(
        canvas,
        path(
            (210, 380),
            (220, 250, 330, 250),
            (670, 250),
            (780, 250, 790, 380),
            (820, 720),
            (820, 780, 760, 780),
            (240, 780),
            (180, 780, 180, 720),
        ),
        look.fill,
        look.material,
        0.36,
        volume=50,
    )
    part(canvas, box(236, 700, 764, 748, 14), darker(look.base, 0.5), "smooth", 0, volume=9)
    part(canvas, box(560, 300, 720, 372, 20), (0.93, 0.94, 0.92), "glass", 0.2, volume=14)
    part(canvas, box(290, 300, 390, 370, 16), (0.15, 0.16, 0.2), "glass", 0.2, volume=12)
    _lens(canvas, 500, 530, 150, look.pick("barrel", INK, STEEL, look.dark))
    part(
        canvas,
        oval(262, 470, 30),
        look.second if brightness(look.second) > 0.2 else (0.8, 0.3, 0.25),
        "plastic",
        0.25,
        volume=12,
    )
