"""Chairs and stools."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, oval, path
from shop.seed.drawing.palette import COLOURS, darker
from shop.seed.drawing.parts import GOLD, INK, bar, ground, part

WOODS = ("oak", "walnut", "beech")


def timber(look: Look, topic: str = "wood"):
    """The frame's wood: the product's own where it is one, else the model's choice."""
    name = look.material if look.material in WOODS else look.pick(topic, *WOODS)
    return COLOURS[name], name


def chair(canvas: Canvas, look: Look) -> None:
    """dining, armchair, stool, shell, spindle."""
    {
        "dining": _dining,
        "armchair": _armchair,
        "stool": _stool,
        "shell": _shell,
        "spindle": _spindle,
    }[look.shape](canvas, look)


def legs(canvas: Canvas, tops, feet, colour, material, width=24, behind=False) -> None:
    for top, foot in zip(tops, feet, strict=True):
        bar(
            canvas,
            [top, foot],
            width,
            darker(colour, 0.28) if behind else colour,
            material,
            0.2,
            grain=90,
        )


def _dining(canvas: Canvas, look: Look) -> None:
    wood, name = timber(look)
    ground(canvas, 500, 880, 250, 34)
    legs(canvas, [(400, 560), (612, 560)], [(392, 820), (630, 820)], wood, name, behind=True)
    lean = 26
    for x in (352, 640):
        bar(canvas, [(x + lean, 160), (x + 6, 600)], 24, wood, name, 0.25, grain=90)
    seat_fill = look.fill if look.material not in WOODS else look.base
    for y in (170, 260) if look.pick("slats", True, False) else (170,):
        tall = 66 if y == 170 and look.pick("slats", True, False) else 200
        part(
            canvas,
            path(
                (372 - (y - 170) * 0.06, y),
                (520, y - 26, 670 - (y - 170) * 0.06, y),
                (664, y + tall),
                (514, y + tall - 24, 364, y + tall),
            ),
            seat_fill,
            look.material,
            0.3,
            volume=16,
        )
    part(
        canvas,
        path((330, 540), (500, 520, 676, 540), (700, 600), (500, 624, 306, 600)),
        seat_fill,
        look.material,
        0.36,
        volume=24,
    )
    bar(canvas, path((316, 620), (500, 640, 690, 620)), 22, wood, name, 0.2)
    legs(canvas, [(326, 620), (680, 620)], [(306, 884), (700, 884)], wood, name, 26)


def _armchair(canvas: Canvas, look: Look) -> None:
    wood, name = timber(look)
    ground(canvas, 500, 870, 330, 34)
    legs(canvas, [(270, 740), (730, 740)], [(250, 872), (750, 872)], wood, name, 26)
    back = look.pick("back", "round", "tall")
    top = 210 if back == "tall" else 280
    part(
        canvas,
        both(path((500, top), (690, top, 704, top + 110), (716, 600), (500, 620))),
        look.fill,
        look.material,
        0.34,
        volume=56,
    )
    if look.pick("tufts", True, False):
        for x, y in ((420, top + 120), (580, top + 120), (500, top + 200)):
            canvas.shadow(canvas.area(oval(x, y, 16)), 0, 0, 16, 0.5)
            part(canvas, oval(x, y, 8), look.dark, look.material, 0.2, volume=4)
    part(canvas, box(270, 560, 730, 690, 50), look.fill, look.material, 0.4, volume=44)
    part(canvas, box(266, 660, 734, 770, 24), look.fill, look.material, 0.3, volume=26)
    arm = path((190, 520), (180, 440, 244, 440), (308, 440, 306, 530), (310, 774), (196, 774))
    for outline in (arm, mirror(arm)):
        part(canvas, outline, look.fill, look.material, 0.36, volume=42)


def _stool(canvas: Canvas, look: Look) -> None:
    wood, name = timber(look)
    tall = look.pick("tall", 300, 420)
    ground(canvas, 500, 890, 230, 30)
    legs(
        canvas,
        [(440, tall + 40), (560, tall + 40)],
        [(410, 850), (590, 850)],
        wood,
        name,
        22,
        behind=True,
    )
    legs(canvas, [(400, tall + 40), (600, tall + 40)], [(330, 894), (670, 894)], wood, name, 26)
    rest = tall + (890 - tall) * 0.66
    bar(
        canvas,
        path((352, rest), (500, rest + 14, 648, rest)),
        18,
        look.pick("rest", wood, GOLD),
        name,
        0.25,
    )
    if look.material in WOODS:
        part(
            canvas,
            path(
                (352, tall),
                (500, tall - 26, 648, tall),
                (668, tall + 30, 640, tall + 50),
                (500, tall + 66, 360, tall + 50),
                (332, tall + 30, 352, tall),
            ),
            look.fill,
            name,
            0.36,
            volume=16,
        )
    else:
        part(
            canvas,
            both(
                path(
                    (500, tall - 30),
                    (680, tall - 30, 684, tall + 16),
                    (680, tall + 66, 500, tall + 66),
                )
            ),
            look.fill,
            look.material,
            0.4,
            volume=36,
        )


def _shell(canvas: Canvas, look: Look) -> None:
    wood, name = timber(look)
    ground(canvas, 500, 884, 280, 32)
    metal = look.pick("metal", True, False)
    colour, made = (INK, "steel") if metal else (wood, name)
    legs(
        canvas,
        [(440, 620), (560, 620)],
        [(388, 840), (612, 840)],
        colour,
        made,
        16 if metal else 24,
        behind=True,
    )
    legs(
        canvas,
        [(420, 630), (580, 630)],
        [(300, 886), (700, 886)],
        colour,
        made,
        16 if metal else 26,
    )
    part(
        canvas,
        both(path((500, 196), (660, 190, 700, 330), (722, 470, 690, 560), (620, 640, 500, 640))),
        look.fill,
        look.material,
        0.34,
        volume=66,
    )
    part(
        canvas,
        path(
            (296, 560),
            (500, 500, 704, 560),
            (724, 640, 620, 664),
            (500, 684, 380, 664),
            (276, 640, 296, 560),
        ),
        look.fill,
        look.material,
        0.5,
        volume=34,
    )


def _spindle(canvas: Canvas, look: Look) -> None:
    wood, name = (look.base, look.material) if look.material in WOODS else timber(look)
    colour = wood if look.material in WOODS else look.base
    made = name if look.material in WOODS else "smooth"
    ground(canvas, 500, 886, 270, 32)
    legs(canvas, [(420, 600), (580, 600)], [(380, 830), (620, 830)], colour, made, 20, behind=True)
    for at in range(7):
        x = 380 + at * 40
        bar(canvas, [(500 + (x - 500) * 1.3, 220), (x, 580)], 13, colour, made, 0.25, grain=90)
    bar(canvas, path((326, 238), (500, 168, 674, 238)), 46, colour, made, 0.3)
    part(
        canvas,
        path(
            (310, 572),
            (500, 540, 690, 572),
            (724, 604, 690, 626),
            (500, 652, 310, 626),
            (276, 604, 310, 572),
        ),
        colour,
        made,
        0.4,
        volume=16,
    )
    legs(canvas, [(366, 636), (634, 636)], [(302, 890), (698, 890)], colour, made, 26)
    bar(canvas, [(346, 760), (654, 760)], 15, colour, made, 0.2)
