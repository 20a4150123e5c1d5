"""What garments share: pieces of cloth, seams, buttons, sleeves, collars."""

from collections.abc import Sequence

from shop.seed.drawing.canvas import Canvas, Mask, Paint, Point
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, mirror, oval, path
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


def neck(canvas: Canvas, look: Look, deep: float) -> None:
    """The back's inside, down to where a V ends."""
    low = (
        path((500, 162), (568, 160), (500, deep + 6))
        if deep > 240
        else path((500, 162), (566, 160), (560, 206, 500, 214))
    )
    neck_back(canvas, look, both(low))


def torso(pit: Point, hem: Point, shoulder: Point, neck: Point, deep: float) -> list[Point]:
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
