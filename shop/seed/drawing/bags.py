"""Bags."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, oval, path
from shop.seed.drawing.palette import darker
from shop.seed.drawing.parts import GOLD, TAN, ground, part


def strap(canvas: Canvas, line, colour, material: str, width: float, cast: float = 0.3) -> None:
    mask = canvas.line(line, width=width)
    canvas.shadow(mask, 3, 7, 7, cast)
    canvas.paint(mask, colour, material, volume=width / 2.4)


def seams(canvas: Canvas, look: Look, *lines) -> None:
    canvas.paint(canvas.line(*lines, width=3), look.seam, volume=0, opacity=0.6)


def tote_bag(canvas: Canvas, look: Look) -> None:
    """shopper, bucket, boat, structured."""
    ground(canvas, 500, 842, 270, 26)
    top, low = {
        "shopper": (370, 840),
        "bucket": (400, 840),
        "boat": (430, 840),
        "structured": (420, 840),
    }[look.shape]
    up, down = {
        "shopper": (216, 206),
        "bucket": (170, 216),
        "boat": (290, 210),
        "structured": (226, 240),
    }[look.shape]
    up += look.vary("wide", 14)
    leather = look.material in ("leather", "suede")
    trim = look.dark if leather else look.pick("trim", TAN, look.second, look.dark)
    reach = {"boat": 240, "structured": 250}.get(look.shape, 150)
    handle = path(
        (400, top + 6), (400, reach - 70, 500, reach - 70), (600, reach - 70, 600, top + 6)
    )
    strap(canvas, [(x + 14, y - 16) for x, y in handle], darker(trim, 0.2), "leather", 20)
    part(
        canvas,
        both(
            path((500, top - 16), (500 + up - 8, top - 12), (500 + up, top + 10), (500, top + 24))
        ),
        darker(look.base, 0.5),
        look.material,
        volume=8,
    )
    outline = both(
        path(
            (500, top + 14),
            (500 + up * 0.6, top + 12, 500 + up, top),
            (500 + down + 8, low - 60),
            (500 + down, low, 500 + down - 40, low),
            (500, low + 4),
        )
    )
    body = part(
        canvas, outline, look.fill, look.material, volume=34, folds=0.0 if leather else 0.05
    )
    if look.shape in ("boat", "bucket"):
        base = canvas.area(box(200, low - 120, 800, low + 30)).within(body)
        canvas.paint(base, trim, "leather" if leather else "canvas", volume=20)
        seam = canvas.line([(200, low - 122), (800, low - 122)], width=3).within(body)
        canvas.paint(seam, look.seam, volume=0, opacity=0.6)
    if look.shape == "structured":
        seams(
            canvas,
            look,
            path((500 - up + 30, top + 16), (500 - down + 30, low)),
            path((500 + up - 30, top + 16), (500 + down - 30, low)),
        )
        part(canvas, box(462, top + 50, 538, top + 84, 8), GOLD, "brass", volume=6)
    if look.shape == "shopper" and look.pattern == "plain":
        label = part(canvas, box(446, 560, 554, 640, 8), trim, "leather", 0.2, volume=7)
        canvas.paint(
            canvas.line([(470, 590), (530, 590)], [(480, 612), (520, 612)], width=5).within(label),
            darker(trim, 0.4),
            volume=0,
        )
    strap(canvas, handle, trim, "leather", 22)
    for x in (400, 600):
        part(canvas, box(x - 20, top + 2, x + 20, top + 64, 8), trim, "leather", 0.25, volume=6)
        for y in (top + 18, top + 48):
            part(canvas, oval(x, y, 6), GOLD, "brass", 0.3, volume=4)


def backpack(canvas: Canvas, look: Look) -> None:
    """daypack, roll top, mini, hiking."""
    small = 0.86 if look.shape == "mini" else 1.0
    half, top, low = 190 * small, 500 - 280 * small, 500 + 330 * small
    half += look.vary("wide", 10)
    ground(canvas, 500, low + 4, half * 1.15, 24)
    for side in (-1, 1):
        x = 500 + side * (half - 14)
        strap(
            canvas,
            path((500 + side * 60, top + 30), (x + side * 80, 420, x + side * 4, low - 70)),
            look.dark,
            "nylon",
            34,
        )
    loop = path((462, top + 20), (462, top - 54, 500, top - 54), (538, top - 54, 538, top + 20))
    strap(canvas, loop, look.dark, "canvas", 18)
    if look.shape == "roll top":
        outline = both(
            path(
                (500, top + 20),
                (500 + half - 40, top + 20),
                (500 + half, top + 140),
                (500 + half + 10, low - 40),
                (500 + half - 10, low, 500 + half - 50, low),
                (500, low),
            )
        )
    else:
        outline = both(
            path(
                (500, top),
                (500 + half * 0.9, top, 500 + half, top + 190),
                (500 + half + 12, low - 40),
                (500 + half, low, 500 + half - 46, low),
                (500, low),
            )
        )
    if look.shape == "hiking":
        for side in (-1, 1):
            x = 500 + side * (half + 6)
            part(canvas, box(x - 44, 540, x + 44, low - 20, 30), look.second, "nylon", volume=18)
    part(canvas, outline, look.fill, look.material, volume=44)
    if look.shape == "roll top":
        _roll_top(canvas, look, half, top)
    elif look.shape == "hiking":
        lid = both(
            path(
                (500, top - 20),
                (500 + half * 0.9, top - 16, 500 + half + 4, top + 120),
                (500 + half - 20, top + 176, 500, top + 170),
            )
        )
        part(canvas, lid, look.second, look.material, 0.42, volume=26)
        for x in (430, 570):
            strap(canvas, [(x, top + 130), (x, top + 330)], look.dark, "nylon", 20)
            part(
                canvas,
                box(x - 20, top + 220, x + 20, top + 260, 6),
                (0.14, 0.14, 0.15),
                "plastic",
                volume=6,
            )
    else:
        arch = path(
            (500 - half + 34, top + 300),
            (500 - half + 30, top + 50, 500, top + 48),
            (500 + half - 30, top + 50, 500 + half - 34, top + 300),
        )
        canvas.paint(canvas.line(arch, width=8), darker(look.base, 0.5), volume=3)
        part(
            canvas,
            box(500 + half - 42, top + 296, 500 + half - 26, top + 340, 5),
            GOLD,
            "brass",
            volume=4,
        )
    _front_pocket(canvas, look, half, low)


def _roll_top(canvas: Canvas, look: Look, half: float, top: float) -> None:
    part(
        canvas,
        box(500 - half + 26, top - 26, 500 + half - 26, top + 66, 30),
        look.fill,
        look.material,
        0.36,
        volume=26,
    )
    strap(canvas, [(500, top - 26), (500, top + 240)], look.dark, "canvas", 26)
    part(canvas, box(478, top + 120, 522, top + 164, 8), GOLD, "brass", volume=5)
    part(canvas, box(488, top + 130, 512, top + 154, 4), look.dark, "canvas", 0, volume=3)


def _front_pocket(canvas: Canvas, look: Look, half: float, low: float) -> None:
    flap = look.pick("flap", True, False)
    part(
        canvas,
        box(500 - half + 30, low - 270, 500 + half - 30, low - 24, 40),
        look.fill,
        look.material,
        0.32,
        volume=26,
    )
    if flap:
        part(
            canvas,
            path(
                (500 - half + 24, low - 280),
                (500 + half - 24, low - 280),
                (500 + half - 30, low - 190),
                (500, low - 150, 500 - half + 30, low - 190),
            ),
            look.dark,
            look.material,
            0.32,
            volume=14,
        )
        part(canvas, oval(500, low - 186, 12), GOLD, "brass", volume=5)
    else:
        canvas.paint(
            canvas.line([(500 - half + 54, low - 226), (500 + half - 54, low - 226)], width=8),
            darker(look.base, 0.5),
            volume=3,
        )
        part(
            canvas,
            box(468, low - 132, 532, low - 92, 6),
            look.pick("label", TAN, look.second),
            "leather",
            0.2,
            volume=5,
        )


def crossbody_bag(canvas: Canvas, look: Look) -> None:
    """saddle, camera bag, envelope, half moon."""
    low = 760
    ground(canvas, 500, low, 240, 22)
    long = path((306, 520), (250, 130, 500, 130), (750, 130, 694, 520))
    if look.pick("chain", False, True) and look.shape in ("envelope", "camera bag"):
        links = canvas.line(long, width=12)
        canvas.shadow(links, 3, 8, 7, 0.3)
        canvas.paint(links, GOLD, "jute", volume=5, gloss=0.4)
    else:
        strap(canvas, long, look.dark, "leather", 17)
    flap_low = 660
    if look.shape == "half moon":
        outline = both(path((500, 470), (690, 470), (730, 470, 728, 520), (716, low, 500, low)))
        part(canvas, outline, look.fill, look.material, volume=36)
        canvas.paint(
            canvas.line(path((290, 506), (500, 520, 710, 506)), width=9),
            darker(look.base, 0.5),
            volume=3,
        )
        part(canvas, box(690, 500, 706, 552, 5), GOLD, "brass", volume=4)
    elif look.shape == "camera bag":
        part(canvas, box(292, 470, 708, low, 54), look.fill, look.material, volume=34)
        canvas.paint(
            canvas.line(path((310, 520), (500, 500, 690, 520)), width=9),
            darker(look.base, 0.5),
            volume=3,
        )
        part(canvas, box(330, 580, 670, low - 24, 30), look.fill, look.material, 0.3, volume=20)
        part(canvas, box(470, 600, 530, 622, 6), GOLD, "brass", volume=4)
    else:
        part(canvas, box(296, 470, 704, low, 46), look.dark, look.material, volume=30)
        if look.shape == "saddle":
            flap = both(
                path(
                    (500, 452),
                    (690, 452),
                    (716, 470, 708, 560),
                    (690, flap_low + 30, 500, flap_low + 36),
                )
            )
        else:
            flap = both(path((500, 456), (704, 456), (706, 520), (500, flap_low + 30)))
        part(canvas, flap, look.fill, look.material, 0.42, volume=22)
        part(
            canvas,
            oval(500, flap_low + (4 if look.shape == "saddle" else -6), 17),
            GOLD,
            "brass",
            volume=7,
        )
    for x in (306, 694):
        canvas.paint(canvas.line(oval(x, 510, 17), width=7), GOLD, "brass", volume=3)
