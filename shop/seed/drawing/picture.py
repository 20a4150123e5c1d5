"""A look and a view → the bytes of a JPEG."""

import io
import random

from PIL import Image

from shop.seed.drawing import backdrop
from shop.seed.drawing.canvas import Canvas, View
from shop.seed.drawing.kinds import DRAWINGS
from shop.seed.drawing.look import Look

VIEWS = ("front view", "close-up", "second view")


def draw(look: Look, view: str = "front view") -> Image.Image:
    """The picture of a product; ``view`` is one of VIEWS."""
    drawing = DRAWINGS[look.kind]
    chance = random.Random(f"{look}:{view}")  # noqa: S311
    tint = chance.choice(backdrop.TINTS)
    if view == "close-up":
        x, y, zoom = drawing.focus
        camera = View(zoom=zoom, centre=(x, y), angle=chance.uniform(-9, 9))
        behind = backdrop.studio(tint)
    elif view == "second view":
        camera = View(
            zoom=0.9 * drawing.zoom,
            centre=(500, 505),
            angle=0 if drawing.floor or not drawing.turns else chance.choice((-14, -9, 9, 14)),
            mirrored=True,
        )
        behind = backdrop.wall(chance.choice(backdrop.WALLS), drawing.floor)
    else:
        camera = View(
            zoom=drawing.zoom * chance.uniform(0.97, 1.03),
            centre=(500, 500 + chance.uniform(-6, 6)),
        )
        behind = backdrop.studio(tint)
    canvas = Canvas(behind, camera)
    drawing.paint(canvas, look)
    return canvas.image()


def jpeg(look: Look, view: str) -> bytes:
    """The picture as a JPEG file, the same bytes each time."""
    file = io.BytesIO()
    draw(look, view).save(file, "JPEG", quality=88, optimize=True, progressive=True)
    return file.getvalue()
