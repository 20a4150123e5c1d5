"""Plush toys, building blocks, puzzles."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, oval, path, turned
from shop.seed.drawing.palette import COLOURS, brightness, darker, lighter, mix
from shop.seed.drawing.parts import INK, bar, ground, part, trace

BRIGHT = ("red", "blue", "yellow", "green", "orange", "turquoise")
SOFT = ("blush", "sage", "sky blue", "sand", "terracotta", "lilac")


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


def puzzle(canvas: Canvas, look: Look) -> None:
    """landscape, shapes, animals, map."""
    left, top, cols, rows = 190, 240, 5, 4
    step = 620 / cols
    chance = look.chance("pieces")
    loose = (
        {(cols - 1, 0), (cols - 1, rows - 1)}
        if look.pick("loose", True, False)
        else {(cols - 1, 0)}
    )
    tabs = {
        (c, r, d): chance.choice((-1, 1))
        for c in range(cols + 1)
        for r in range(rows + 1)
        for d in "hv"
    }
    scene = _scene(look)
    ground(canvas, 500, 740, 330, 20, 0.2)
    for row in range(rows):
        for col in range(cols):
            outline = _piece(left + col * step, top + row * step, step, col, row, cols, rows, tabs)
            if (col, row) in loose:
                x, y = left + (col + 0.5) * step, top + (row + 0.5) * step
                shift = (66, -70 if row == 0 else 66)
                outline = [
                    (px + shift[0], py + shift[1])
                    for px, py in turned(outline, 16 if row else -14, (x, y))
                ]
            mask = canvas.area(outline)
            canvas.shadow(mask, 3, 7, 7, 0.34)
            canvas.paint(mask, scene, look.material, volume=4, depth=1.3)


def _piece(x, y, step, col, row, cols, rows, tabs):
    def side(a, b, sign):
        """From a to b with a knob in the middle, outwards where sign is 1."""
        (ax, ay), (bx, by) = a, b
        dx, dy = bx - ax, by - ay
        nx, ny = dy * sign, -dx * sign

        def at(along, out):
            return ax + dx * along + nx * out, ay + dy * along + ny * out

        return path(
            a,
            at(0.38, 0.0),
            (*at(0.46, 0.02), *at(0.4, 0.1)),
            (*at(0.34, 0.26), *at(0.5, 0.26)),
            (*at(0.66, 0.26), *at(0.6, 0.1)),
            (*at(0.54, 0.02), *at(0.62, 0.0)),
            b,
        )

    corners = [(x, y), (x + step, y), (x + step, y + step), (x, y + step)]
    edges = [
        tabs[col, row, "h"] if row else 0,
        -tabs[col + 1, row, "v"] if col < cols - 1 else 0,
        -tabs[col, row + 1, "h"] if row < rows - 1 else 0,
        tabs[col, row, "v"] if col else 0,
    ]
    out = []
    for at, sign in enumerate(edges):
        a, b = corners[at], corners[(at + 1) % 4]
        out += side(a, b, sign) if sign else [a, b]
    return out


def _scene(look: Look):
    """The picture printed on the puzzle."""
    import numpy as np

    base, second = np.asarray(look.base, np.float32), np.asarray(look.second, np.float32)
    sky = np.asarray(mix(lighter(look.base, 0.62), (0.97, 0.93, 0.86), 0.3), np.float32)
    sun = np.asarray(
        look.pick("sun", (0.96, 0.76, 0.35), (0.91, 0.46, 0.36), (0.98, 0.94, 0.85)), np.float32
    )
    swing, place = look.vary("swing", 1.5), 330 + look.vary("place", 140)

    def landscape(u, v, scale):
        out = np.broadcast_to(sky, (*np.broadcast(u, v).shape, 3)).copy()
        layers = [(np.hypot(u - place, v - 350) < 70, sun)]
        for at, share in enumerate((0.35, 0.6, 0.85, 1.0)):
            ridge = (
                430
                + at * 72
                + 46 * np.sin(u / (96 - at * 8) + at * 2.1 + swing)
                + 16 * np.sin(u / 31 + at)
            )
            layers.append(
                (
                    v > ridge,
                    sky * (1 - share)
                    + (base if at % 2 == 0 else second * 0.55 + base * 0.45) * share,
                )
            )
        for inside, colour in layers:
            out[inside] = colour
        return out

    def shapes(u, v, scale):
        cell_u, cell_v = np.floor(u / 104), np.floor(v / 104)
        pick = (cell_u * 7 + cell_v * 13 + np.floor(abs(swing) * 10)) % 5
        x, y = u / 104 % 1 - 0.5, v / 104 % 1 - 0.5
        inside = np.where(
            pick < 2,
            np.hypot(x, y) < 0.42,
            np.where(pick < 3, x + y > 0, np.abs(x) + np.abs(y) < 0.46),
        )
        tones = np.stack([base, second, sun, sky, (base + second) / 2])
        ground = tones[((pick + 2) % 5).astype(int)]
        return np.where(inside[..., None], tones[pick.astype(int)], ground)

    def animals(u, v, scale):
        out = np.broadcast_to(sky, (*np.broadcast(u, v).shape, 3)).copy()
        for at in range(6):
            x, y = 270 + (at % 3) * 210, 370 + (at // 3) * 240
            tone = base if at % 2 == 0 else second
            out[((u - x) / 78) ** 2 + ((v - y) / 62) ** 2 < 1] = tone
            out[np.hypot(u - x - 56, v - y + 48) < 44] = tone
            out[np.hypot(u - x - 78, v - y + 84) < 18] = tone
            out[(np.abs(np.abs(u - x) - 40) < 12) & (v > y) & (v < y + 100)] = tone
            out[np.hypot(u - x - 68, v - y + 54) < 6] = INK
        return out

    def chart(u, v, scale):
        out = np.broadcast_to(
            mix(look.base, (0.75, 0.87, 0.92), 0.55), (*np.broadcast(u, v).shape, 3)
        ).copy()
        land = np.sin(u / 62 + swing) + np.sin(v / 54 - swing) + np.sin((u + v) / 83) * 1.1
        out[land > 0.55] = mix(look.second, (0.84, 0.8, 0.62), 0.5)
        out[land > 1.35] = mix(look.second, (0.45, 0.55, 0.35), 0.6)
        lines = (np.abs(u % 104 - 52) < 1.3) | (np.abs(v % 104 - 52) < 1.3)
        out[lines] = out[lines] * 0.9
        return out

    return {"landscape": landscape, "shapes": shapes, "animals": animals, "map": chart}[look.shape]
