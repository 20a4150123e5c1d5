"""Dresses and skirts."""

from shop.seed.drawing.canvas import Canvas, Mask
from shop.seed.drawing.cloth import buttons, cloth, neck_back, sleeve, sleeves, stitch
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, path


def dress(canvas: Canvas, look: Look) -> None:
    """a-line, shift, maxi, wrap."""
    long = {"a-line": 800, "shift": 760, "maxi": 915, "wrap": 835}[look.shape] + look.vary(
        "hem", 18
    )
    hem = {"a-line": 215, "shift": 150, "maxi": 200, "wrap": 190}[look.shape] + look.vary(
        "sweep", 18
    )
    waist = {"a-line": 96, "shift": 132, "maxi": 98, "wrap": 96}[look.shape]
    length = {
        "a-line": look.pick("sleeve", "short", "cap", "none"),
        "shift": look.pick("sleeve", "elbow", "none", "short"),
        "maxi": look.pick("sleeve", "straps", "none", "puff"),
        "wrap": look.pick("sleeve", "long", "bell", "elbow"),
    }[look.shape]
    neck = look.pick("neck", 58, 66)
    shoulder = (612, 158) if length not in ("none", "straps") else (590, 158)
    back = path((500, 128), (500 + neck, 128), (500 + neck - 8, 200, 500, 215))
    if look.shape == "wrap":
        back = path((500, 128), (500 + neck, 128), (500, 306))
    neck_back(canvas, look, both(back))
    if length not in ("none", "straps"):
        sleeves(canvas, look, sleeve(look, length, shoulder, (606, 292)))
    deep = {"a-line": 188, "shift": 176, "maxi": 196, "wrap": 300}[look.shape]
    pit = (596, 292)
    if length == "straps":
        body_top = path((500, 246), (540, 244, 560, 214), (596, 262, 598, 292))
        straps = path((556, 220), (548, 150), (534, 126))
        canvas.paint(
            canvas.line(straps, mirror(straps), width=12), look.fill, look.material, volume=5
        )
    elif look.shape == "wrap":
        body_top = path((500, deep), (500 + neck, 128), shoulder, (600, 230, *pit))
    else:
        body_top = path(
            (500, deep), (500 + neck - 6, deep, 500 + neck, 128), shoulder, (592, 230, *pit)
        )
    side = path(
        pit,
        (500 + waist + 2, 360, 500 + waist, 432),
        (500 + waist + 22, 520, 500 + hem - 28, long - 160, 500 + hem, long),
    )
    bottom = path((500 + hem, long), (500 + hem * 0.5, long + 20, 500, long + 20))
    body = cloth(canvas, look, both([*body_top, *side, *bottom]))
    if look.shape == "wrap":
        _wrap(canvas, look, body, neck, deep, waist, hem, long)
    elif look.shape in ("a-line", "maxi"):
        _waist(canvas, look, body, waist)
    if look.shape == "maxi":
        for y in (620, 775):
            sweep = 500 + waist + (hem - waist) * ((y - 432) / (long - 432)) ** 0.9 + 10
            tier = path((1000 - sweep, y), (500, y + 26, sweep, y))
            canvas.shadow(canvas.line(tier, width=5).within(body), 0, 7, 7, 0.7)
    stitch(
        canvas, look, path((500 + hem - 4, long - 12), (500, long + 8, 500 - hem + 4, long - 12))
    )


def _waist(canvas: Canvas, look: Look, body: Mask, waist: float) -> None:
    seam = path((500 - waist - 6, 430), (500, 446, 500 + waist + 6, 430))
    if look.pick("belt", True, False):
        belt = canvas.line(seam, width=24, caps=False).within(body)
        canvas.shadow(belt, 0, 5, 5, 0.35)
        canvas.paint(belt, look.dark, "leather", volume=8)
        buckle = canvas.line(box(482, 422, 518, 454, 5), width=5)
        canvas.paint(buckle, (0.82, 0.7, 0.42), "brass", volume=3)
    else:
        canvas.shadow(canvas.line(seam, width=4).within(body), 0, 5, 5, 0.7)
    for dx in (-62, -26, 26, 62):
        pleat = path((500 + dx * 0.7, 452), (500 + dx * 1.5, 560, 500 + dx * 1.9, 660))
        canvas.shadow(canvas.line(pleat, width=5).within(body), 2, 0, 7, 0.42)


def _wrap(canvas: Canvas, look: Look, body: Mask, neck, deep, waist, hem, long) -> None:
    over = canvas.area(
        path(
            (500 - neck, 126),
            (500 - neck + 30, 240, 548, 400),
            (500 + waist, 436),
            (500 + waist * 0.5, 640, 500 + hem * 0.25, long + 30),
            (500 - hem - 40, long + 30),
            (500 - waist - 60, 430),
            (380, 150),
        )
    ).within(body)
    canvas.shadow(over, 7, 3, 8, 0.4)
    canvas.paint(over, look.fill, look.material, volume=10, folds=0.07)
    belt = canvas.line(
        path((500 - waist - 4, 428), (500, 446, 500 + waist + 4, 428)), width=26, caps=False
    )
    belt = belt.within(body)
    canvas.shadow(belt, 0, 5, 5, 0.35)
    canvas.paint(belt, look.fill, look.material, volume=9)
    ties = canvas.line(
        path((500 + waist - 16, 440), (600, 520, 572, 590)),
        path((500 + waist - 18, 440), (560, 500, 536, 560)),
        width=15,
    )
    canvas.shadow(ties, 4, 6, 6, 0.35)
    canvas.paint(ties, look.fill, look.material, volume=7)


def skirt(canvas: Canvas, look: Look) -> None:
    """a-line, pencil, pleated, midi."""
    hem, long = {
        "a-line": (232, 690),
        "pencil": (128, 790),
        "pleated": (246, 800),
        "midi": (270, 830),
    }[look.shape]
    hem, long = hem + look.vary("hem", 14), long + look.vary("long", 20)
    top, waist = 205, 108
    hip = {"a-line": 170, "pencil": 158, "pleated": 168, "midi": 170}[look.shape]
    side = path(
        (500 + waist, top + 44),
        (500 + hip, top + 130, 500 + (hip + hem) / 2, long - 180, 500 + hem, long),
    )
    outline = [
        (500, top + 44),
        *side,
        *path((500 + hem, long), (500 + hem * 0.5, long + 26, 500, long + 26)),
    ]
    body = cloth(canvas, look, both(outline))
    if look.shape in ("pleated", "midi"):
        count = 9 if look.shape == "pleated" else 5
        for number in range(1, count):
            at = number / count * 2 - 1
            pleat = path(
                (500 + at * waist, top + 46), (500 + at * hip, top + 200, 500 + at * hem, long + 30)
            )
            canvas.shadow(canvas.line(pleat, width=6).within(body), 5, 0, 8, 0.62)
    if look.shape == "pencil":
        stitch(canvas, look, path((500, long - 130), (500, long + 14)), width=4)
    if look.shape == "a-line":
        stitch(canvas, look, path((500, top + 46), (500, long + 22)))
        buttons(canvas, look, [(500, y) for y in range(int(top) + 80, int(long) - 10, 66)])
    band = canvas.area(
        both(path((500, top), (500 + waist - 6, top), (500 + waist + 2, top + 46), (500, top + 52)))
    )
    canvas.shadow(band, 0, 6, 6, 0.3)
    canvas.paint(band, look.fill, look.material, volume=10)
    stitch(
        canvas, look, path((500 - hem + 8, long - 14), (500, long + 12, 500 + hem - 8, long - 14))
    )
