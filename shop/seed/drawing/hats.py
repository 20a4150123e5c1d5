"""Hats."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, oval, path
from shop.seed.drawing.palette import lighter
from shop.seed.drawing.parts import GOLD, ground, part, trace


def hat(canvas: Canvas, look: Look) -> None:
    """beanie, cap, fedora, bucket."""
    {"beanie": _beanie, "cap": _cap, "fedora": _fedora, "bucket": _bucket}[look.shape](canvas, look)


def _beanie(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 730, 250, 24)
    if look.pick("pompom", True, False):
        part(
            canvas,
            oval(500, 232, 82, 78),
            look.pick("pom", look.second, look.light),
            "plush",
            volume=40,
        )
    crown = part(
        canvas,
        both(path((500, 272), (680, 272, 716, 430), (738, 540, 734, 620), (500, 660, 500, 660))),
        look.fill,
        look.material,
        volume=56,
    )
    for dx in (-96, 0, 96):
        canvas.shadow(
            canvas.line(
                path((500 + dx * 0.3, 276), (500 + dx * 1.4, 380, 500 + dx * 1.6, 620)), width=6
            ).within(crown),
            0,
            0,
            7,
            0.3,
        )
    part(
        canvas,
        both(path((500, 590), (650, 588, 744, 566), (756, 640, 742, 700), (640, 738, 500, 738))),
        look.pick("cuff", look.base, look.dark, look.second),
        "rib",
        0.4,
        volume=26,
    )
    if look.pick("label", True, False):
        part(
            canvas,
            box(548, 640, 612, 694, 5),
            look.pick("tag", (0.66, 0.43, 0.25), look.second),
            "leather",
            0.2,
            volume=4,
        )


def _cap(canvas: Canvas, look: Look) -> None:
    ground(canvas, 470, 690, 330, 24)
    crown = part(
        canvas,
        path((266, 640), (250, 340, 500, 326), (742, 332, 748, 640), (500, 668, 266, 640)),
        look.fill,
        look.material,
        volume=58,
    )
    for line in (path((500, 330), (420, 460, 404, 652)), path((500, 330), (600, 460, 612, 650))):
        trace(canvas, line, width=4, colour=look.seam, within=crown)
    part(canvas, oval(500, 328, 17, 10), look.dark, look.material, volume=5)
    for x in (350, 660):
        part(canvas, oval(x, 440, 8), look.dark, volume=2, cast=0)
    brim = path(
        (262, 626),
        (150, 620, 96, 690),
        (120, 726, 240, 712),
        (430, 670, 560, 660),
        (400, 610, 262, 626),
    )
    part(
        canvas,
        brim,
        look.second if look.pick("brim", True, False) else look.base,
        look.material,
        0.4,
        volume=16,
    )
    for inset in (14, 28):
        trace(
            canvas,
            path(
                (256, 640 + inset / 2), (170, 640, 116 + inset, 694), (300, 690 - inset, 500, 660)
            ),
            width=2.5,
            colour=look.seam,
        )
    badge = look.pick("badge", "round", "bar", "none")
    if badge == "round":
        part(canvas, oval(470, 500, 52), look.second, "felt", 0.2, volume=6)
    elif badge == "bar":
        part(canvas, box(408, 478, 540, 520, 8), look.second, "felt", 0.2, volume=6)


def _fedora(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 690, 360, 26)
    brim = path(
        (110, 620),
        (240, 560, 500, 560),
        (760, 560, 890, 620),
        (900, 664, 760, 690),
        (500, 726, 240, 690),
        (100, 664, 110, 620),
    )
    part(canvas, brim, look.fill, look.material, volume=22)
    crown = path(
        (270, 632),
        (290, 420, 350, 330),
        (430, 290, 500, 340),
        (570, 290, 650, 330),
        (712, 420, 730, 632),
        (500, 690, 270, 632),
    )
    body = part(canvas, crown, look.fill, look.material, 0.4, volume=50)
    canvas.shadow(
        canvas.line(path((430, 330), (500, 420, 570, 330)), width=16).within(body), 0, 4, 12, 0.5
    )
    ribbon = canvas.line(path((262, 606), (500, 668, 738, 606)), width=56, caps=False).within(body)
    canvas.shadow(ribbon, 0, 4, 4, 0.3)
    canvas.paint(ribbon, look.second, "satin", volume=10)
    if look.pick("feather", True, False):
        part(
            canvas,
            path((640, 630), (690, 520, 700, 430), (736, 520, 668, 634)),
            lighter(look.second, 0.4),
            "felt",
            0.3,
            volume=7,
        )


def _bucket(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 720, 320, 26)
    brim = both(path((500, 540), (700, 540), (800, 620, 836, 704), (700, 750, 500, 752)))
    mask = part(canvas, brim, look.fill, look.material, volume=30)
    for drop in (26, 52, 78, 104):
        half = 232 + drop * 0.95
        trace(
            canvas,
            path((500 - half, 560 + drop), (500, 632 + drop * 1.05, 500 + half, 560 + drop)),
            width=3,
            colour=look.seam,
            within=mask,
            opacity=0.45,
        )
    part(
        canvas,
        both(path((500, 312), (650, 312, 668, 360), (712, 560), (620, 622, 500, 624))),
        look.fill,
        look.material,
        0.42,
        volume=40,
    )
    trace(canvas, path((344, 358), (500, 396, 656, 358)), width=3, colour=look.seam)
    for x in (404, 434):
        part(canvas, oval(x, 500, 8), GOLD, "brass", 0.2, volume=3)
