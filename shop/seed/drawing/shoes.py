"""Shoes: one seen from the side, its fellow behind it."""

from collections.abc import Callable

from shop.seed.drawing.canvas import Canvas, Point
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import moved, oval, path
from shop.seed.drawing.palette import darker, lighter, mix
from shop.seed.drawing.parts import ground

WHITE = (0.95, 0.94, 0.91)
GUM = (0.72, 0.5, 0.3)


class Shoe:
    """Draws one shoe moved by an offset, so that a pair is the same drawing twice."""

    def __init__(self, canvas: Canvas, look: Look, dx: float, dy: float) -> None:
        self.canvas, self.look, self.dx, self.dy = canvas, look, dx, dy

    def at(self, points: list[Point]) -> list[Point]:
        return moved(points, self.dx, self.dy)

    def part(self, points: list[Point], colour, material: str = "smooth", **how):
        mask = self.canvas.area(self.at(points))
        self.canvas.shadow(mask, 3, 7, 9, how.pop("cast", 0.22))
        self.canvas.paint(mask, colour, material, **{"volume": 22, **how})
        return mask

    def trace(self, *lines: list[Point], width: float, colour, cast: float = 0.3, **how) -> None:
        mask = self.canvas.line(*(self.at(line) for line in lines), width=width)
        if cast:
            self.canvas.shadow(mask, 2, 4, 4, cast)
        self.canvas.paint(
            mask, colour, how.pop("material", "smooth"), **{"volume": width / 2, **how}
        )


def pair(canvas: Canvas, look: Look, one: Callable[[Shoe], None], floor: float = 735) -> None:
    """The fellow a little higher and behind."""
    ground(canvas, 520, floor, 400, 32)
    one(Shoe(canvas, look, 62, -96))
    canvas.shadow(canvas.area(oval(480, floor - 20, 360, 40)), 0, 0, 26, 0.25)
    one(Shoe(canvas, look, -28, 30))


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


def boots(canvas: Canvas, look: Look) -> None:
    """chelsea, lace-up, wellington, ankle."""
    pair(
        canvas,
        look,
        {"chelsea": _chelsea, "lace-up": _lace_up, "wellington": _welly, "ankle": _heeled}[
            look.shape
        ],
    )


def _boot(shoe: Shoe, top: float, toe: float = 780, wide: float = 438) -> None:
    look = shoe.look
    shoe.part(
        path((250, top), (340, top - 18, wide, top), (420, top + 30), (266, top + 30)),
        darker(look.base, 0.55),
        "suede",
    )
    upper = path(
        (252, 690),
        (232, 600, 252, 500),
        (262, top + 60, 246, top),
        (340, top + 22, wide + 4, top),
        (432, top + 120, 440, 500),
        (470, 566, 580, 582),
        (toe - 40, 600, toe, 690),
    )
    shoe.part(upper, look.fill, look.material, volume=36)


def _sole(shoe: Shoe, colour, thick: float = 34, toe: float = 790, heel: bool = True) -> None:
    low = 700 + thick
    shoe.part(
        path(
            (238, 682),
            (500, 690, toe, 682),
            (toe + 12, 704),
            (toe - 8, low),
            (440, low),
            (430, low + 4),
            (240, low),
        ),
        colour,
        "rubber",
        volume=8,
    )
    if heel:
        shoe.part(
            path((240, 706), (404, 706), (396, low + 14), (244, low + 14)),
            colour,
            "rubber",
            volume=8,
        )


def _chelsea(shoe: Shoe) -> None:
    look = shoe.look
    _boot(shoe, 350 + look.vary("top", 24))
    panel = path(
        (316, 372), (384, 372), (398, 470, 392, 560), (352, 590), (312, 560), (300, 470, 316, 372)
    )
    shoe.part(panel, darker(look.base, 0.5), "rib", volume=10, cast=0.1)
    shoe.trace(path((254, 620), (350, 640, 420, 560)), width=3, colour=look.seam, cast=0)
    shoe.trace([(262, 360), (258, 318), (284, 318), (282, 364)], width=11, colour=look.dark)
    _sole(shoe, look.pick("sole", darker(look.base, 0.6), GUM, (0.16, 0.15, 0.15)))


def _lace_up(shoe: Shoe) -> None:
    look = shoe.look
    top = 318 + look.vary("top", 16)
    _boot(shoe, top)
    shoe.part(
        path((400, top - 14), (446, top - 6), (470, 500, 566, 586), (500, 590), (424, 520)),
        look.light,
        look.material,
        volume=10,
    )
    shoe.part(
        path((620, 690), (640, 596, 690, 594), (764, 614, 780, 690)),
        look.fill,
        look.material,
        cast=0.2,
    )
    shoe.trace(
        path((250, 560), (330, 600, 430, 600), (480, 640, 500, 686)),
        width=3,
        colour=look.seam,
        cast=0,
    )
    lace = look.pick("lace", (0.85, 0.7, 0.4), look.second, darker(look.base, 0.6))
    for number in range(6):
        at = number / 5
        x, y = 426 + 84 * at**2, top + 24 + (560 - top - 24) * at
        shoe.trace([(x - 26, y + 10), (x + 22, y - 8)], width=9, colour=lace)
    shoe.trace(
        path((420, top + 14), (380, top + 60, 404, top + 96)),
        path((428, top + 16), (470, top + 50, 452, top + 92)),
        width=7,
        colour=lace,
    )
    collar = path(
        (246, top), (340, top + 22, 442, top), (440, top + 34), (340, top + 56, 252, top + 36)
    )
    shoe.part(collar, look.dark, "suede", volume=12, cast=0.12)
    _sole(shoe, look.pick("sole", (0.17, 0.16, 0.15), GUM), 44)


def _welly(shoe: Shoe) -> None:
    look = shoe.look
    _boot(shoe, 250 + look.vary("top", 20), wide=452)
    top = 262
    shoe.trace(
        path((250, top + 28), (340, top + 50, 448, top + 28)), width=5, colour=look.seam, cast=0
    )
    shoe.trace(path((244, 656), (500, 670, 778, 656)), width=10, colour=look.light, cast=0)
    strap = path((252, 330), (330, 344, 410, 332))
    shoe.trace(strap, width=20, colour=look.dark)
    shoe.part(oval(400, 334, 15), (0.75, 0.75, 0.76), "steel", volume=5)
    _sole(shoe, look.pick("sole", look.dark, look.second, (0.2, 0.19, 0.18)), 38)


def _heeled(shoe: Shoe) -> None:
    look = shoe.look
    top = 380 + look.vary("top", 20)
    shoe.part(
        path((262, 640), (352, 640), (330, 752), (282, 752)),
        darker(look.base, 0.4),
        "leather",
        volume=14,
    )
    shoe.part(
        path((262, top), (340, top - 16, 424, top), (410, top + 26), (274, top + 26)),
        darker(look.base, 0.55),
        "suede",
    )
    upper = path(
        (258, 668),
        (236, 580, 262, 500),
        (268, top + 40, 258, top),
        (340, top + 18, 428, top),
        (420, 470, 440, 520),
        (500, 600, 600, 640),
        (760, 664, 806, 722),
        (760, 742, 640, 742),
        (480, 690, 380, 660),
        (310, 650, 258, 668),
    )
    shoe.part(upper, look.fill, look.material, volume=32)
    shoe.trace([(300, top + 40), (300, 600)], width=5, colour=(0.8, 0.7, 0.45), cast=0.2)
    if look.pick("strap", True, False):
        shoe.trace(path((262, 520), (360, 556, 440, 520)), width=18, colour=look.dark)
        shoe.part(oval(404, 536, 14), (0.82, 0.7, 0.42), "brass", volume=5)


def sandals(canvas: Canvas, look: Look) -> None:
    """slide, strappy, gladiator, wedge."""
    pair(canvas, look, _sandal)


def _footbed(shoe: Shoe, lift: float) -> None:
    look = shoe.look
    cork = mix(GUM, (0.87, 0.74, 0.55), 0.6)
    if lift > 40:
        sole = path(
            (216, 640 - lift * 0.5),
            (420, 660, 560, 690),
            (700, 706, 806, 700),
            (800, 748, 740, 748),
            (420, 752, 226, 748),
            (204, 700, 216, 640 - lift * 0.5),
        )
        shoe.part(sole, look.pick("wedge", cork, cork, lighter(cork, 0.3)), "jute", volume=14)
        top = path(
            (210, 640 - lift * 0.5),
            (420, 636, 560, 676),
            (700, 694, 812, 692),
            (812, 706),
            (700, 712, 560, 694),
            (420, 660, 212, 662 - lift * 0.5),
        )
        shoe.part(top, look.pick("bed", GUM, look.base), "leather", volume=7)
        return
    sole = path(
        (206, 690),
        (500, 704, 806, 684),
        (826, 710, 800, 744),
        (500, 752, 224, 746),
        (194, 724, 206, 690),
    )
    shoe.part(sole, look.pick("sole", (0.2, 0.18, 0.17), cork, GUM), "rubber", volume=12)
    shoe.part(
        path(
            (206, 676),
            (420, 700, 806, 670),
            (826, 690, 806, 706),
            (500, 724, 212, 712),
            (196, 694, 206, 676),
        ),
        look.pick("bed", GUM, cork),
        "suede",
        volume=9,
    )


def _sandal(shoe: Shoe) -> None:
    look = shoe.look
    lift = {"wedge": 130, "slide": 0}.get(look.shape, 0)
    gold = (0.82, 0.7, 0.42)
    back = path((240, 690 - lift * 0.7), (240, 560 - lift * 0.5, 300, 520 - lift * 0.5))
    if look.shape != "slide":
        shoe.trace(
            path((300, 690 - lift * 0.3), (280, 560 - lift * 0.5, 380, 500 - lift * 0.45)),
            width=26,
            colour=look.dark,
            material=look.material,
        )
    _footbed(shoe, lift)
    if look.shape == "slide":
        straps = [
            path((440, 706), (470, 560), (560, 520, 680, 590), (740, 694), (600, 716, 440, 706))
        ]
        if look.pick("double", True, False):
            straps = [
                path((420, 708), (440, 570), (500, 530, 556, 560), (560, 712)),
                path((590, 712), (580, 566), (640, 570, 690, 610), (730, 698)),
            ]
        for strap in straps:
            shoe.part(strap, look.fill, look.material, volume=22)
        if len(straps) == 2:
            for x, y in ((492, 600), (640, 628)):
                shoe.trace(
                    [
                        (x - 16, y - 18),
                        (x + 16, y - 18),
                        (x + 16, y + 18),
                        (x - 16, y + 18),
                        (x - 16, y - 18),
                    ],
                    width=6,
                    colour=gold,
                )
        return
    front = path(
        (590, 700), (610, 600 - lift * 0.1), (660, 590, 700, 620), (742, 696), (660, 712, 590, 700)
    )
    shoe.part(front, look.fill, look.material, volume=20)
    shoe.trace(back, width=30, colour=look.base, material=look.material)
    ankle = path((232, 580 - lift * 0.6), (320, 540 - lift * 0.5, 420, 540 - lift * 0.5))
    shoe.trace(ankle, width=26, colour=look.base, material=look.material)
    shoe.trace(
        [
            (376, 524 - lift * 0.5),
            (404, 524 - lift * 0.5),
            (404, 558 - lift * 0.5),
            (376, 558 - lift * 0.5),
            (376, 524 - lift * 0.5),
        ],
        width=5,
        colour=gold,
    )
    if look.shape == "gladiator":
        for at in (0.25, 0.55, 0.85):
            x = 430 + 160 * at
            shoe.trace(
                path((x - 30, 706), (x + 10, 590, x + 60, 580 + 30 * at)),
                width=20,
                colour=look.base,
                material=look.material,
            )
        shoe.trace(
            path((400, 540), (520, 570, 640, 610)),
            width=20,
            colour=look.base,
            material=look.material,
        )
    else:
        shoe.trace(
            path((420, 560 - lift * 0.5), (520, 640, 610, 650)),
            width=20,
            colour=look.base,
            material=look.material,
        )
