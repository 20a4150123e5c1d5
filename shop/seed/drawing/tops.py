"""T-shirts and shirts."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.cloth import (
    buttons,
    cloth,
    collar,
    cuffs,
    neck,
    neck_back,
    sleeve,
    sleeves,
    stitch,
    torso,
)
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, path


def t_shirt(canvas: Canvas, look: Look) -> None:
    """crew neck, v-neck, boxy, long sleeve."""
    boxy = look.shape == "boxy"
    hem = (656 if boxy else 640, 715 if boxy else 765 + look.vary("hem", 18))
    deep = 268 if look.shape == "v-neck" else 206
    neck(canvas, look, deep)
    long = {"long sleeve": "long", "boxy": "elbow"}.get(look.shape, "short")
    sleeves(canvas, look, sleeve(look, long, (672, 200), (642, 340), 112 if boxy else 104))
    if look.shape == "v-neck":
        outline = both(
            path(
                (500, deep),
                (570, 160),
                (676, 198),
                (652, 260, 640, 336),
                (hem[0] - 8, 560, *hem),
                (570, hem[1] + 14, 500, hem[1] + 14),
            )
        )
        rib = path((428, 162), (500, deep + 2), (572, 162))
    else:
        outline = torso((640, 336), hem, (676, 198), (570, 160), deep)
        rib = path((428, 160), (434, deep + 2, 500, deep + 2), (566, deep + 2, 572, 160))
    body = cloth(canvas, look, outline)
    collar = canvas.line(rib, width=20)
    canvas.paint(collar, look.pick("rib", look.base, look.dark), "rib", volume=7)
    stitch(
        canvas,
        look,
        path((500 - hem[0] + 506, hem[1] - 14), (500, hem[1], hem[0] - 6, hem[1] - 14)),
    )
    if look.pick("pocket", True, False, False) and look.pattern != "colour block":
        pocket = canvas.area(
            path((560, 340), (628, 340), (628, 408), (594, 428), (560, 408))
        ).within(body)
        canvas.shadow(pocket, 2, 4, 4, 0.35)
        canvas.paint(pocket, look.fill, look.material, volume=6)


def shirt(canvas: Canvas, look: Look) -> None:
    """classic, short sleeve, grandad collar, oversized."""
    wide = 20 if look.shape == "oversized" else 0
    hem = (640 + wide, 815 + look.vary("hem", 18))
    neck_back(canvas, look, both(path((500, 150), (560, 150), (556, 196, 500, 206))))
    length = "short" if look.shape == "short sleeve" else "long"
    arm = sleeve(
        look, length, (664 + wide, 196), (636 + wide, 330), 128 if length == "short" else 118
    )
    sleeves(canvas, look, arm)
    if length == "long":
        cuffs(canvas, look, arm)
    body = cloth(
        canvas,
        look,
        both(
            path(
                (500, 226),
                (558, 150),
                (668 + wide, 192),
                (648 + wide, 260, 634 + wide, 326),
                (hem[0] - 10, 560, hem[0], hem[1] - 60),
                (hem[0] - 20, hem[1] - 6, 570, hem[1] + 20, 500, hem[1] + 16),
            )
        ),
    )
    placket = canvas.area(box(486, 222, 516, hem[1] + 14)).within(body)
    canvas.shadow(placket, 4, 0, 4, 0.26)
    canvas.paint(placket, look.fill, look.material, volume=5)
    stitch(
        canvas, look, [(487, 226), (487, hem[1] + 10)], [(515, 226), (515, hem[1] + 10)], width=2
    )
    buttons(canvas, look, [(501, 262 + 82 * at) for at in range(7) if 262 + 82 * at < hem[1] - 10])
    if look.shape == "grandad collar":
        stand = canvas.line(path((440, 152), (452, 214, 500, 226), (548, 214, 560, 152)), width=26)
        canvas.shadow(stand, 2, 5, 5, 0.3)
        canvas.paint(stand, look.fill, look.material, volume=8)
    else:
        collar(canvas, look)
    if look.shape != "grandad collar" and look.pick("pocket", True, True, False):
        pocket = canvas.area(path((552, 360), (622, 360), (622, 432), (587, 450), (552, 432)))
        canvas.shadow(pocket, 2, 4, 4, 0.3)
        canvas.paint(pocket, look.fill, look.material, volume=6)
        stitch(canvas, look, [(552, 376), (622, 376)], width=2)
