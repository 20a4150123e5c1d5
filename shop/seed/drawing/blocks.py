"""Building blocks."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import box, path
from shop.seed.drawing.palette import COLOURS, lighter
from shop.seed.drawing.parts import ground, part

BRIGHT = ("red", "blue", "yellow", "green", "orange", "turquoise")


SOFT = ("blush", "sage", "sky blue", "sand", "terracotta", "lilac")


def building_blocks(canvas: Canvas, look: Look) -> None:
    """studded, wooden, castle, arches."""
    ground(canvas, 500, 850, 380, 30)
    names = (
        look.colour,
        look.accent,
        *look.chance("tones").sample(BRIGHT if look.material == "plastic" else SOFT, 4),
    )
    tones = [COLOURS[name] for name in names]
    chance = look.chance("pile")
    made = look.material
    if look.shape == "studded":
        rows = [(210, 5), (300, 4), (300, 4), (410, 2)]
        for row, (_, count) in enumerate(rows):
            y = 720 - row * 112
            x = 500 - count * 62
            while count > 0:
                wide = min(count, chance.choice((1, 2, 2)))
                _brick(canvas, x, y, wide, chance.choice(tones), made)
                x, count = x + wide * 124, count - wide
        return
    plan = {
        "wooden": [
            (180, 720, "square"),
            (310, 720, "square"),
            (440, 720, "wide"),
            (700, 720, "square"),
            (250, 590, "square"),
            (390, 590, "wide"),
            (650, 590, "square"),
            (320, 460, "cylinder"),
            (460, 460, "square"),
            (460, 330, "roof"),
        ],
        "castle": [
            (150, 720, "square"),
            (150, 590, "square"),
            (150, 460, "roof"),
            (720, 720, "square"),
            (720, 590, "square"),
            (720, 460, "roof"),
            (290, 720, "wide"),
            (550, 720, "cylinder"),
            (420, 590, "arch"),
            (440, 460, "square"),
            (440, 330, "roof"),
        ],
        "arches": [
            (160, 720, "cylinder"),
            (290, 720, "arch"),
            (550, 720, "arch"),
            (290, 590, "wide"),
            (560, 590, "square"),
            (420, 460, "arch"),
            (430, 330, "square"),
        ],
    }[look.shape]
    for x, y, form in plan:
        wood = look.pick("raw", True, False) and chance.random() < 0.35
        colour = COLOURS["beech"] if wood and made != "plastic" else chance.choice(tones)
        _block(canvas, x, y, form, colour, made)


def _brick(canvas: Canvas, x: float, y: float, wide: int, colour, made: str) -> None:
    for stud in range(wide):
        part(
            canvas,
            box(x + 30 + stud * 124, y - 24, x + 94 + stud * 124, y + 12, 8),
            colour,
            made,
            0.2,
            volume=6,
            round_from=(x + 26 + stud * 124, x + 98 + stud * 124),
        )
    part(canvas, box(x + 2, y, x + wide * 124 - 2, y + 110, 7), colour, made, 0.3, volume=10)
    part(
        canvas,
        box(x + 2, y, x + wide * 124 - 2, y + 16, 7),
        lighter(colour, 0.18),
        made,
        0,
        volume=3,
    )


def _block(canvas: Canvas, x: float, y: float, form: str, colour, made: str) -> None:
    wide = {"wide": 256, "arch": 256}.get(form, 126)
    low = y + 126
    if form == "roof":
        part(
            canvas,
            path((x - 6, low), (x + 63, y + 6), (x + 132, low)),
            colour,
            made,
            0.32,
            volume=12,
        )
    elif form == "cylinder":
        part(
            canvas,
            box(x + 6, y, x + 120, low, 10),
            colour,
            made,
            0.32,
            volume=8,
            round_from=(x, x + 126),
        )
    elif form == "arch":
        outline = path(
            (x, low),
            (x, y),
            (x + wide, y),
            (x + wide, low),
            (x + wide - 58, low),
            (x + wide - 60, y + 50, x + wide / 2, y + 48),
            (x + 60, y + 50, x + 58, low),
        )
        part(canvas, outline, colour, made, 0.32, volume=12)
    else:
        part(canvas, box(x, y, x + wide, low, 9), colour, made, 0.32, volume=12)
