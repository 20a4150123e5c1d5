"""Jumpers and cardigans."""

from collections.abc import Sequence

from shop.seed.drawing.canvas import Canvas, Point
from shop.seed.drawing.cloth import buttons, cloth, neck, sleeve, sleeves, torso
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, path
from shop.seed.drawing.palette import darker


def knitwear(canvas: Canvas, look: Look) -> None:
    """crew neck, roll neck, cardigan, v-neck."""
    hem = (650, 760 + look.vary("hem", 18))
    trim = look.pick("trim", look.base, darker(look.base, 0.18))
    deep = {"cardigan": 340, "v-neck": 290}.get(look.shape, 214)
    if look.shape != "roll neck":
        neck(canvas, look, deep)
    arm = sleeve(look, "long", (676, 208), (646, 350), 128)
    sleeves(canvas, look, arm)
    if look.shape in ("cardigan", "v-neck"):
        outline = both(
            path(
                (500, deep),
                (572, 160),
                (680, 204),
                (660, 270, 646, 346),
                (hem[0] - 2, 560, *hem),
                (580, hem[1] + 8, 500, hem[1] + 8),
            )
        )
    else:
        outline = torso((646, 346), hem, (680, 204), (572, 160), deep)
    body = cloth(canvas, look, outline)
    ribs = canvas.area(box(500 - 158, hem[1] - 46, 500 + 158, hem[1] + 30)).within(body)
    canvas.paint(ribs, trim, "rib", volume=10)
    _rib_cuffs(canvas, arm, trim)
    if look.shape == "roll neck":
        roll = canvas.area(
            both(path((500, 112), (560, 108, 572, 122), (584, 176, 578, 206), (500, 226, 500, 226)))
        )
        canvas.shadow(roll, 2, 8, 8, 0.36)
        canvas.paint(roll, trim, "rib", volume=16)
        return
    if look.shape in ("cardigan", "v-neck"):
        edge = [(426, 160), (500, deep + 4), (574, 160)]
    else:
        edge = path((428, 162), (434, deep + 2, 500, deep + 2), (566, deep + 2, 572, 162))
    band = canvas.line(edge, width=26)
    canvas.shadow(band, 0, 4, 4, 0.25)
    canvas.paint(band, trim, "rib", volume=9)
    if look.shape == "cardigan":
        front = canvas.area(box(484, deep - 2, 520, hem[1] + 8)).within(body)
        canvas.shadow(front, 4, 0, 4, 0.35)
        canvas.paint(front, trim, "rib", volume=8)
        buttons(canvas, look, [(502, y) for y in range(int(deep) + 30, int(hem[1]), 74)], 9)


def _rib_cuffs(canvas: Canvas, arm: Sequence[Point], trim) -> None:
    low = max(range(len(arm)), key=lambda at: arm[at][1])
    (ox, oy), (ix, iy) = arm[low - 1], arm[low]
    quad = [(ox, oy), (ix, iy), (ix - 16, iy - 44), (ox - 14, oy - 44)]
    for outline in (quad, mirror(quad)):
        canvas.paint(canvas.area(outline), trim, "rib", volume=9)
