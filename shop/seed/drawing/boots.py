"""Boots."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import oval, path
from shop.seed.drawing.palette import darker
from shop.seed.drawing.shoes import GUM, Shoe, pair


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
