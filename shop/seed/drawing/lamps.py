"""Lamps, switched on."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, moved, oval, path
from shop.seed.drawing.palette import COLOURS
from shop.seed.drawing.parts import GOLD, INK, bar, ground, part


def lamp(canvas: Canvas, look: Look) -> None:
    """table, floor, arc, desk, lantern."""
    {
        "table": _table_lamp,
        "floor": _floor_lamp,
        "arc": _arc,
        "desk": _desk_lamp,
        "lantern": _lantern,
    }[look.shape](canvas, look)


def _shade(
    canvas: Canvas, look: Look, x: float, top: float, low: float, up: float, down: float
) -> None:
    outline = moved(
        both(path((500, top), (500 + up, top), (500 + down, low), (500, low + 16))), x - 500, 0
    )
    mask = canvas.area(outline)
    canvas.glow(mask, (1.0, 0.93, 0.78), 60, 0.5)
    canvas.paint(
        mask,
        look.fill,
        look.material
        if look.material in ("linen", "cotton", "paper", "rattan", "jute", "velvet")
        else "linen",
        volume=10,
        round_from=(x - down, x + down),
    )
    warm = canvas.area(
        moved(oval(500, (top + low) / 2 + 20, down * 0.5, (low - top) * 0.42), x - 500, 0)
    ).within(mask)
    canvas.glow(warm, (1.0, 0.95, 0.82), 26, 0.4)


def _table_lamp(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 850, 170, 26)
    colour = look.pick("foot", look.second, GOLD, COLOURS["terracotta"], COLOURS["oak"], INK)
    made = look.pick("made", "ceramic", "stoneware", "terracotta")
    form = look.pick("form", "gourd", "ball", "column", "cone")
    outline = {
        "gourd": path(
            (500, 500),
            (524, 500),
            (528, 560, 560, 590),
            (640, 690, 590, 800),
            (570, 846),
            (500, 852),
        ),
        "ball": path(
            (500, 560),
            (526, 560),
            (532, 600),
            (640, 640, 632, 730),
            (620, 830, 560, 846),
            (500, 850),
        ),
        "column": path((500, 520), (556, 526), (566, 836), (500, 850)),
        "cone": path((500, 520), (520, 522), (610, 840), (500, 856)),
    }[form]
    part(canvas, box(490, 460, 510, 560), GOLD, "brass", 0.1, volume=6)
    part(canvas, both(outline), colour, made, 0.3, volume=30, round_from=(370, 630))
    _shade(canvas, look, 500, 180, 490, look.pick("up", 110, 150, 200), 226)


def _floor_lamp(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 930, 180, 22)
    colour, made = look.pick("pole", (INK, "steel"), (GOLD, "brass"), (COLOURS["oak"], "oak"))
    if look.pick("tripod", True, False):
        for foot in ((360, 936), (640, 936), (520, 908)):
            bar(canvas, [(500, 400), foot], 18, colour, made, 0.25, grain=90)
    else:
        part(canvas, oval(500, 926, 120, 20), colour, made, 0.3, volume=8)
        bar(canvas, [(500, 300), (500, 920)], 15, colour, made, 0.2, grain=90)
    _shade(canvas, look, 500, 90, 330, look.pick("up", 100, 150), 180)


def _arc(canvas: Canvas, look: Look) -> None:
    ground(canvas, 300, 926, 160, 22)
    colour = look.pick("pole", INK, GOLD)
    part(
        canvas,
        box(190, 880, 400, 926, 12),
        look.pick("foot", (0.93, 0.92, 0.9), INK),
        "marble",
        0.3,
        volume=10,
    )
    bar(
        canvas,
        path((296, 890), (270, 90, 560, 110), (700, 126, 706, 290)),
        14,
        colour,
        "steel",
        0.2,
    )
    dome = moved(both(path((500, 280), (640, 286, 650, 420), (500, 432))), 206, 0)
    mask = canvas.area(dome)
    canvas.glow(canvas.area(oval(706, 430, 120, 30)), (1.0, 0.93, 0.75), 70, 0.8)
    canvas.paint(mask, look.fill, "enamel", volume=30, round_from=(556, 856))
    canvas.paint(canvas.area(oval(706, 424, 148, 16)), (1.0, 0.94, 0.8), volume=0)


def _desk_lamp(canvas: Canvas, look: Look) -> None:
    ground(canvas, 420, 850, 190, 26)
    metal = look.pick("joint", GOLD, INK, (0.76, 0.77, 0.79))
    part(
        canvas,
        both(path((420, 800), (540, 806, 546, 846), (420, 862)), 420),
        look.base,
        "enamel",
        0.3,
        volume=16,
    )
    elbow = (330 + look.vary("elbow", 20), 500)
    bar(canvas, [(420, 810), elbow], 18, metal, "steel", 0.25)
    bar(canvas, [elbow, (580, 300)], 18, metal, "steel", 0.25)
    for x, y in (elbow, (420, 806), (580, 300)):
        part(canvas, oval(x, y, 20), look.dark, "steel", 0.3, volume=7)
    canvas.glow(canvas.area(oval(706, 470, 100, 40)), (1.0, 0.93, 0.75), 80, 0.8)
    head = path(
        (560, 250),
        (600, 216, 640, 250),
        (770, 330, 800, 430),
        (720, 500, 600, 480),
        (550, 360, 560, 250),
    )
    part(canvas, head, look.fill, "enamel", 0.3, volume=40)
    part(
        canvas,
        path((800, 430), (720, 500, 600, 480), (700, 420, 800, 430)),
        (1.0, 0.94, 0.8),
        cast=0,
        volume=0,
    )


def _lantern(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 850, 210, 26)
    bar(
        canvas,
        path((420, 260), (420, 120, 500, 120), (580, 120, 580, 260)),
        13,
        look.dark,
        "steel",
        0.25,
    )
    glass = canvas.area(box(366, 350, 634, 760, 60))
    canvas.glow(glass, (1.0, 0.9, 0.66), 60, 0.6)
    canvas.paint(glass, (1.0, 0.93, 0.78), volume=40, depth=0.5, opacity=0.92)
    canvas.glow(canvas.area(oval(500, 600, 50, 90)), (1.0, 0.98, 0.9), 30, 0.95)
    for x in (372, 500, 628) if look.pick("bars", True, False) else (372, 628):
        bar(canvas, [(x, 340), (x, 770)], 12, look.dark, "steel", 0.2)
    part(
        canvas,
        both(path((500, 240), (570, 244), (650, 340), (646, 366), (500, 370))),
        look.base,
        "enamel",
        0.35,
        volume=20,
        round_from=(354, 646),
    )
    part(
        canvas,
        both(path((500, 744), (646, 744), (664, 840), (640, 852), (500, 856))),
        look.base,
        "enamel",
        0.35,
        volume=18,
        round_from=(340, 660),
    )
