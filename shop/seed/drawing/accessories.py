"""Watches, sunglasses, hats, scarves."""

import math
from functools import partial

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, oval, path, smooth, turned
from shop.seed.drawing.palette import Rgb, brightness, darker, lighter, mix
from shop.seed.drawing.parts import GOLD, INK, STEEL, bar, ground, part, trace
from shop.seed.drawing.patterns import blend


def watch(canvas: Canvas, look: Look) -> None:
    """round, chronograph, square, diver."""
    metal = look.pick("case", STEEL, GOLD, STEEL, (0.78, 0.58, 0.48), (0.24, 0.24, 0.26))
    steel_strap = look.material == "stainless steel"
    band = metal if steel_strap else look.base
    half = 62 if look.shape != "square" else 68
    for up in (True, False):
        far, near = (70, 380) if up else (930, 620)
        outline = [
            (500 - half, near),
            (500 + half, near),
            (500 + half * 0.78, far),
            (500 - half * 0.78, far),
        ]
        mask = part(canvas, outline, band, look.material, 0.34, volume=16)
        if steel_strap:
            for y in range(min(far, near), max(far, near), 34):
                trace(canvas, [(420, y), (580, y)], width=4, colour=darker(metal, 0.5), within=mask)
            trace(
                canvas,
                [(482, far), (482, near)],
                [(518, far), (518, near)],
                width=3,
                colour=darker(metal, 0.4),
                within=mask,
            )
        else:
            seam = lighter(band, 0.35) if brightness(band) < 0.4 else darker(band, 0.25)
            for side in (-1, 1):
                trace(
                    canvas,
                    [(500 + side * (half - 12), near), (500 + side * (half * 0.78 - 12), far)],
                    width=3,
                    colour=seam,
                )
            for hole in range(4) if not up else ():
                canvas.paint(
                    canvas.area(oval(500, 730 + hole * 44, 6, 9)), darker(band, 0.6), volume=0
                )
    if not steel_strap:
        trace(canvas, box(446, 96, 554, 130, 8), width=11, colour=metal, opacity=1)
    _case(canvas, look, metal)


def _case(canvas: Canvas, look: Look, metal) -> None:
    face = (
        look.second
        if look.pick("face", True, False)
        else look.pick("dial", (0.95, 0.94, 0.91), INK)
    )
    hands = INK if brightness(face) > 0.5 else (0.95, 0.94, 0.9)
    part(canvas, box(676, 478, 712, 522, 8), metal, "steel", volume=8)
    if look.shape == "chronograph":
        for y in (392, 584):
            part(canvas, box(652, y, 690, y + 26, 6), metal, "steel", volume=6)
    if look.shape == "square":
        outer, inner = box(334, 334, 666, 666, 60), box(362, 362, 638, 638, 40)
    else:
        outer, inner = oval(500, 500, 182), oval(500, 500, 156)
    part(canvas, outer, metal, "steel", 0.42, volume=18)
    if look.shape == "diver":
        part(canvas, oval(500, 500, 172), darker(look.base, 0.35), "smooth", 0, volume=8)
        inner = oval(500, 500, 132)
        for mark in range(60):
            _tick(
                canvas,
                mark * 6,
                150,
                162 if mark % 5 else 166,
                3 if mark % 5 else 7,
                (0.95, 0.94, 0.9),
            )
    dial = part(canvas, inner, face, "smooth", 0, volume=12)
    reach = 118 if look.shape in ("square", "diver") else 142
    for mark in range(12):
        long = 26 if mark % 3 == 0 else 16
        _tick(
            canvas,
            mark * 30,
            reach - long,
            reach,
            8 if mark % 3 == 0 else 5,
            hands if look.shape != "diver" else (0.95, 0.94, 0.9),
        )
    if look.shape == "chronograph":
        for x, y in ((436, 500), (564, 500), (500, 568)):
            part(canvas, oval(x, y, 36), mix(face, hands, 0.16), "smooth", 0, volume=6)
            trace(canvas, [(x, y), (x + 14, y - 20)], width=4, colour=hands, opacity=1)
    bar(canvas, [(500, 500), _polar(304, reach * 0.58)], 11, hands, cast=0.3)
    bar(canvas, [(500, 500), _polar(60, reach * 0.86)], 8, hands, cast=0.3)
    trace(
        canvas,
        [_polar(200, -0.2 * -100), _polar(200, -reach * 0.85)],
        width=3,
        colour=look.pick("second", (0.8, 0.2, 0.16), GOLD),
        opacity=1,
    )
    part(canvas, oval(500, 500, 10), metal, "steel", 0.2, volume=4)
    canvas.paint(
        canvas.area(path((400, 380), (470, 350), (560, 640), (500, 650))).within(dial),
        (1, 1, 1),
        volume=0,
        opacity=0.09,
    )


def _polar(degrees: float, far: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return 500 + far * math.sin(angle), 500 - far * math.cos(angle)


def _tick(canvas: Canvas, degrees: float, near: float, far: float, width: float, colour) -> None:
    canvas.paint(
        canvas.line([_polar(degrees, near), _polar(degrees, far)], width=width, caps=False),
        colour,
        volume=0,
    )


def sunglasses(canvas: Canvas, look: Look) -> None:
    """wayfarer, round, aviator, cat eye."""
    canvas.shadow(canvas.area(oval(500, 620, 330, 30)), 0, 0, 30, 0.3)
    metal = look.shape == "aviator" or look.material in ("steel", "brass")
    frame = (GOLD if look.material == "brass" else STEEL) if metal else look.fill
    # a metal frame shows no colour, so that its lenses do
    tints = (0.16, 0.17, 0.19), (0.3, 0.2, 0.14), (0.16, 0.26, 0.22), look.dark
    lens = look.dark if metal else look.pick("lens", *tints)
    right = {
        "wayfarer": path(
            (536, 420),
            (660, 402, 790, 420),
            (800, 500, 762, 570),
            (700, 624, 610, 602),
            (548, 570, 536, 420),
        ),
        "round": oval(662, 502, 112),
        "aviator": path(
            (540, 420),
            (660, 396, 778, 420),
            (810, 500, 762, 590),
            (690, 668, 606, 590),
            (556, 540, 540, 420),
        ),
        "cat eye": path(
            (540, 450),
            (660, 420, 818, 374),
            (826, 470, 770, 552),
            (700, 612, 610, 582),
            (552, 548, 540, 450),
        ),
    }[look.shape]
    right = turned(right, look.vary("tilt", 2), (660, 500))
    hinge = 776 if look.shape == "round" else 790
    arms = path((hinge, 446), (870, 420, 900, 330))
    for line in (arms, mirror(arms)):
        bar(
            canvas,
            line,
            11 if metal else 22,
            frame if not callable(frame) else look.base,
            "steel" if metal else "plastic",
            0.25,
        )
    bridge = (
        path((456, 470), (500, 432, 544, 470))
        if look.shape != "wayfarer"
        else path((450, 446), (500, 436, 550, 446))
    )
    bar(canvas, bridge, 10 if metal else 26, frame, "steel" if metal else "plastic")
    if look.shape == "aviator":
        bar(canvas, path((452, 424), (500, 412, 548, 424)), 9, frame, "steel")
    for outline in (right, mirror(right)):
        glass = canvas.area(outline)
        canvas.shadow(glass, 4, 12, 12, 0.3)
        top, low = lens, mix(lens, (0.85, 0.78, 0.7), look.pick("fade", 0.12, 0.5))
        from_top = partial(_fade, top, low)
        canvas.paint(glass, from_top, volume=0, opacity=0.93)
        left = min(x for x, _ in outline)
        canvas.paint(
            canvas.area(
                [(left + 60, 380), (left + 110, 380), (left + 40, 640), (left - 10, 640)]
            ).within(glass),
            (1, 1, 1),
            volume=0,
            opacity=0.16,
        )
        rim = canvas.line([*outline, *outline[:2]], width=11 if metal else 30)
        canvas.shadow(rim, 2, 6, 6, 0.3)
        canvas.paint(rim, frame, "steel" if metal else "plastic", volume=5 if metal else 11)


def _fade(top: Rgb, low: Rgb, u, v, scale):
    return blend(top, low, ((v + u * 0 - 420) / 200).clip(0, 1))


def hat(canvas: Canvas, look: Look) -> None:
    """beanie, cap, fedora, bucket."""
    {"beanie": _beanie, "cap": _cap, "fedora": _fedora, "bucket": _bucket}[look.shape](canvas, look)


def _beanie(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 730, 250, 24)
    if look.pick("pompom", True, False):
        part(
            canvas,
            oval(500, 232, 82, 78),
            look.pick("pom", look.second, look.light),
            "plush",
            volume=40,
        )
    crown = part(
        canvas,
        both(path((500, 272), (680, 272, 716, 430), (738, 540, 734, 620), (500, 660, 500, 660))),
        look.fill,
        look.material,
        volume=56,
    )
    for dx in (-96, 0, 96):
        canvas.shadow(
            canvas.line(
                path((500 + dx * 0.3, 276), (500 + dx * 1.4, 380, 500 + dx * 1.6, 620)), width=6
            ).within(crown),
            0,
            0,
            7,
            0.3,
        )
    part(
        canvas,
        both(path((500, 590), (650, 588, 744, 566), (756, 640, 742, 700), (640, 738, 500, 738))),
        look.pick("cuff", look.base, look.dark, look.second),
        "rib",
        0.4,
        volume=26,
    )
    if look.pick("label", True, False):
        part(
            canvas,
            box(548, 640, 612, 694, 5),
            look.pick("tag", (0.66, 0.43, 0.25), look.second),
            "leather",
            0.2,
            volume=4,
        )


def _cap(canvas: Canvas, look: Look) -> None:
    ground(canvas, 470, 690, 330, 24)
    crown = part(
        canvas,
        path((266, 640), (250, 340, 500, 326), (742, 332, 748, 640), (500, 668, 266, 640)),
        look.fill,
        look.material,
        volume=58,
    )
    for line in (path((500, 330), (420, 460, 404, 652)), path((500, 330), (600, 460, 612, 650))):
        trace(canvas, line, width=4, colour=look.seam, within=crown)
    part(canvas, oval(500, 328, 17, 10), look.dark, look.material, volume=5)
    for x in (350, 660):
        part(canvas, oval(x, 440, 8), look.dark, volume=2, cast=0)
    brim = path(
        (262, 626),
        (150, 620, 96, 690),
        (120, 726, 240, 712),
        (430, 670, 560, 660),
        (400, 610, 262, 626),
    )
    part(
        canvas,
        brim,
        look.second if look.pick("brim", True, False) else look.base,
        look.material,
        0.4,
        volume=16,
    )
    for inset in (14, 28):
        trace(
            canvas,
            path(
                (256, 640 + inset / 2), (170, 640, 116 + inset, 694), (300, 690 - inset, 500, 660)
            ),
            width=2.5,
            colour=look.seam,
        )
    badge = look.pick("badge", "round", "bar", "none")
    if badge == "round":
        part(canvas, oval(470, 500, 52), look.second, "felt", 0.2, volume=6)
    elif badge == "bar":
        part(canvas, box(408, 478, 540, 520, 8), look.second, "felt", 0.2, volume=6)


def _fedora(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 690, 360, 26)
    brim = path(
        (110, 620),
        (240, 560, 500, 560),
        (760, 560, 890, 620),
        (900, 664, 760, 690),
        (500, 726, 240, 690),
        (100, 664, 110, 620),
    )
    part(canvas, brim, look.fill, look.material, volume=22)
    crown = path(
        (270, 632),
        (290, 420, 350, 330),
        (430, 290, 500, 340),
        (570, 290, 650, 330),
        (712, 420, 730, 632),
        (500, 690, 270, 632),
    )
    body = part(canvas, crown, look.fill, look.material, 0.4, volume=50)
    canvas.shadow(
        canvas.line(path((430, 330), (500, 420, 570, 330)), width=16).within(body), 0, 4, 12, 0.5
    )
    ribbon = canvas.line(path((262, 606), (500, 668, 738, 606)), width=56, caps=False).within(body)
    canvas.shadow(ribbon, 0, 4, 4, 0.3)
    canvas.paint(ribbon, look.second, "satin", volume=10)
    if look.pick("feather", True, False):
        part(
            canvas,
            path((640, 630), (690, 520, 700, 430), (736, 520, 668, 634)),
            lighter(look.second, 0.4),
            "felt",
            0.3,
            volume=7,
        )


def _bucket(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 720, 320, 26)
    brim = both(path((500, 540), (700, 540), (800, 620, 836, 704), (700, 750, 500, 752)))
    mask = part(canvas, brim, look.fill, look.material, volume=30)
    for drop in (26, 52, 78, 104):
        half = 232 + drop * 0.95
        trace(
            canvas,
            path((500 - half, 560 + drop), (500, 632 + drop * 1.05, 500 + half, 560 + drop)),
            width=3,
            colour=look.seam,
            within=mask,
            opacity=0.45,
        )
    part(
        canvas,
        both(path((500, 312), (650, 312, 668, 360), (712, 560), (620, 622, 500, 624))),
        look.fill,
        look.material,
        0.42,
        volume=40,
    )
    trace(canvas, path((344, 358), (500, 396, 656, 358)), width=3, colour=look.seam)
    for x in (404, 434):
        part(canvas, oval(x, 500, 8), GOLD, "brass", 0.2, volume=3)


def scarf(canvas: Canvas, look: Look) -> None:
    """folded, looped, draped, square."""
    if look.shape == "square":
        part(
            canvas,
            turned(box(250, 250, 750, 750, 10), 45, (500, 500)),
            look.fill,
            look.material,
            0.32,
            volume=16,
            folds=0.07,
        )
        for inset in (18, 44):
            edge = turned(box(250 + inset, 250 + inset, 750 - inset, 750 - inset), 45, (500, 500))
            trace(canvas, [*edge, edge[0]], width=7, colour=look.second, opacity=0.9)
        part(
            canvas,
            path((500, 852), (230, 584), (500, 620), (770, 584)),
            darker(look.base, 0.1),
            look.material,
            0.35,
            volume=12,
            folds=0.08,
        )
        return
    if look.shape == "looped":
        _tail(canvas, look, 400, 470, 860, -4)
        _tail(canvas, look, 566, 490, 900, 5)
        for radius, dy in ((250, 0), (212, 54)):
            ring = smooth(
                [
                    (
                        500 + radius * math.cos(a / 8 * math.tau),
                        330 + dy + radius * 0.62 * math.sin(a / 8 * math.tau),
                    )
                    for a in range(8)
                ]
            )
            bar(canvas, [*ring, ring[0]], 128, look.fill, look.material, 0.4, volume=38, folds=0.08)
        return
    if look.shape == "draped":
        bar(
            canvas,
            path((330, 600), (300, 130, 500, 130), (700, 130, 672, 600)),
            138,
            look.fill,
            look.material,
            0.34,
            volume=34,
            folds=0.06,
        )
        _tail(canvas, look, 262, 500, 880, 1)
        _tail(canvas, look, 604, 500, 850, -1)
        return
    _tail(canvas, look, 366, 330, 860, 0, 270)
    for at in range(2):
        part(
            canvas,
            box(330 - at * 6, 190 + at * 120, 670 + at * 6, 420 + at * 130, 58),
            look.fill,
            look.material,
            0.4,
            volume=40,
            folds=0.05,
        )


def _tail(
    canvas: Canvas, look: Look, x: float, top: float, low: float, lean: float, wide: float = 136
) -> None:
    outline = turned(box(x, top, x + wide, low, 8), lean, (x, top))
    fringe = [
        turned([(x + 6 + at, low - 6), (x + 3 + at, low + 44)], lean, (x, top))
        for at in range(0, int(wide) - 8, 13)
    ]
    mask = canvas.line(*fringe, width=5.5)
    canvas.shadow(mask, 2, 5, 5, 0.3)
    canvas.paint(mask, look.pick("fringe", look.base, look.second), look.material, volume=3)
    part(canvas, outline, look.fill, look.material, 0.34, volume=26, folds=0.06)
