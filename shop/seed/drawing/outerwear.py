"""Jackets and trousers."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.cloth import buttons, cloth, cuffs, neck_back, sleeve, sleeves, stitch
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, path
from shop.seed.drawing.palette import darker, lighter

STEEL = (0.72, 0.73, 0.75)


def jacket(canvas: Canvas, look: Look) -> None:
    """blazer, bomber, parka, trucker, puffer."""
    hem_y = {"blazer": 790, "bomber": 700, "parka": 850, "trucker": 690, "puffer": 740}[look.shape]
    hem_y += look.vary("hem", 14)
    half = {"blazer": 152, "bomber": 150, "parka": 168, "trucker": 146, "puffer": 172}[look.shape]
    neck_back(canvas, look, both(path((500, 150), (562, 148), (556, 204, 500, 240))))
    arm = sleeve(look, "long", (684, 202), (654, 352), 150 if look.shape == "puffer" else 132)
    sleeves(canvas, look, arm)
    if look.shape in ("bomber", "puffer"):
        _knit_ends(canvas, look, arm)
    else:
        cuffs(canvas, look, arm)
    body = cloth(
        canvas,
        look,
        both(
            path(
                (500, 300 if look.shape == "blazer" else 214),
                (564, 148),
                (688, 198),
                (668, 270, 654, 348),
                (500 + half - 12, 540, 500 + half, hem_y),
                (500 + half * 0.5, hem_y + 12, 500, hem_y + 12),
            )
        ),
    )
    if look.shape == "blazer":
        _blazer(canvas, look, body, half, hem_y)
        return
    stitch(canvas, look, [(500, 220), (500, hem_y + 8)], width=3)
    if look.shape == "trucker":
        _trucker(canvas, look, body, half, hem_y)
    else:
        _zip(canvas, hem_y)
        _flaps(canvas, look, hem_y)
    if look.shape in ("bomber", "puffer"):
        hem = canvas.area(box(500 - half - 4, hem_y - 40, 500 + half + 4, hem_y + 30)).within(body)
        canvas.paint(hem, look.dark, "rib" if look.shape == "bomber" else look.material, volume=12)
        band = canvas.line(path((434, 152), (446, 206, 500, 216), (554, 206, 566, 152)), width=34)
        canvas.shadow(band, 0, 6, 6, 0.3)
        canvas.paint(band, look.dark, "rib" if look.shape == "bomber" else look.material, volume=12)
    if look.shape == "parka":
        _hood(canvas, look)


def _blazer(canvas: Canvas, look: Look, body, half, hem_y) -> None:
    shirt = canvas.area(both(path((500, 160), (556, 156), (520, 300, 500, 430))))
    canvas.paint(shirt, darker(look.base, 0.45), look.material, volume=12)
    overlap = canvas.area(
        path((500, 420), (516, 440), (520, hem_y + 14), (486, hem_y + 14))
    ).within(body)
    canvas.shadow(overlap, 4, 0, 5, 0.35)
    for outline in (path((506, 440), (570, 146), (604, 176), (640, 268), (604, 282), (612, 308)),):
        for shape in (mirror(outline), outline):
            lapel = canvas.area(shape)
            canvas.shadow(lapel, 2, 6, 7, 0.4)
            canvas.paint(lapel, look.fill, look.material, volume=10)
    stitch(canvas, look, path((508, 446), (500, 640, 492, hem_y + 8)), width=4)
    buttons(canvas, look, [(503, 480), (500, 560)], 10)
    for x in (404, 556):
        flap = canvas.area(box(x, 590, x + 72, 618, 5)).within(body)
        canvas.shadow(flap, 1, 5, 5, 0.4)
        canvas.paint(flap, look.fill, look.material, volume=6)


def _trucker(canvas: Canvas, look: Look, body, half, hem_y) -> None:
    stitch(
        canvas,
        look,
        [(358, 330), (642, 330)],
        [(430, 420), (470, hem_y - 40)],
        [(570, 420), (530, hem_y - 40)],
        path((486, 220), (486, hem_y)),
        width=3,
    )
    for x in (392, 536):
        pocket = canvas.area(path((x, 334), (x + 74, 334), (x + 74, 352), (x + 37, 378), (x, 352)))
        canvas.shadow(pocket, 1, 5, 5, 0.4)
        canvas.paint(pocket, look.fill, look.material, volume=7)
        buttons(canvas, look, [(x + 37, 360)], 6)
    hem = canvas.area(box(500 - half - 4, hem_y - 44, 500 + half + 4, hem_y + 30)).within(body)
    canvas.shadow(hem, 0, -3, 4, 0.2)
    canvas.paint(hem, look.fill, look.material, volume=9)
    buttons(canvas, look, [(500, y) for y in range(250, int(hem_y) + 4, 72)], 8)
    right = path((502, 226), (566, 142), (612, 182), (566, 262))
    for outline in (right, mirror(right)):
        mask = canvas.area(outline)
        canvas.shadow(mask, 2, 6, 6, 0.36)
        canvas.paint(mask, look.fill, look.material, volume=10)


def _zip(canvas: Canvas, hem_y: float) -> None:
    canvas.paint(canvas.line([(500, 224), (500, hem_y + 6)], width=9), (0.3, 0.3, 0.32), volume=4)
    canvas.paint(canvas.line([(500, 226), (500, hem_y + 6)], width=3.4), STEEL, volume=0)
    pull = canvas.area(box(494, 232, 506, 264, 4))
    canvas.shadow(pull, 1, 3, 3, 0.4)
    canvas.paint(pull, STEEL, "steel", volume=4)


def _flaps(canvas: Canvas, look: Look, hem_y: float) -> None:
    for x in (386, 540):
        if look.shape == "bomber":
            stitch(canvas, look, [(x + 10, hem_y - 170), (x + 50, hem_y - 90)], width=6)
            continue
        y = hem_y - (210 if look.shape == "parka" else 170)
        pocket = canvas.area(box(x - 6, y, x + 76, y + 110, 10))
        canvas.shadow(pocket, 2, 6, 6, 0.3)
        canvas.paint(pocket, look.fill, look.material, volume=9)
        flap = canvas.area(box(x - 10, y - 8, x + 80, y + 30, 8))
        canvas.shadow(flap, 1, 6, 5, 0.4)
        canvas.paint(flap, look.fill, look.material, volume=7)


def _hood(canvas: Canvas, look: Look) -> None:
    hood = canvas.area(both(path((500, 84), (596, 84, 592, 190), (560, 226, 500, 262))))
    canvas.shadow(hood, 3, 8, 9, 0.36)
    canvas.paint(hood, look.fill, look.material, volume=18)
    inside = canvas.area(both(path((500, 128), (556, 130, 552, 186), (530, 214, 500, 232))))
    canvas.paint(inside, darker(look.base, 0.5), "fleece", volume=14)
    fur = canvas.line(both(path((500, 112), (574, 114, 566, 192), (536, 228, 500, 248))), width=32)
    canvas.paint(
        fur, look.pick("fur", (0.86, 0.79, 0.68), lighter(look.base, 0.45)), "plush", volume=10
    )


def _knit_ends(canvas: Canvas, look: Look, arm) -> None:
    low = max(range(len(arm)), key=lambda at: arm[at][1])
    (ox, oy), (ix, iy) = arm[low - 1], arm[low]
    quad = [(ox - 2, oy + 4), (ix + 2, iy + 4), (ix - 12, iy - 40), (ox - 12, oy - 40)]
    for outline in (quad, mirror(quad)):
        canvas.paint(canvas.area(outline), look.dark, "rib", volume=9)


def trousers(canvas: Canvas, look: Look) -> None:
    """straight, tapered, wide leg, shorts, joggers."""
    end = {"shorts": 560, "joggers": 850}.get(look.shape, 880) + look.vary("end", 14)
    outer = {"straight": 652, "tapered": 622, "wide leg": 706, "shorts": 694, "joggers": 620}[
        look.shape
    ]
    inner = {"straight": 550, "tapered": 556, "wide leg": 536, "shorts": 528, "joggers": 556}[
        look.shape
    ]
    outer += look.vary("leg", 8)
    right = path(
        (500, 150),
        (616, 150),
        (650, 250, 656, 330),
        ((656 + outer) / 2 + 6, (330 + end) / 2, outer, end),
        (inner, end + 8),
        (524, 560, 506, 398) if end > 600 else (506, 398),
        (500, 396),
    )
    left = mirror(right)
    cloth(canvas, look, left)
    cloth(canvas, look, right)
    waist = canvas.area(box(382, 146, 618, 188, 6))
    canvas.shadow(waist, 0, 6, 6, 0.3)
    rib = look.shape == "joggers"
    canvas.paint(waist, look.fill, "rib" if rib else look.material, volume=10)
    stitch(canvas, look, path((500, 190), (500, 330)), path((512, 190), (514, 300, 500, 330)))
    pockets = path((560, 190), (590, 240, 644, 262))
    stitch(canvas, look, pockets, mirror(pockets), width=4)
    if rib:
        for flip in (False, True):
            quad = [
                (outer + 2, end - 40),
                (outer - 4, end + 12),
                (inner, end + 18),
                (inner - 6, end - 32),
            ]
            canvas.paint(canvas.area(mirror(quad) if flip else quad), look.base, "rib", volume=9)
        cords = (path((490, 176), (478, 220, 484, 262)), path((510, 176), (524, 220, 518, 250)))
        cord = canvas.line(*cords, width=8)
        canvas.shadow(cord, 2, 4, 4, 0.4)
        canvas.paint(cord, lighter(look.base, 0.6), "canvas", volume=4)
        return
    buttons(canvas, look, [(500, 168)], 9)
    for x in (424, 462, 566):
        loop = canvas.area(box(x, 140, x + 14, 196, 4))
        canvas.shadow(loop, 1, 3, 3, 0.35)
        canvas.paint(loop, look.fill, look.material, volume=4)
    if look.pick("crease", True, False) and look.material != "denim" and end > 600:
        crease = path((596, 240), (600, 560, (outer + inner) / 2, end))
        stitch(canvas, look, crease, mirror(crease), width=2)
    if look.material == "denim" or look.shape == "shorts":
        hem = [(inner, end - 16), (outer - 2, end - 24)]
        stitch(canvas, look, hem, mirror(hem))
