"""Puzzles and the pictures on them."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import path, turned
from shop.seed.drawing.palette import lighter, mix
from shop.seed.drawing.parts import INK, ground


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
