"""Tables and desks."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.chairs import legs
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, oval, path
from shop.seed.drawing.palette import darker, lighter
from shop.seed.drawing.parts import GOLD, INK, bar, ground, part, trace


def table(canvas: Canvas, look: Look) -> None:
    """dining, coffee, side, desk, round."""
    tops = {"marble": "marble", "glass": "glass"}
    made = tops.get(look.material, look.material)
    colour = look.base
    wide = {"dining": 420, "coffee": 400, "side": 200, "desk": 410, "round": 330}[look.shape]
    y = {"dining": 420, "coffee": 560, "side": 420, "desk": 400, "round": 420}[
        look.shape
    ] + look.vary("y", 16)
    low = {"coffee": 780}.get(look.shape, 850)
    ground(canvas, 500, low, wide * 0.95, 34)
    legs_made = (
        look.pick("legs", "wood", "metal") if look.material not in ("marble", "glass") else "metal"
    )
    leg, leg_made = (
        (colour, made) if legs_made == "wood" else (look.pick("leg", INK, GOLD, INK), "steel")
    )
    width = 30 if legs_made == "wood" else 15
    deep = 46
    if look.shape == "round" or (look.shape == "side" and look.pick("stem", True, False)):
        part(
            canvas,
            both(
                path(
                    (500, low - 34),
                    (500 + wide * 0.45, low - 30, 500 + wide * 0.48, low),
                    (500, low + 22),
                )
            ),
            leg,
            leg_made,
            0.3,
            volume=14,
        )
        bar(
            canvas,
            [(500, y + 30), (500, low - 18)],
            width * 1.9,
            leg,
            leg_made,
            0.25,
            grain=90,
            volume=22,
        )
    else:
        inset = look.pick("inset", 40, 64)
        legs(
            canvas,
            [(500 - wide + inset + 46, y), (500 + wide - inset - 46, y)],
            [(500 - wide + inset + 50, low - 44), (500 + wide - inset - 50, low - 44)],
            leg,
            leg_made,
            width * 0.85,
            behind=True,
        )
        splay = look.pick("splay", 0, 26)
        legs(
            canvas,
            [(500 - wide + inset, y + 20), (500 + wide - inset, y + 20)],
            [(500 - wide + inset - splay, low), (500 + wide - inset + splay, low)],
            leg,
            leg_made,
            width,
        )
    if look.shape in ("coffee", "side") and look.pick("shelf", True, False):
        shelf = y + (low - y) * 0.62
        part(
            canvas,
            path(
                (500 - wide * 0.82, shelf),
                (500 + wide * 0.82, shelf),
                (500 + wide * 0.86, shelf + 24),
                (500 - wide * 0.86, shelf + 24),
            ),
            colour,
            made,
            0.25,
            volume=6,
        )
    if look.shape == "desk":
        part(
            canvas,
            box(500 - wide + 60, y + 20, 500 + wide - 60, y + 104, 4),
            darker(colour, 0.08),
            made,
            0.3,
            volume=10,
        )
        for x in (500 - wide * 0.42, 500 + wide * 0.42):
            trace(
                canvas,
                [*box(x - 140, y + 42, x + 140, y + 96, 4), (x - 140, y + 46)],
                width=4,
                colour=darker(colour, 0.5),
            )
            bar(
                canvas,
                [(x - 26, y + 68), (x + 26, y + 68)],
                9,
                leg if leg_made == "steel" else GOLD,
                "steel",
            )
    _top(canvas, look, wide, y, deep, made)


def _top(canvas: Canvas, look: Look, wide: float, y: float, deep: float, made: str) -> None:
    clear = made == "glass"
    colour = (0.78, 0.88, 0.87) if clear else look.base
    if look.shape == "round" or look.shape == "side":
        part(canvas, oval(500, y + 26, wide, deep), darker(colour, 0.25), made, 0.4, volume=8)
        canvas.paint(
            canvas.area(oval(500, y, wide, deep)),
            colour,
            made,
            volume=6,
            opacity=0.7 if clear else 1,
        )
        return
    part(
        canvas,
        path(
            (500 - wide, y + 10), (500 + wide, y + 10), (500 + wide, y + 40), (500 - wide, y + 40)
        ),
        darker(colour, 0.14),
        made,
        0.42,
        volume=8,
    )
    canvas.paint(
        canvas.area(
            path(
                (500 - wide + 56, y - deep),
                (500 + wide - 56, y - deep),
                (500 + wide, y + 12),
                (500 - wide, y + 12),
            )
        ),
        lighter(colour, 0.06),
        made,
        volume=4,
        opacity=0.72 if clear else 1,
    )
