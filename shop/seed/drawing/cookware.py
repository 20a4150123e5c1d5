"""Pans, knives, chopping boards."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, oval, path, turned
from shop.seed.drawing.palette import COLOURS, darker, lighter
from shop.seed.drawing.parts import INK, STEEL, bar, ground, part, trace


def pan(canvas: Canvas, look: Look) -> None:
    """frying, saucepan, casserole, wok, grill."""
    if look.shape in ("frying", "grill", "wok"):
        _frying(canvas, look)
        return
    ground(canvas, 480, 760, 300, 30)
    half = 262 if look.shape == "casserole" else 226
    x, top, low = (500 if look.shape == "casserole" else 420), 430, 760
    grip = look.pick("grip", INK, STEEL, COLOURS["beech"])
    if look.shape == "casserole":
        for side in (-1, 1):
            ear = path(
                (x + side * half, top + 60),
                (x + side * (half + 90), top + 50, x + side * (half + 86), top + 100),
                (x + side * (half + 70), top + 140, x + side * half, top + 130),
            )
            bar(canvas, ear, 30, look.base, look.material, 0.3)
    else:
        bar(
            canvas,
            path((x + half - 10, top + 60), (x + half + 150, top + 44, x + half + 300, top + 10)),
            40,
            grip,
            "plastic" if grip == INK else "steel" if grip == STEEL else "beech",
            0.3,
        )
    part(
        canvas,
        both(
            [
                (x, top),
                *path(
                    (x + half, top),
                    (x + half - 4, low - 50),
                    (x + half - 10, low, x + half - 66, low),
                ),
                (x, low + 6),
            ],
            x,
        ),
        look.fill,
        look.material,
        0.3,
        volume=14,
        round_from=(x - half, x + half),
    )
    lid = both(
        path(
            (x, top - 96),
            (x + 40, top - 94),
            (x + half - 10, top - 80, x + half + 8, top - 4),
            (x + half + 8, top + 14),
            (x, top + 30),
        ),
        x,
    )
    part(
        canvas,
        lid,
        look.base if look.material != "glass" else (0.8, 0.85, 0.86),
        look.material,
        0.4,
        volume=22,
        round_from=(x - half, x + half),
    )
    part(
        canvas,
        both(
            path(
                (x, top - 150),
                (x + 40, top - 150, x + 40, top - 122),
                (x + 18, top - 92),
                (x, top - 90),
            ),
            x,
        ),
        look.pick("knob", INK, (0.83, 0.69, 0.4), STEEL),
        "steel",
        0.35,
        volume=12,
    )


def _frying(canvas: Canvas, look: Look) -> None:
    """Seen from above, the handle to the lower right."""
    radius = {"frying": 270, "grill": 262, "wok": 290}[look.shape] + look.vary("radius", 12)
    x, y = 420, 430
    grip = look.pick("grip", (INK, "plastic"), (STEEL, "steel"), (COLOURS["beech"], "beech"))
    if look.material == "cast iron" and look.pick("same", True, False):
        grip = (look.base, "cast iron")
    handle = turned(
        path(
            (x + radius - 20, y - 20),
            (x + radius + 150, y - 24, x + radius + 330, y - 30),
            (x + radius + 356, y, x + radius + 330, y + 30),
            (x + radius + 150, y + 24, x + radius - 20, y + 20),
        ),
        38,
        (x, y),
    )
    part(canvas, handle, grip[0], grip[1], 0.36, volume=18)
    hole = turned(oval(x + radius + 316, y, 14, 9), 38, (x, y))
    canvas.paint(canvas.area(hole), (0.86, 0.85, 0.82), volume=3)
    outline = (
        oval(x, y, radius)
        if look.shape != "grill"
        else box(x - radius, y - radius, x + radius, y + radius, 90)
    )
    canvas.shadow(canvas.area(outline), 8, 18, 22, 0.35)
    part(canvas, outline, look.fill, look.material, 0.3, volume=20)
    inner = (
        oval(x, y, radius - 26)
        if look.shape != "grill"
        else box(x - radius + 24, y - radius + 24, x + radius - 24, y + radius - 24, 70)
    )
    inside = (
        look.pick("inside", (0.2, 0.2, 0.21), (0.26, 0.26, 0.27))
        if look.material != "stainless steel"
        else (0.72, 0.73, 0.74)
    )
    if look.material == "copper":
        inside = (0.78, 0.78, 0.77)
    canvas.paint(canvas.area(inner), darker(inside, 0.2), look.material, volume=30)
    floor = (
        oval(x, y, radius * (0.74 if look.shape != "wok" else 0.45))
        if look.shape != "grill"
        else inner
    )
    flat = canvas.area(floor)
    canvas.paint(flat, inside, "cast iron", volume=20, depth=-0.5, opacity=0.9)
    if look.shape == "grill":
        for dx in range(-190, 200, 38):
            ridge = canvas.line([(x + dx, y - 206), (x + dx, y + 206)], width=14).within(flat)
            canvas.shadow(ridge, 4, 3, 4, 0.5)
            canvas.paint(ridge, lighter(inside, 0.06), "cast iron", volume=6)
    elif look.shape == "frying":
        canvas.paint(
            canvas.line(oval(x, y, radius * 0.5, start=200, end=290), width=14),
            (1, 1, 1),
            volume=0,
            opacity=0.07,
        )


def knife(canvas: Canvas, look: Look) -> None:
    """chef's, bread, santoku, paring."""
    lean = -38
    long = {"chef's": 520, "bread": 540, "santoku": 440, "paring": 280}[look.shape] + look.vary(
        "long", 16
    )
    deep = {"chef's": 92, "bread": 62, "santoku": 96, "paring": 54}[look.shape]
    start = 420 if look.shape != "paring" else 460
    x0 = start - 40
    blade = {
        "chef's": path(
            (x0, 460),
            (x0 + long * 0.6, 458),
            (x0 + long * 0.9, 470, x0 + long, 520),
            (x0 + long * 0.7, 462 + deep, x0 + long * 0.3, 462 + deep),
            (x0 + 10, 462 + deep),
        ),
        "bread": _serrated(x0, long, deep),
        "santoku": path(
            (x0, 460),
            (x0 + long * 0.72, 460),
            (x0 + long * 0.96, 462, x0 + long, 462 + deep * 0.84),
            (x0 + long * 0.7, 462 + deep, x0 + long * 0.3, 462 + deep),
            (x0 + 10, 462 + deep),
        ),
        "paring": path(
            (x0, 464),
            (x0 + long * 0.6, 466, x0 + long, 500),
            (x0 + long * 0.7, 464 + deep, x0 + 10, 464 + deep),
        ),
    }[look.shape]
    place = lambda line: turned(line, lean, (500, 500))  # noqa: E731
    canvas.shadow(canvas.area(place(blade)), 10, 22, 20, 0.22)
    steel = part(canvas, place(blade), (0.79, 0.8, 0.82), "steel", 0.28, volume=16)
    edge = canvas.area(place(box(x0, 462 + deep * 0.72, x0 + long, 470 + deep))).within(steel)
    canvas.paint(edge, (0.93, 0.94, 0.95), volume=0, opacity=0.6)
    if look.shape == "santoku":
        for at in range(6):
            x = x0 + 50 + at * (long - 150) / 6
            canvas.paint(
                canvas.area(place(oval(x + 20, 470 + deep * 0.56, 15, 22))).within(steel),
                (0.7, 0.71, 0.73),
                volume=8,
                opacity=0.75,
            )
    part(
        canvas,
        place(box(x0 - 20, 456, x0 + 12, 458 + min(deep, 66), 6)),
        STEEL,
        "steel",
        0.3,
        volume=8,
    )
    bend = look.pick("bend", 10, 26)
    handle = path(
        (x0 - 12, 458),
        (x0 - 130, 452, x0 - 250, 462),
        (x0 - 290, 470 + bend / 2, x0 - 276, 508 + bend),
        (x0 - 250, 530 + bend, x0 - 226, 512),
        (x0 - 120, 502, x0 - 12, 518),
    )
    part(canvas, place(handle), look.base, look.material, 0.36, volume=22)
    for at in (60, 132, 204):
        part(canvas, place(oval(x0 - at, 486, 8)), STEEL, "steel", 0.15, volume=3)


def _serrated(x0: float, long: float, deep: float):
    teeth = []
    for at in range(22):
        x = x0 + long - 20 - at * (long - 40) / 22
        teeth += [(x, 462 + deep), (x - 8, 454 + deep)]
    return [
        *path((x0, 460), (x0 + long * 0.94, 460), (x0 + long, 464, x0 + long, 500)),
        *teeth,
        (x0 + 10, 462 + deep),
    ]


def chopping_board(canvas: Canvas, look: Look) -> None:
    """rectangular, paddle, round, butcher's block."""
    outline, hole = {
        "rectangular": (box(230, 220, 770, 800, 30), oval(500, 272, 26)),
        "paddle": (
            path(
                (300, 380),
                (300, 340, 350, 336),
                (450, 330, 452, 250),
                (452, 120),
                (456, 90, 500, 90),
                (544, 90, 548, 120),
                (548, 250),
                (550, 330, 650, 336),
                (700, 340, 700, 380),
                (716, 860),
                (714, 900, 670, 900),
                (330, 900),
                (286, 900, 284, 860),
            ),
            oval(500, 136, 20),
        ),
        "round": ([*oval(500, 540, 290)], oval(500, 300, 24)),
        "butcher's block": (box(170, 270, 830, 740, 26), None),
    }[look.shape]
    lean = look.vary("lean", 7)
    place = lambda line: turned(line, lean, (500, 500))  # noqa: E731
    mask = canvas.area(place(outline), holes=[place(hole)] if hole else ())
    canvas.shadow(mask, 10, 20, 18, 0.36)
    made = "end grain" if look.shape == "butcher's block" else look.material
    canvas.paint(
        mask,
        look.base,
        made,
        volume=14,
        grain=0 if look.shape in ("butcher's block", "round") else 90,
    )
    if look.shape in ("rectangular", "butcher's block") and look.pick("groove", True, False):
        left, top, right, low = (
            (258, 310, 742, 772) if look.shape == "rectangular" else (200, 300, 800, 710)
        )
        groove = place(box(left, top, right, low, 24))
        canvas.paint(
            canvas.line([*groove, groove[0]], width=13),
            darker(look.base, 0.3),
            made,
            volume=6,
            depth=-0.8,
            opacity=0.75,
        )
    if look.shape == "paddle" and look.pick("cord", True, False):
        trace(
            canvas,
            place(path((500, 130), (440, 60, 500, 40), (560, 60, 500, 130))),
            width=8,
            colour=(0.5, 0.36, 0.24),
            opacity=1,
        )
    if made != "end grain":
        for at in (0.33, 0.67) if look.pick("glued", True, False) else ():
            x = 230 + 540 * at
            canvas.paint(
                canvas.line(place([(x, 100), (x, 930)]), width=3).within(mask),
                darker(look.base, 0.4),
                volume=0,
                opacity=0.4,
            )
