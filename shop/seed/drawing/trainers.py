"""Trainers."""

from shop.seed.drawing.canvas import Canvas, Point
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import oval, path
from shop.seed.drawing.palette import darker
from shop.seed.drawing.shoes import GUM, WHITE, Shoe, pair


def trainers(canvas: Canvas, look: Look) -> None:
    """low top, runner, high top, slip-on."""
    pair(
        canvas,
        look,
        {"low top": _low, "runner": _runner, "high top": _low, "slip-on": _slip}[look.shape],
    )


def _laces(shoe: Shoe, start: Point, end: Point, count: int, colour) -> None:
    for number in range(count):
        at = number / (count - 1)
        x, y = start[0] + (end[0] - start[0]) * at, start[1] + (end[1] - start[1]) * at
        shoe.trace([(x - 22, y + 20), (x + 24, y - 14)], width=11, colour=colour, cast=0.4)


def _low(shoe: Shoe) -> None:
    look = shoe.look
    high = look.shape == "high top"
    top = 330 if high else 448
    sole = look.pick("sole", WHITE, WHITE, GUM)
    shoe.part(
        path((250, top + 6), (330, top + 30, 396, top - 4), (390, top + 50), (262, top + 60)),
        darker(look.base, 0.5),
        "cotton",
    )
    upper = path(
        (238, 690),
        (212, 600, 240, 520 if not high else 430),
        (236, top + 30, 244, top),
        (320, top + 44, 402, top - 8),
        (450, top + 60 if high else 480, 520, 560 if high else 540),
        (620, 578, 716, 600),
        (792, 624, 796, 690),
    )
    shoe.part(upper, look.fill, look.material, volume=34)
    toe = path((640, 690), (650, 610, 716, 600), (792, 624, 796, 690))
    shoe.part(
        toe,
        look.pick("toe", look.base, sole, look.light),
        look.material if sole is GUM else "rubber",
        cast=0.14,
    )
    heel = path((238, 690), (214, 600, 238, 530), (300, 560, 300, 690))
    shoe.part(
        heel, look.second if look.pick("tab", True, False) else look.dark, look.material, cast=0.16
    )
    tongue = path(
        (372, top - 26),
        (424, top - 44, 440, top),
        (500, 520, 548, 566),
        (470, 566),
        (404, top + 10),
    )
    shoe.part(tongue, look.light, look.material, volume=14)
    mark = look.pick("mark", "stripes", "curve", "none", "patch")
    if mark == "stripes":
        for dx in (0, 40, 80):
            shoe.trace([(408 + dx, 560), (360 + dx, 680)], width=16, colour=look.second, cast=0)
    elif mark == "curve":
        shoe.trace(path((300, 640), (420, 690, 560, 580)), width=18, colour=look.second, cast=0)
    elif mark == "patch" and high:
        shoe.part(oval(330, 470, 42), look.second, "rubber", volume=6)
    _laces(
        shoe,
        (426, top + 22),
        (536, 556),
        7 if high else 5,
        WHITE if sole is not GUM else look.second,
    )
    shoe.part(
        path(
            (222, 676),
            (500, 690, 806, 676),
            (818, 700, 800, 736),
            (500, 746, 232, 736),
            (212, 710, 222, 676),
        ),
        sole,
        "rubber",
        volume=14,
    )
    shoe.trace(
        path((222, 706), (500, 716, 806, 704)),
        width=5,
        colour=look.pick("line", look.second, darker(sole, 0.2)),
        cast=0,
    )


def _runner(shoe: Shoe) -> None:
    look = shoe.look
    shoe.part(
        path((244, 470), (320, 492, 384, 452), (384, 510), (256, 520)),
        darker(look.base, 0.5),
        "mesh",
    )
    upper = path(
        (226, 676),
        (204, 600, 226, 520),
        (214, 470, 226, 440),
        (250, 440, 262, 470),
        (320, 486, 390, 440),
        (440, 490, 528, 536),
        (660, 580, 744, 606),
        (812, 634, 812, 676),
    )
    shoe.part(upper, look.fill, "mesh", volume=32)
    shoe.part(
        path((660, 676), (690, 610, 744, 606), (812, 634, 812, 676)),
        look.dark,
        look.material,
        cast=0.15,
    )
    shoe.part(
        path((226, 676), (206, 600, 226, 530), (330, 560, 350, 676)),
        look.dark,
        look.material,
        cast=0.15,
    )
    shoe.part(
        path((350, 470), (400, 430), (470, 500), (560, 560), (520, 600), (430, 640), (400, 560)),
        look.light,
        look.material,
        volume=12,
    )
    shoe.trace(
        path((350, 660), (430, 560, 470, 560), (500, 620, 560, 660)),
        width=20,
        colour=look.second,
        cast=0.15,
    )
    _laces(shoe, (416, 474), (536, 556), 5, WHITE)
    sole = path(
        (208, 664),
        (420, 690, 560, 668),
        (700, 650, 824, 662),
        (842, 690, 800, 726),
        (520, 744, 330, 738),
        (230, 742, 196, 722),
        (182, 690, 208, 664),
    )
    shoe.part(sole, WHITE, "rubber", volume=18)
    shoe.trace(
        path((206, 700), (420, 716, 560, 700), (700, 690, 822, 694)),
        width=12,
        colour=look.second,
        cast=0,
    )
    shoe.part(
        path(
            (200, 722),
            (330, 742, 520, 744),
            (700, 740, 800, 724),
            (780, 748, 700, 750),
            (240, 752, 200, 722),
        ),
        look.dark,
        "rubber",
        volume=6,
    )


def _slip(shoe: Shoe) -> None:
    look = shoe.look
    sole = look.pick("sole", WHITE, GUM)
    shoe.part(
        path((246, 516), (340, 560, 446, 500), (440, 560), (260, 566)),
        darker(look.base, 0.5),
        "cotton",
    )
    upper = path(
        (232, 690),
        (216, 600, 240, 510),
        (330, 560, 424, 500),
        (470, 496, 520, 520),
        (640, 560, 720, 602),
        (796, 630, 800, 690),
    )
    shoe.part(upper, look.fill, look.material, volume=34)
    shoe.part(
        path((352, 546), (424, 500), (446, 500), (430, 612), (390, 612)),
        darker(look.base, 0.5),
        "rib",
        volume=6,
    )
    shoe.trace(path((560, 690), (560, 600, 600, 552)), width=3, colour=look.seam, cast=0)
    shoe.part(
        path(
            (222, 676),
            (500, 690, 806, 676),
            (818, 700, 802, 738),
            (500, 746, 232, 738),
            (212, 710, 222, 676),
        ),
        sole,
        "rubber",
        volume=14,
    )
