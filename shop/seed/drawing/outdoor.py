"""Tents, sleeping bags, bottles."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, moved, oval, path
from shop.seed.drawing.palette import COLOURS, darker, lighter
from shop.seed.drawing.parts import INK, STEEL, bar, ground, part, trace


def tent(canvas: Canvas, look: Look) -> None:
    """dome, ridge, tunnel, bell."""
    ground(canvas, 500, 764, 430, 30)
    ropes = {"dome": (560, 380), "ridge": (310, 440), "tunnel": (520, 420), "bell": (560, 420)}[
        look.shape
    ]
    for flip in (False, True):
        line = [(500 + ropes[1] * 0.62, ropes[0]), (500 + ropes[1] + 30, 776)]
        bar(canvas, mirror(line) if flip else line, 5, (0.85, 0.8, 0.65), cast=0.2)
    {"dome": _dome, "ridge": _ridge, "tunnel": _tunnel, "bell": _bell}[look.shape](canvas, look)


def _door(canvas: Canvas, look: Look, outline, flap) -> None:
    part(canvas, outline, darker(look.base, 0.66), "nylon", 0, volume=16)
    part(canvas, flap, look.light, look.material, 0.4, volume=10, folds=0.08)


def _dome(canvas: Canvas, look: Look) -> None:
    high = 290 + look.vary("high", 24)
    body = part(
        canvas,
        both(path((500, high), (740, high + 6, 870, 764), (500, 776))),
        look.fill,
        look.material,
        0.3,
        volume=70,
    )
    part(
        canvas,
        both(
            path((500, high - 6), (640, high, 720, high + 190), (600, high + 236, 500, high + 216))
        ),
        look.second,
        look.material,
        0.3,
        volume=34,
    )
    for line in (
        path((500, high), (260, high + 60, 160, 764)),
        path((500, high), (740, high + 60, 840, 764)),
    ):
        trace(canvas, line, width=8, colour=darker(look.base, 0.45), within=body, opacity=0.8)
    _door(
        canvas,
        look,
        path((400, 768), (410, 560, 500, 520), (590, 560, 604, 768)),
        path((590, 768), (600, 600, 530, 532), (640, 600, 640, 768)),
    )


def _ridge(canvas: Canvas, look: Look) -> None:
    lean = look.vary("lean", 30)
    part(
        canvas,
        path((430 + lean, 300), (760 + lean, 280), (930, 740), (640, 768)),
        darker(look.base, 0.14),
        look.material,
        0.3,
        volume=24,
        folds=0.06,
    )
    part(
        canvas,
        path((430 + lean, 296), (640, 768), (150, 772)),
        look.fill,
        look.material,
        0.2,
        volume=20,
        folds=0.05,
    )
    _door(
        canvas,
        look,
        path((430 + lean, 330), (560, 770), (300, 770)),
        path((430 + lean, 330), (300, 770), (220, 770), (330, 560, 430 + lean, 330)),
    )
    bar(canvas, path((430 + lean, 320), (430 + lean, 770)), 9, COLOURS["beech"], "beech", 0.2)
    trace(canvas, [(430 + lean, 298), (760 + lean, 280)], width=9, colour=look.second, opacity=0.9)


def _tunnel(canvas: Canvas, look: Look) -> None:
    for at in range(3):
        x, high = 600 - at * 130, 420 - at * 40
        wide = 250 + at * 40
        tone = look.fill if at % 2 == 0 else look.second
        arch = moved(
            both(path((500, high), (500 + wide, high, 500 + wide + 20, 764), (500, 772))),
            x - 500 + 30,
            0,
        )
        part(canvas, arch, tone, look.material, 0.36, volume=52)
    _door(
        canvas,
        look,
        path((230, 768), (240, 470, 370, 450), (500, 470, 512, 768)),
        path((500, 768), (500, 540, 430, 466), (560, 540, 560, 768)),
    )


def _bell(canvas: Canvas, look: Look) -> None:
    part(
        canvas,
        path((140, 590), (860, 590), (850, 764), (500, 780, 150, 764)),
        look.light,
        look.material,
        0.3,
        volume=16,
    )
    roof = part(
        canvas,
        both(path((500, 190), (520, 190), (640, 420, 880, 596), (500, 640))),
        look.fill,
        look.material,
        0.36,
        volume=40,
    )
    for dx in (-240, -110, 110, 240):
        trace(
            canvas,
            path((500, 200), (500 + dx * 0.4, 400, 500 + dx, 626)),
            width=5,
            colour=look.seam,
            within=roof,
        )
    _door(
        canvas,
        look,
        path((430, 774), (440, 520), (500, 400), (560, 520), (570, 774)),
        path((560, 774), (556, 540), (500, 400), (620, 560, 620, 772)),
    )
    part(
        canvas,
        both(path((500, 172), (516, 180), (530, 230), (500, 236))),
        look.second,
        "canvas",
        0.2,
        volume=7,
    )


def sleeping_bag(canvas: Canvas, look: Look) -> None:
    """mummy, rectangular, rolled."""
    if look.shape == "rolled":
        ground(canvas, 500, 720, 330, 28)
        part(canvas, box(170, 380, 810, 720, 120), look.fill, "quilted", 0.32, volume=90, grain=90)
        part(canvas, oval(800, 550, 96, 170), look.second, "nylon", 0.2, volume=40)
        for ring in (120, 80, 40):
            trace(
                canvas, oval(800, 550, ring * 0.56, ring), width=5, colour=darker(look.second, 0.4)
            )
        for x in (320, 620):
            bar(canvas, path((x, 384), (x - 34, 550, x, 718)), 28, look.dark, "canvas", 0.3)
            part(canvas, box(x - 40, 520, x + 6, 572, 6), INK, "plastic", 0.2, volume=6)
        return
    if look.shape == "mummy":
        outline = both(
            path(
                (500, 60),
                (640, 60, 650, 190),
                (700, 300, 690, 430),
                (640, 760, 610, 900),
                (590, 940, 500, 940),
            )
        )
        hood = both(path((500, 106), (596, 110, 596, 214), (580, 290, 500, 296)))
    else:
        outline = box(310, 80, 690, 930, 40)
        hood = path((340, 110), (660, 110), (660, 300), (500, 320, 340, 300))
    body = part(canvas, outline, look.fill, "quilted", 0.34, volume=46)
    part(canvas, hood, look.second, "nylon", 0, volume=22)
    if look.shape == "rectangular":
        part(canvas, box(370, 140, 630, 250, 44), (0.93, 0.91, 0.86), "cotton", 0.35, volume=32)
        part(
            canvas,
            path((310, 330), (690, 290), (690, 380), (310, 400)),
            look.second,
            "nylon",
            0.36,
            volume=14,
        )
    trace(
        canvas,
        path((640, 300), (636, 600, 596, 900)),
        width=7,
        colour=darker(look.base, 0.5),
        within=body,
        opacity=0.8,
    )


def water_bottle(canvas: Canvas, look: Look) -> None:
    """slim, wide mouth, flask, sports."""
    ground(canvas, 500, 900, 150, 24)
    half = {"slim": 106, "wide mouth": 140, "flask": 124, "sports": 120}[look.shape] + look.vary(
        "half", 7
    )
    edges = (500 - half, 500 + half)
    cap = look.pick("cap", INK, STEEL, look.second, COLOURS["bamboo"])
    top = 330 if look.shape != "wide mouth" else 290
    neck = {"slim": 52, "wide mouth": 104, "flask": 84, "sports": 74}[look.shape]
    part(
        canvas,
        box(500 - neck, top - 80, 500 + neck, top + 40, 10),
        STEEL,
        "steel",
        0.2,
        volume=8,
        round_from=(500 - neck, 500 + neck),
    )
    if look.shape == "wide mouth":
        bar(
            canvas,
            path(
                (450, top - 120), (450, top - 210, 500, top - 210), (550, top - 210, 550, top - 120)
            ),
            24,
            cap,
            "plastic",
            0.25,
        )
    if look.shape == "sports":
        part(
            canvas,
            box(470, top - 210, 530, top - 110, 18),
            lighter(cap, 0.2),
            "rubber",
            0.2,
            volume=14,
        )
    tall = 170 if look.shape == "flask" else 120
    part(
        canvas,
        box(500 - neck - 10, top - tall, 500 + neck + 10, top - 20, 16),
        cap,
        "bamboo" if cap == COLOURS["bamboo"] else "plastic",
        0.3,
        volume=10,
        round_from=(490 - neck, 510 + neck),
    )
    shoulder = 430 if look.shape in ("slim", "sports") else 380
    outline = both(
        path(
            (500, top),
            (500 + neck + 4, top),
            (500 + neck + 10, shoulder - 40, 500 + half, shoulder),
            (500 + half, 870),
            (500 + half, 904, 500 + half - 34, 904),
            (500, 908),
        )
    )
    body = part(
        canvas,
        outline,
        look.fill,
        "enamel" if look.material == "stainless steel" else look.material,
        0.32,
        volume=14,
        round_from=edges,
        gloss=0.35,
    )
    if look.pick("base", True, False):
        foot = canvas.area(box(300, 836, 700, 920)).within(body)
        canvas.paint(
            foot,
            STEEL if look.pick("foot", True, False) else look.dark,
            "steel",
            volume=6,
            round_from=edges,
        )
    part(canvas, box(482, 600, 518, 680, 8), look.second, "smooth", 0, volume=3)
