"""Sofas."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.chairs import timber
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import box, mirror, oval, path
from shop.seed.drawing.parts import bar, ground, part


def sofa(canvas: Canvas, look: Look) -> None:
    """two-seater, three-seater, chesterfield, corner."""
    wood, name = timber(look)
    half = {"two-seater": 340, "three-seater": 430, "chesterfield": 410, "corner": 436}[look.shape]
    half += look.vary("half", 8)
    low, top = 700, 360 + look.vary("top", 20)
    ground(canvas, 500, 760, half * 0.98, 30)
    for x in (500 - half + 46, 500 + half - 46):
        bar(canvas, [(x, low), (x + (x - 500) * 0.03, 764)], 24, wood, name, 0.2, grain=90)
    seats = {"two-seater": 2, "three-seater": 3, "chesterfield": 3, "corner": 3}[look.shape]
    inner = half - (92 if look.shape == "chesterfield" else 74)
    wide = inner * 2 / seats
    if look.shape == "chesterfield":
        back = part(
            canvas,
            box(500 - half + 30, top, 500 + half - 30, 620, 46),
            look.fill,
            look.material,
            0.34,
            volume=36,
        )
        _tufts(canvas, look, back, half, top)
    else:
        part(
            canvas,
            box(500 - half + 30, top + 22, 500 + half - 30, 640, 40),
            look.dark,
            look.material,
            0.34,
            volume=26,
        )
        for seat in range(seats):
            x = 500 - inner + seat * wide
            part(
                canvas,
                box(x + 3, top, x + wide - 3, 580, 44),
                look.fill,
                look.material,
                0.4,
                volume=42,
            )
    for seat in range(seats):
        x = 500 - inner + seat * wide
        part(
            canvas,
            box(x + 2, 540, x + wide - 2, 636, 32),
            look.fill,
            look.material,
            0.36,
            volume=30,
        )
    part(
        canvas,
        box(500 - half + 20, 622, 500 + half - 20, low + 14, 20),
        look.fill,
        look.material,
        0.3,
        volume=22,
    )
    _arms(canvas, look, half, low, top)
    if look.shape == "corner":
        x = 500 + half - 250
        part(
            canvas, box(x, 560, 500 + half - 6, 690, 30), look.fill, look.material, 0.44, volume=34
        )
        part(canvas, box(x, 650, 500 + half - 6, 750, 22), look.fill, look.material, 0.3, volume=22)
    elif look.pick("cushion", True, True, False) and look.shape != "chesterfield":
        for x, lean in ((500 - inner + 20, -8), (500 + inner - 150, 8))[: look.pick("count", 1, 2)]:
            part(canvas, _cushion(x, 440, lean), look.second, "linen", 0.4, volume=30)


def _cushion(x: float, y: float, lean: float):
    from shop.seed.drawing.outlines import turned

    outline = path(
        (x, y),
        (x + 65, y + 12, x + 130, y),
        (x + 120, y + 60, x + 132, y + 120),
        (x + 65, y + 110, x, y + 120),
        (x + 12, y + 60, x, y),
    )
    return turned(outline, lean, (x + 65, y + 120))


def _tufts(canvas: Canvas, look: Look, back, half: float, top: float) -> None:
    for row in range(3):
        y = top + 44 + row * 56
        for at in range(-4, 5):
            x = 500 + (at + (row % 2) * 0.5) * 86
            if abs(x - 500) > half - 60:
                continue
            folds = [[(x, y), (x + dx, y + 56)] for dx in (-43, 43)] if row < 2 else []
            if folds:
                canvas.shadow(canvas.line(*folds, width=4).within(back), 0, 0, 5, 0.5)
            canvas.shadow(canvas.area(oval(x, y, 10)).within(back), 0, 0, 10, 0.6)
            part(canvas, oval(x, y, 7), look.dark, look.material, 0, volume=3)


def _arms(canvas: Canvas, look: Look, half: float, low: float, top: float) -> None:
    style = "roll" if look.shape == "chesterfield" else look.pick("arm", "square", "round")
    x = 500 - half
    if style == "roll":
        arm = path(
            (x - 14, top + 60),
            (x - 20, top + 4, x + 50, top + 4),
            (x + 112, top + 4, x + 104, top + 64),
            (x + 92, low + 16),
            (x + 4, low + 16),
        )
    else:
        radius = 14 if style == "square" else 44
        arm = box(x - 6, 470, x + 80, low + 14, radius)
    for outline in (arm, mirror(arm)):
        part(canvas, outline, look.fill, look.material, 0.38, volume=34)
