"""Rugs, cushions, plant pots."""

import math

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, oval, path, turned
from shop.seed.drawing.palette import lighter, mix
from shop.seed.drawing.parts import bar, ground, part, trace


def rug(canvas: Canvas, look: Look) -> None:
    """rectangular, runner, round, oval."""
    outline = {
        "rectangular": box(180, 250, 820, 740, 8),
        "runner": box(330, 110, 670, 890, 8),
        "round": oval(500, 500, 360),
        "oval": oval(500, 500, 400, 270),
    }[look.shape]
    if look.shape in ("rectangular", "runner") and look.pick("fringe", True, True, False):
        _fringe(canvas, look)
    body = canvas.area(outline)
    canvas.shadow(body, 4, 9, 9, 0.34)
    canvas.paint(body, look.print(1.5), look.material, volume=9)
    for inset in (20, 42) if look.pick("border", True, False) else (14,):
        if look.shape == "round":
            line = oval(500, 500, 360 - inset)
        elif look.shape == "oval":
            line = oval(500, 500, 400 - inset, 270 - inset)
        else:
            left, top, right, low = (
                (180, 250, 820, 740) if look.shape == "rectangular" else (330, 110, 670, 890)
            )
            line = [
                *box(left + inset, top + inset, right - inset, low - inset),
                (left + inset, top + inset),
            ]
        trace(canvas, line, width=9, colour=look.second, opacity=0.75)


def _fringe(canvas: Canvas, look: Look) -> None:
    if look.shape == "rectangular":
        lines = [
            [(x, y), (x + dx, y + 4)]
            for y in range(256, 738, 11)
            for x, dx in ((182, -36), (818, 36))
        ]
    else:
        lines = [
            [(x, y), (x + 3, y + dy)]
            for x in range(336, 668, 11)
            for y, dy in ((112, -36), (888, 36))
        ]
    mask = canvas.line(*lines, width=5)
    canvas.shadow(mask, 2, 4, 4, 0.3)
    canvas.paint(mask, lighter(mix(look.base, (0.93, 0.89, 0.8), 0.75), 0.1), volume=2)


def cushion(canvas: Canvas, look: Look) -> None:
    """square, lumbar, round, bolster."""
    if look.shape == "round":
        canvas.shadow(canvas.area(oval(500, 520, 300)), 6, 20, 30, 0.35)
        body = part(canvas, oval(500, 500, 300), look.fill, look.material, 0.3, volume=90)
        for turn in range(0, 360, 24):
            angle = math.radians(turn)
            fold = [
                (500 + 30 * math.cos(angle), 500 + 30 * math.sin(angle)),
                (500 + 250 * math.cos(angle), 500 + 250 * math.sin(angle)),
            ]
            canvas.shadow(canvas.line(fold, width=5).within(body), 0, 0, 9, 0.32)
        part(canvas, oval(500, 500, 26), look.second, look.material, 0.45, volume=12)
        return
    if look.shape == "bolster":
        part(canvas, box(150, 380, 850, 640, 60), look.fill, look.material, 0.34, volume=90)
        for x in (206, 794):
            bar(canvas, [(x, 386), (x, 634)], 12, look.second, "satin", 0.25)
        return
    wide, tall = (300, 292) if look.shape == "square" else (370, 230)
    x0, x1, y0, y1 = 500 - wide, 500 + wide, 500 - tall, 500 + tall
    outline = path(
        (x0, y0),
        (500, y0 + 42, x1, y0),
        (x1 - 40, 500, x1, y1),
        (500, y1 - 42, x0, y1),
        (x0 + 40, 500, x0, y0),
    )
    outline = turned(outline, look.vary("lean", 4), (500, 500))
    edge = look.pick("edge", "piping", "tassels", "none", "fringe")
    if edge in ("tassels",):
        for x, y in (outline[0], outline[16], outline[32], outline[48]):
            out = (x - 500) / abs(x - 500)
            for spread in (-14, -7, 0, 7, 14):
                bar(
                    canvas,
                    [
                        (x, y),
                        (
                            x + out * (34 - abs(spread)) + spread * 0.3,
                            y + 56 * (1 if y > 500 else -0.4) + spread,
                        ),
                    ],
                    8,
                    look.second,
                    "wool",
                    0.2,
                )
    if edge == "fringe":
        lines = [[(x, y), (500 + (x - 500) * 1.1, 500 + (y - 500) * 1.1)] for x, y in outline[::1]]
        mask = canvas.line(*lines, width=6)
        canvas.shadow(mask, 3, 8, 6, 0.3)
        canvas.paint(mask, look.second, "wool", volume=3)
    part(canvas, outline, look.fill, look.material, 0.4, volume=80)
    if edge == "piping":
        bar(canvas, [*outline, outline[1]], 11, look.second, look.material, 0.15)


LEAF = ((0.25, 0.42, 0.26), (0.33, 0.5, 0.3), (0.42, 0.56, 0.36), (0.2, 0.36, 0.27))


def plant_pot(canvas: Canvas, look: Look) -> None:
    """classic, cylinder, footed, bowl, planter on legs."""
    ground(canvas, 500, 850, 210, 28)
    _plant(canvas, look)
    half = {"classic": 190, "cylinder": 176, "footed": 186, "bowl": 236, "on legs": 190}[look.shape]
    half += look.vary("half", 10)
    top = 560 if look.shape != "bowl" else 610
    fill, made = look.fill, look.material
    rim = (500 - half, 500 + half)
    if look.shape == "on legs":
        for x in (400, 600):
            bar(
                canvas,
                [(x, 740), (x + (x - 500) * 0.5, 856)],
                20,
                (0.77, 0.6, 0.4),
                "oak",
                0.25,
                grain=90,
            )
    if look.shape == "classic":
        part(
            canvas,
            both(
                path(
                    (500, top + 40),
                    (500 + half - 14, top + 40),
                    (500 + half * 0.68, 850),
                    (500, 858),
                )
            ),
            fill,
            made,
            0.3,
            volume=12,
            round_from=rim,
        )
        part(
            canvas,
            both(path((500, top), (500 + half, top), (500 + half - 4, top + 62), (500, top + 74))),
            fill,
            made,
            0.35,
            volume=10,
            round_from=rim,
        )
    elif look.shape == "cylinder":
        part(
            canvas,
            both(
                path(
                    (500, top),
                    (500 + half, top),
                    (500 + half - 6, 834),
                    (500 + half - 20, 850),
                    (500, 860),
                )
            ),
            fill,
            made,
            0.3,
            volume=12,
            round_from=rim,
        )
    elif look.shape == "footed":
        part(
            canvas,
            both(path((500, 780), (590, 790), (604, 850), (500, 858))),
            look.dark,
            made,
            0.25,
            volume=10,
            round_from=(396, 604),
        )
        part(
            canvas,
            both(path((500, top), (500 + half, top), (500 + half + 20, 760, 580, 800), (500, 810))),
            fill,
            made,
            0.32,
            volume=18,
            round_from=rim,
        )
    else:
        low = 780 if look.shape == "on legs" else 850
        part(
            canvas,
            both(
                path(
                    (500, top),
                    (500 + half, top),
                    (500 + half + 14, low - 60, 500 + half * 0.6, low),
                    (500, low + 8),
                )
            ),
            fill,
            made,
            0.32,
            volume=20,
            round_from=rim,
        )
    lip = canvas.line(path((500 - half + 6, top), (500, top + 6, 500 + half - 6, top)), width=12)
    canvas.paint(lip, lighter(look.base, 0.16), made, volume=4)
    if look.pick("rim", True, False, False):
        trace(
            canvas,
            path((500 - half + 10, top + 110), (500, top + 124, 500 + half - 10, top + 110)),
            width=8,
            colour=look.second,
            opacity=0.85,
        )


def _plant(canvas: Canvas, look: Look) -> None:
    kind = look.pick("plant", "snake", "rubber", "fern", "cactus", "succulent")
    chance = look.chance("leaves")
    if kind == "cactus":
        part(canvas, box(436, 300, 564, 620, 64), LEAF[0], "rib", 0.25, volume=30)
        part(
            canvas,
            path(
                (560, 470),
                (650, 470, 650, 380),
                (650, 350, 620, 350),
                (596, 352, 598, 390),
                (594, 410, 560, 410),
            ),
            LEAF[1],
            "rib",
            0.25,
            volume=18,
        )
        part(canvas, oval(500, 300, 26, 22), (0.87, 0.45, 0.5), "felt", 0.25, volume=10)
        return
    spec = {
        "snake": (9, 16, 330, 40),
        "rubber": (9, 62, 250, 86),
        "fern": (17, 76, 290, 30),
        "succulent": (13, 78, 170, 62),
    }[kind]
    count, spread, long, wide = spec
    order = sorted(range(count), key=lambda at: -abs(at - (count - 1) / 2))
    for at in order:
        lean = (at / (count - 1) * 2 - 1) * spread + chance.uniform(-6, 6)
        far = long * chance.uniform(0.75, 1.1)
        colour = chance.choice(LEAF)
        leaf = path(
            (500, 590),
            (500 - wide * 0.9, 590 - far * 0.55, 500, 590 - far),
            (500 + wide * 0.9, 590 - far * 0.55, 500, 590),
        )
        mask = part(canvas, turned(leaf, lean, (500, 590)), colour, "smooth", 0.28, volume=14)
        vein = turned([(500, 580), (500, 600 - far)], lean, (500, 590))
        trace(canvas, vein, width=4, colour=lighter(colour, 0.35), within=mask, opacity=0.6)
