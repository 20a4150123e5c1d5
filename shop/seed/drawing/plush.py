"""Plush toys."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, mirror, oval, path, turned
from shop.seed.drawing.palette import COLOURS, brightness, darker, lighter
from shop.seed.drawing.parts import INK, bar, ground, part, trace


def plush_toy(canvas: Canvas, look: Look) -> None:
    """bear, rabbit, elephant, fox."""
    ground(canvas, 500, 880, 250, 30)
    belly = lighter(look.base, 0.5)
    fur = look.material
    for x, y in ((372, 800), (628, 800)):
        part(canvas, oval(x, y, 104, 84), look.base, fur, 0.3, volume=40)
        part(canvas, oval(x - (500 - x) * 0.02, y + 4, 56, 46), belly, fur, 0, volume=20)
    for flip in (False, True):
        arm = turned(oval(330, 610, 60, 122), 24, (370, 560))
        part(canvas, mirror(arm) if flip else arm, look.base, fur, 0.3, volume=34)
    part(canvas, oval(500, 680, 172, 192), look.fill, fur, 0.34, volume=66)
    part(canvas, oval(500, 704, 106, 124), belly, fur, 0, volume=40)
    _ears(canvas, look, belly)
    part(canvas, oval(500, 360, 196, 174), look.base, fur, 0.42, volume=70)
    _face(canvas, look, belly)
    if look.pick("bow", True, False):
        _bow(canvas, look)


def _ears(canvas: Canvas, look: Look, belly) -> None:
    shape = look.shape
    for flip in (False, True):
        if shape == "bear":
            ears = [(oval(346, 226, 74), look.base), (oval(350, 232, 42), belly)]
        elif shape == "rabbit":
            lean = -10 + look.vary("lean", 9)
            ears = [
                (turned(oval(414, 178, 52, 128), lean, (414, 260)), look.base),
                (turned(oval(414, 184, 27, 94), lean, (414, 260)), (0.93, 0.74, 0.73)),
            ]
        elif shape == "elephant":
            ears = [
                (oval(276, 360, 136, 150), look.base),
                (oval(282, 364, 92, 106), (0.9, 0.74, 0.75)),
            ]
        else:
            ears = [
                (path((330, 300), (300, 180, 312, 110), (410, 150, 450, 220)), look.base),
                (path((344, 270), (322, 196, 330, 150), (386, 176, 410, 220)), belly),
            ]
        for outline, colour in ears:
            part(
                canvas, mirror(outline) if flip else outline, colour, look.material, 0.26, volume=24
            )


def _face(canvas: Canvas, look: Look, belly) -> None:
    if look.shape == "elephant":
        trunk = path((500, 380), (500, 520, 520, 560), (550, 600, 590, 570))
        bar(canvas, trunk, 92, look.base, look.material, 0.36, volume=36)
        for at in range(3):
            trace(
                canvas,
                path((466, 450 + at * 34), (500, 462 + at * 34, 534, 450 + at * 34)),
                width=4,
                colour=look.seam,
                opacity=0.5,
            )
    elif look.shape == "fox":
        cheeks = both(path((500, 400), (560, 380, 672, 400), (640, 520, 500, 532)))
        part(canvas, cheeks, belly, look.material, 0.1, volume=34)
        part(
            canvas,
            both(path((500, 454), (526, 450, 530, 470), (518, 494, 500, 496))),
            INK,
            "velvet",
            0.2,
            volume=8,
        )
    else:
        part(canvas, oval(500, 420, 92, 74), belly, look.material, 0.14, volume=34)
        nose = (0.86, 0.52, 0.54) if look.shape == "rabbit" else darker(look.base, 0.75)
        part(
            canvas,
            both(path((500, 376), (540, 374, 536, 396), (520, 420, 500, 420))),
            nose,
            "velvet",
            0.2,
            volume=8,
        )
        trace(
            canvas,
            path((464, 444), (482, 470, 500, 448), (518, 470, 536, 444)),
            [(500, 420), (500, 448)],
            width=5,
            colour=INK,
            opacity=0.75,
        )
    eye_y = 340
    for x in (420, 580):
        part(canvas, oval(x, eye_y, 20, 22), INK, "plastic", 0.2, volume=10)
        canvas.paint(canvas.area(oval(x - 6, eye_y - 8, 6)), (1, 1, 1), volume=0)


def _bow(canvas: Canvas, look: Look) -> None:
    colour = look.second if brightness(look.second) < 0.9 else COLOURS["red"]
    wing = path((500, 536), (420, 480, 404, 500), (392, 540, 404, 582), (430, 596, 500, 552))
    for outline in (wing, mirror(wing)):
        part(canvas, outline, colour, "satin", 0.35, volume=16)
    part(canvas, oval(500, 544, 22, 24), darker(colour, 0.15), "satin", 0.3, volume=9)
