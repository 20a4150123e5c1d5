"""Clothes, laid flat or hung: dresses, shirts, tops, skirts."""

from collections.abc import Sequence

from shop.seed.drawing.canvas import Canvas, Mask, Paint, Point
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, oval, path
from shop.seed.drawing.palette import darker, lighter


def cloth(
    canvas: Canvas, look: Look, *outlines: Sequence[Point], fill: Paint | None = None
) -> Mask:
    """One piece of the garment's own cloth, with its shadow on what lies below."""
    mask = canvas.area(*outlines)
    canvas.shadow(mask, 4, 10, 14, 0.26)
    canvas.paint(mask, look.fill if fill is None else fill, look.material, volume=20, folds=0.06)
    return mask


def stitch(canvas: Canvas, look: Look, *lines: Sequence[Point], width: float = 2.6) -> None:
    """Seams: thin lines a little darker (or lighter) than the cloth."""
    canvas.paint(canvas.line(*lines, width=width), look.seam, volume=0, opacity=0.62)


def buttons(canvas: Canvas, look: Look, at: Sequence[Point], radius: float = 7) -> None:
    colour = look.pick("button", lighter(look.base, 0.55), darker(look.base, 0.5), (0.9, 0.87, 0.8))
    for x, y in at:
        mask = canvas.area(oval(x, y, radius))
        canvas.shadow(mask, 1.5, 3, 3, 0.4)
        canvas.paint(mask, colour, "plastic", volume=5)


def neck_back(canvas: Canvas, look: Look, outline: Sequence[Point]) -> None:
    """The inside of the back that shows in the neck opening."""
    mask = canvas.area(outline)
    canvas.shadow(mask, 2, 6, 8, 0.2)
    canvas.paint(mask, darker(look.base, 0.4), look.material, volume=10)


def sleeve(look: Look, length: str, shoulder: Point, pit: Point, wide: float = 62) -> list[Point]:
    """The right sleeve: none, cap, short, elbow, long, bell or puff."""
    sx, sy = shoulder
    px, py = pit
    reach = {"cap": 0.16, "short": 0.36, "puff": 0.4, "elbow": 0.55, "bell": 0.8, "long": 1.0}[
        length
    ]
    ex, ey = sx + 48 + 110 * reach, sy + 60 + 330 * reach
    half = wide * {"bell": 1.15, "long": 0.52, "elbow": 0.72}.get(length, 0.85) / 2
    bulge = 46 if length == "puff" else 12
    return path(
        (sx - 34, sy - 14),
        (sx + 22, sy - 2 - bulge / 8),
        (
            sx + 34 + bulge,
            sy + 16 - bulge / 4,
            ex + half + bulge * 0.6,
            ey - 110 * reach - 20,
            ex + half,
            ey - 6,
        ),
        (ex - half, ey + 16),
        (px + 12, py + 40 * reach + 10, px - 6, py + 4),
    )


def sleeves(canvas: Canvas, look: Look, right: Sequence[Point]) -> None:
    for outline in (right, mirror(right)):
        cloth(canvas, look, outline)


def dress(canvas: Canvas, look: Look) -> None:
    """a-line, shift, maxi, wrap."""
    long = {"a-line": 800, "shift": 760, "maxi": 915, "wrap": 835}[look.shape] + look.vary(
        "hem", 18
    )
    hem = {"a-line": 215, "shift": 150, "maxi": 200, "wrap": 190}[look.shape] + look.vary(
        "sweep", 18
    )
    waist = {"a-line": 96, "shift": 132, "maxi": 98, "wrap": 96}[look.shape]
    length = {
        "a-line": look.pick("sleeve", "short", "cap", "none"),
        "shift": look.pick("sleeve", "elbow", "none", "short"),
        "maxi": look.pick("sleeve", "straps", "none", "puff"),
        "wrap": look.pick("sleeve", "long", "bell", "elbow"),
    }[look.shape]
    neck = look.pick("neck", 58, 66)
    shoulder = (612, 158) if length not in ("none", "straps") else (590, 158)
    back = path((500, 128), (500 + neck, 128), (500 + neck - 8, 200, 500, 215))
    if look.shape == "wrap":
        back = path((500, 128), (500 + neck, 128), (500, 306))
    neck_back(canvas, look, both(back))
    if length not in ("none", "straps"):
        sleeves(canvas, look, sleeve(look, length, shoulder, (606, 292)))
    deep = {"a-line": 188, "shift": 176, "maxi": 196, "wrap": 300}[look.shape]
    pit = (596, 292)
    if length == "straps":
        body_top = path((500, 246), (540, 244, 560, 214), (596, 262, 598, 292))
        straps = path((556, 220), (548, 150), (534, 126))
        canvas.paint(
            canvas.line(straps, mirror(straps), width=12), look.fill, look.material, volume=5
        )
    elif look.shape == "wrap":
        body_top = path((500, deep), (500 + neck, 128), shoulder, (600, 230, *pit))
    else:
        body_top = path(
            (500, deep), (500 + neck - 6, deep, 500 + neck, 128), shoulder, (592, 230, *pit)
        )
    side = path(
        pit,
        (500 + waist + 2, 360, 500 + waist, 432),
        (500 + waist + 22, 520, 500 + hem - 28, long - 160, 500 + hem, long),
    )
    bottom = path((500 + hem, long), (500 + hem * 0.5, long + 20, 500, long + 20))
    body = cloth(canvas, look, both([*body_top, *side, *bottom]))
    if look.shape == "wrap":
        _wrap(canvas, look, body, neck, deep, waist, hem, long)
    elif look.shape in ("a-line", "maxi"):
        _waist(canvas, look, body, waist)
    if look.shape == "maxi":
        for y in (620, 775):
            sweep = 500 + waist + (hem - waist) * ((y - 432) / (long - 432)) ** 0.9 + 10
            tier = path((1000 - sweep, y), (500, y + 26, sweep, y))
            canvas.shadow(canvas.line(tier, width=5).within(body), 0, 7, 7, 0.7)
    stitch(
        canvas, look, path((500 + hem - 4, long - 12), (500, long + 8, 500 - hem + 4, long - 12))
    )


def _waist(canvas: Canvas, look: Look, body: Mask, waist: float) -> None:
    seam = path((500 - waist - 6, 430), (500, 446, 500 + waist + 6, 430))
    if look.pick("belt", True, False):
        belt = canvas.line(seam, width=24, caps=False).within(body)
        canvas.shadow(belt, 0, 5, 5, 0.35)
        canvas.paint(belt, look.dark, "leather", volume=8)
        buckle = canvas.line(box(482, 422, 518, 454, 5), width=5)
        canvas.paint(buckle, (0.82, 0.7, 0.42), "brass", volume=3)
    else:
        canvas.shadow(canvas.line(seam, width=4).within(body), 0, 5, 5, 0.7)
    for dx in (-62, -26, 26, 62):
        pleat = path((500 + dx * 0.7, 452), (500 + dx * 1.5, 560, 500 + dx * 1.9, 660))
        canvas.shadow(canvas.line(pleat, width=5).within(body), 2, 0, 7, 0.42)


def _wrap(canvas: Canvas, look: Look, body: Mask, neck, deep, waist, hem, long) -> None:
    over = canvas.area(
        path(
            (500 - neck, 126),
            (500 - neck + 30, 240, 548, 400),
            (500 + waist, 436),
            (500 + waist * 0.5, 640, 500 + hem * 0.25, long + 30),
            (500 - hem - 40, long + 30),
            (500 - waist - 60, 430),
            (380, 150),
        )
    ).within(body)
    canvas.shadow(over, 7, 3, 8, 0.4)
    canvas.paint(over, look.fill, look.material, volume=10, folds=0.07)
    belt = canvas.line(
        path((500 - waist - 4, 428), (500, 446, 500 + waist + 4, 428)), width=26, caps=False
    )
    belt = belt.within(body)
    canvas.shadow(belt, 0, 5, 5, 0.35)
    canvas.paint(belt, look.fill, look.material, volume=9)
    ties = canvas.line(
        path((500 + waist - 16, 440), (600, 520, 572, 590)),
        path((500 + waist - 18, 440), (560, 500, 536, 560)),
        width=15,
    )
    canvas.shadow(ties, 4, 6, 6, 0.35)
    canvas.paint(ties, look.fill, look.material, volume=7)


def skirt(canvas: Canvas, look: Look) -> None:
    """a-line, pencil, pleated, midi."""
    hem, long = {
        "a-line": (232, 690),
        "pencil": (128, 790),
        "pleated": (246, 800),
        "midi": (270, 830),
    }[look.shape]
    hem, long = hem + look.vary("hem", 14), long + look.vary("long", 20)
    top, waist = 205, 108
    hip = {"a-line": 170, "pencil": 158, "pleated": 168, "midi": 170}[look.shape]
    side = path(
        (500 + waist, top + 44),
        (500 + hip, top + 130, 500 + (hip + hem) / 2, long - 180, 500 + hem, long),
    )
    outline = [
        (500, top + 44),
        *side,
        *path((500 + hem, long), (500 + hem * 0.5, long + 26, 500, long + 26)),
    ]
    body = cloth(canvas, look, both(outline))
    if look.shape in ("pleated", "midi"):
        count = 9 if look.shape == "pleated" else 5
        for number in range(1, count):
            at = number / count * 2 - 1
            pleat = path(
                (500 + at * waist, top + 46), (500 + at * hip, top + 200, 500 + at * hem, long + 30)
            )
            canvas.shadow(canvas.line(pleat, width=6).within(body), 5, 0, 8, 0.62)
    if look.shape == "pencil":
        stitch(canvas, look, path((500, long - 130), (500, long + 14)), width=4)
    if look.shape == "a-line":
        stitch(canvas, look, path((500, top + 46), (500, long + 22)))
        buttons(canvas, look, [(500, y) for y in range(int(top) + 80, int(long) - 10, 66)])
    band = canvas.area(
        both(path((500, top), (500 + waist - 6, top), (500 + waist + 2, top + 46), (500, top + 52)))
    )
    canvas.shadow(band, 0, 6, 6, 0.3)
    canvas.paint(band, look.fill, look.material, volume=10)
    stitch(
        canvas, look, path((500 - hem + 8, long - 14), (500, long + 12, 500 + hem - 8, long - 14))
    )


def _neck(canvas: Canvas, look: Look, deep: float) -> None:
    """The back's inside, down to where a V ends."""
    low = (
        path((500, 162), (568, 160), (500, deep + 6))
        if deep > 240
        else path((500, 162), (566, 160), (560, 206, 500, 214))
    )
    neck_back(canvas, look, both(low))


def _torso(pit: Point, hem: Point, shoulder: Point, neck: Point, deep: float) -> list[Point]:
    return both(
        path(
            (500, deep),
            (neck[0] - 4, deep, *neck),
            shoulder,
            (shoulder[0] - 14, 260, *pit),
            (hem[0] - 8, (pit[1] + hem[1]) / 2, *hem),
            ((500 + hem[0]) / 2, hem[1] + 14, 500, hem[1] + 14),
        )
    )


def t_shirt(canvas: Canvas, look: Look) -> None:
    """crew neck, v-neck, boxy, long sleeve."""
    boxy = look.shape == "boxy"
    hem = (656 if boxy else 640, 715 if boxy else 765 + look.vary("hem", 18))
    deep = 268 if look.shape == "v-neck" else 206
    _neck(canvas, look, deep)
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
        outline = _torso((640, 336), hem, (676, 198), (570, 160), deep)
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


def collar(canvas: Canvas, look: Look) -> None:
    """Two points that fold over."""
    right = path((502, 222), (562, 144), (596, 172), (566, 262))
    for outline in (right, mirror(right)):
        mask = canvas.area(outline)
        canvas.shadow(mask, 2, 6, 6, 0.34)
        canvas.paint(mask, look.fill, look.material, volume=9)


def cuffs(canvas: Canvas, look: Look, arm: Sequence[Point]) -> None:
    """Bands at the ends of long sleeves; the outline's two lowest points are the wrist."""
    low = sorted(range(len(arm)), key=lambda at: -arm[at][1])[:1][0]
    outer = arm[low - 1]
    inner = arm[low]
    lift = (-14.0, -34.0)
    for flip in (False, True):
        quad = [
            outer,
            inner,
            (inner[0] + lift[0], inner[1] + lift[1]),
            (outer[0] + lift[0], outer[1] + lift[1]),
        ]
        mask = canvas.area(mirror(quad) if flip else quad)
        canvas.paint(mask, look.fill, look.material, volume=9)
        line = [quad[2], quad[3]]
        stitch(canvas, look, mirror(line) if flip else line)


def knitwear(canvas: Canvas, look: Look) -> None:
    """crew neck, roll neck, cardigan, v-neck."""
    hem = (650, 760 + look.vary("hem", 18))
    trim = look.pick("trim", look.base, darker(look.base, 0.18))
    deep = {"cardigan": 340, "v-neck": 290}.get(look.shape, 214)
    if look.shape != "roll neck":
        _neck(canvas, look, deep)
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
        outline = _torso((646, 346), hem, (680, 204), (572, 160), deep)
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
