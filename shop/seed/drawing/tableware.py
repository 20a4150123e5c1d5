"""Mugs, plates, teapots."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, oval, path
from shop.seed.drawing.palette import COLOURS, darker, lighter
from shop.seed.drawing.parts import INK, bar, ground, part


def mug(canvas: Canvas, look: Look) -> None:
    """straight, tapered, rounded, espresso, enamel."""
    ground(canvas, 500, 800, 250, 30)
    half, top, low = {
        "straight": (196, 300, 800),
        "tapered": (216, 310, 800),
        "rounded": (206, 330, 800),
        "espresso": (170, 430, 800),
        "enamel": (210, 340, 800),
    }[look.shape]
    half += look.vary("half", 10)
    x = 460
    ring = (low - top) * 0.27
    grip = look.pick("grip", "round", "square")
    mid = top + (low - top) * 0.48
    if grip == "round":
        handle = oval(x + half + 10, mid, ring * 0.82, ring)
    else:
        handle = box(x + half - 70, mid - ring, x + half + ring * 0.95, mid + ring, 60)
    line = canvas.line([*handle, *handle[:2]], width=42)
    canvas.shadow(line, 4, 10, 12, 0.25)
    canvas.paint(
        line, look.base if look.pattern != "gradient" else look.second, look.material, volume=18
    )
    side = {
        "straight": path(
            (x + half, top), (x + half, low - 40), (x + half, low, x + half - 50, low)
        ),
        "tapered": path(
            (x + half, top), (x + half - 16, low - 90), (x + half - 40, low, x + half - 90, low)
        ),
        "rounded": path(
            (x + half - 14, top),
            (x + half + 46, top + 260, x + half - 20, low - 50),
            (x + half - 60, low, x + half - 90, low),
        ),
        "espresso": path(
            (x + half, top), (x + half - 4, low - 60), (x + half - 30, low, x + half - 60, low)
        ),
        "enamel": path(
            (x + half, top), (x + half - 8, low - 18), (x + half - 14, low, x + half - 30, low)
        ),
    }[look.shape]
    body = part(
        canvas,
        both([(x, top), *side, (x, low + 8)], x),
        look.fill,
        look.material,
        0.3,
        volume=14,
        round_from=(x - half, x + half),
    )
    if look.material == "stoneware" and look.pick("dip", True, False):
        raw = canvas.area(box(x - 300, low - 90, x + 300, low + 20)).within(body)
        canvas.paint(
            raw, (0.72, 0.6, 0.47), "terracotta", volume=8, round_from=(x - half, x + half)
        )
    rim = half - (14 if look.shape == "rounded" else 0)
    canvas.paint(
        canvas.area(oval(x, top, rim, 34)),
        lighter(look.base, 0.25) if look.shape != "enamel" else (0.15, 0.2, 0.32),
        look.material,
        volume=5,
    )
    canvas.paint(
        canvas.area(oval(x, top + 3, rim - 13, 26)),
        darker(lighter(look.base, 0.4), 0.25),
        volume=12,
    )
    if look.pick("coffee", True, False):
        canvas.paint(canvas.area(oval(x, top + 10, rim - 24, 18)), (0.27, 0.16, 0.1), volume=6)


def plate_set(canvas: Canvas, look: Look) -> None:
    """stacked, coupe, place setting, bowls."""
    if look.shape == "stacked":
        ground(canvas, 500, 770, 330, 34)
        for at in range(4):
            y = 740 - at * 52
            half = 340 - (at // 2) * 60
            part(
                canvas,
                both(
                    path(
                        (500, y - 24),
                        (500 + half, y - 26),
                        (500 + half - 20, y + 16, 500 + half * 0.55, y + 34),
                        (500, y + 36),
                    )
                ),
                look.fill if at > 1 else look.base,
                look.material,
                0.34,
                volume=12,
                round_from=(500 - half, 500 + half),
            )
            canvas.paint(
                canvas.area(oval(500, y - 26, half, 34)),
                lighter(look.base, 0.1),
                look.material,
                volume=8,
            )
        top = 740 - 3 * 52 - 26
        canvas.paint(
            canvas.area(oval(500, top + 3, 210, 22)),
            look.fill if look.pattern != "plain" else darker(look.base, 0.07),
            look.material,
            volume=10,
        )
        return
    if look.shape == "bowls":
        ground(canvas, 500, 770, 330, 34)
        for x, y, half in ((330, 640, 190), (670, 640, 190), (500, 740, 230)):
            part(
                canvas,
                both(
                    [
                        (x, y - 120),
                        *path((x + half, y - 120), (x + half - 6, y + 20, x + half * 0.4, y + 30)),
                        (x, y + 34),
                    ],
                    x,
                ),
                look.fill,
                look.material,
                0.36,
                volume=18,
                round_from=(x - half, x + half),
            )
            canvas.paint(
                canvas.area(oval(x, y - 120, half, 40)),
                lighter(look.base, 0.3),
                look.material,
                volume=5,
            )
            canvas.paint(
                canvas.area(oval(x, y - 114, half - 14, 32)),
                darker(lighter(look.base, 0.2), 0.18),
                look.material,
                volume=14,
            )
        return
    plates = (
        [(500, 500, 370)]
        if look.shape == "place setting"
        else [(330, 350, 230), (670, 350, 230), (420, 640, 230)]
    )
    for x, y, radius in plates:
        _plate(canvas, look, x, y, radius)
    if look.shape == "place setting":
        _plate(canvas, look, 500, 500, 250)
        _plate(canvas, look, 500, 500, 150, bowl=True)


def _plate(
    canvas: Canvas, look: Look, x: float, y: float, radius: float, bowl: bool = False
) -> None:
    mask = canvas.area(oval(x, y, radius))
    canvas.shadow(mask, 6, 14, 16, 0.34)
    canvas.paint(mask, look.base, look.material, volume=12)
    canvas.paint(
        canvas.line(oval(x, y, radius - 6), width=10),
        look.second if look.pick("rim", True, False) else lighter(look.base, 0.15),
        look.material,
        volume=3,
    )
    well = canvas.area(oval(x, y, radius * 0.68))
    canvas.shadow(well, -3, -4, 8, 0.16)
    inside = darker(look.base, 0.25) if bowl else look.fill
    canvas.paint(well, inside, look.material, volume=14, depth=-0.6)


def teapot(canvas: Canvas, look: Look) -> None:
    """round, tall, kettle, cast iron."""
    ground(canvas, 500, 800, 270, 30)
    tall = look.shape in ("tall", "kettle")
    half, top, low = (190, 330, 800) if tall else (236, 400, 800)
    half += look.vary("half", 10)
    spout = path(
        (500 - half + 30, 690),
        (200, 660, 214, 560),
        (196, 470, 150, 430),
        (204, 414),
        (250, 470, 262, 540),
        (300, 570, 500 - half + 60, 560),
    )
    part(canvas, spout, look.base, look.material, 0.28, volume=22)
    grip = look.pick("grip", look.base, COLOURS["beech"], INK)
    if look.shape in ("kettle", "cast iron"):
        bar(
            canvas,
            path(
                (500 - half + 60, top + 40),
                (360, 130, 500, 130),
                (640, 130, 500 + half - 60, top + 40),
            ),
            32,
            grip,
            "steel" if grip != COLOURS["beech"] else "beech",
            0.28,
        )
    else:
        bar(
            canvas,
            path(
                (500 + half - 24, top + 70),
                (850, top + 20, 836, 600),
                (810, 700, 500 + half - 30, 690),
            ),
            36,
            grip if grip != INK else look.base,
            look.material,
            0.28,
        )
    belly = 70 if look.shape == "round" else 26
    outline = both(
        path(
            (500, top),
            (560, top),
            (500 + half + belly * 0.3, top + 10, 500 + half, (top + low) / 2 + 30),
            (500 + half - 8, low - 10, 500 + half * 0.6, low),
            (500, low + 6),
        )
    )
    part(
        canvas,
        outline,
        look.fill,
        look.material,
        0.32,
        volume=26,
        round_from=(500 - half - 10, 500 + half + 10),
    )
    if look.shape == "cast iron":
        body = canvas.area(outline)
        for row in range(6):
            for at in range(-6, 7):
                x, y = 500 + (at + (row % 2) / 2) * 40, top + 110 + row * 34
                dot = canvas.area(oval(x, y, 8)).within(body)
                canvas.paint(dot, lighter(look.base, 0.1), "cast iron", volume=5, opacity=0.8)
    part(
        canvas,
        both(
            path((500, top - 34), (556, top - 30, 592, top + 6), (590, top + 20), (500, top + 30))
        ),
        look.base,
        look.material,
        0.38,
        volume=14,
    )
    part(
        canvas,
        oval(500, top - 50, 26, 24),
        look.pick("knob", look.base, look.second, (0.83, 0.69, 0.4)),
        look.material,
        0.35,
        volume=11,
    )
