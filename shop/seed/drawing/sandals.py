"""Sandals."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import path
from shop.seed.drawing.palette import lighter, mix
from shop.seed.drawing.shoes import GUM, Shoe, pair


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
