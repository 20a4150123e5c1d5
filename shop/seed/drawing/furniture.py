"""Chairs, sofas, tables, lamps."""

from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look
from shop.seed.drawing.outlines import both, box, mirror, moved, oval, path
from shop.seed.drawing.palette import COLOURS, darker, lighter
from shop.seed.drawing.parts import GOLD, INK, bar, ground, part, trace

WOODS = ("oak", "walnut", "beech")


def _wood(look: Look, topic: str = "wood"):
    """The frame's wood: the product's own where it is one, else the model's choice."""
    name = look.material if look.material in WOODS else look.pick(topic, *WOODS)
    return COLOURS[name], name


def chair(canvas: Canvas, look: Look) -> None:
    """dining, armchair, stool, shell, spindle."""
    {
        "dining": _dining,
        "armchair": _armchair,
        "stool": _stool,
        "shell": _shell,
        "spindle": _spindle,
    }[look.shape](canvas, look)


def _legs(canvas: Canvas, tops, feet, colour, material, width=24, behind=False) -> None:
    for top, foot in zip(tops, feet, strict=True):
        bar(
            canvas,
            [top, foot],
            width,
            darker(colour, 0.28) if behind else colour,
            material,
            0.2,
            grain=90,
        )


def _dining(canvas: Canvas, look: Look) -> None:
    wood, name = _wood(look)
    ground(canvas, 500, 880, 250, 34)
    _legs(canvas, [(400, 560), (612, 560)], [(392, 820), (630, 820)], wood, name, behind=True)
    lean = 26
    for x in (352, 640):
        bar(canvas, [(x + lean, 160), (x + 6, 600)], 24, wood, name, 0.25, grain=90)
    seat_fill = look.fill if look.material not in WOODS else look.base
    for y in (170, 260) if look.pick("slats", True, False) else (170,):
        tall = 66 if y == 170 and look.pick("slats", True, False) else 200
        part(
            canvas,
            path(
                (372 - (y - 170) * 0.06, y),
                (520, y - 26, 670 - (y - 170) * 0.06, y),
                (664, y + tall),
                (514, y + tall - 24, 364, y + tall),
            ),
            seat_fill,
            look.material,
            0.3,
            volume=16,
        )
    part(
        canvas,
        path((330, 540), (500, 520, 676, 540), (700, 600), (500, 624, 306, 600)),
        seat_fill,
        look.material,
        0.36,
        volume=24,
    )
    bar(canvas, path((316, 620), (500, 640, 690, 620)), 22, wood, name, 0.2)
    _legs(canvas, [(326, 620), (680, 620)], [(306, 884), (700, 884)], wood, name, 26)


def _armchair(canvas: Canvas, look: Look) -> None:
    wood, name = _wood(look)
    ground(canvas, 500, 870, 330, 34)
    _legs(canvas, [(270, 740), (730, 740)], [(250, 872), (750, 872)], wood, name, 26)
    back = look.pick("back", "round", "tall")
    top = 210 if back == "tall" else 280
    part(
        canvas,
        both(path((500, top), (690, top, 704, top + 110), (716, 600), (500, 620))),
        look.fill,
        look.material,
        0.34,
        volume=56,
    )
    if look.pick("tufts", True, False):
        for x, y in ((420, top + 120), (580, top + 120), (500, top + 200)):
            canvas.shadow(canvas.area(oval(x, y, 16)), 0, 0, 16, 0.5)
            part(canvas, oval(x, y, 8), look.dark, look.material, 0.2, volume=4)
    part(canvas, box(270, 560, 730, 690, 50), look.fill, look.material, 0.4, volume=44)
    part(canvas, box(266, 660, 734, 770, 24), look.fill, look.material, 0.3, volume=26)
    arm = path((190, 520), (180, 440, 244, 440), (308, 440, 306, 530), (310, 774), (196, 774))
    for outline in (arm, mirror(arm)):
        part(canvas, outline, look.fill, look.material, 0.36, volume=42)


def _stool(canvas: Canvas, look: Look) -> None:
    wood, name = _wood(look)
    tall = look.pick("tall", 300, 420)
    ground(canvas, 500, 890, 230, 30)
    _legs(
        canvas,
        [(440, tall + 40), (560, tall + 40)],
        [(410, 850), (590, 850)],
        wood,
        name,
        22,
        behind=True,
    )
    _legs(canvas, [(400, tall + 40), (600, tall + 40)], [(330, 894), (670, 894)], wood, name, 26)
    rest = tall + (890 - tall) * 0.66
    bar(
        canvas,
        path((352, rest), (500, rest + 14, 648, rest)),
        18,
        look.pick("rest", wood, GOLD),
        name,
        0.25,
    )
    if look.material in WOODS:
        part(
            canvas,
            path(
                (352, tall),
                (500, tall - 26, 648, tall),
                (668, tall + 30, 640, tall + 50),
                (500, tall + 66, 360, tall + 50),
                (332, tall + 30, 352, tall),
            ),
            look.fill,
            name,
            0.36,
            volume=16,
        )
    else:
        part(
            canvas,
            both(
                path(
                    (500, tall - 30),
                    (680, tall - 30, 684, tall + 16),
                    (680, tall + 66, 500, tall + 66),
                )
            ),
            look.fill,
            look.material,
            0.4,
            volume=36,
        )


def _shell(canvas: Canvas, look: Look) -> None:
    wood, name = _wood(look)
    ground(canvas, 500, 884, 280, 32)
    metal = look.pick("metal", True, False)
    colour, made = (INK, "steel") if metal else (wood, name)
    _legs(
        canvas,
        [(440, 620), (560, 620)],
        [(388, 840), (612, 840)],
        colour,
        made,
        16 if metal else 24,
        behind=True,
    )
    _legs(
        canvas,
        [(420, 630), (580, 630)],
        [(300, 886), (700, 886)],
        colour,
        made,
        16 if metal else 26,
    )
    part(
        canvas,
        both(path((500, 196), (660, 190, 700, 330), (722, 470, 690, 560), (620, 640, 500, 640))),
        look.fill,
        look.material,
        0.34,
        volume=66,
    )
    part(
        canvas,
        path(
            (296, 560),
            (500, 500, 704, 560),
            (724, 640, 620, 664),
            (500, 684, 380, 664),
            (276, 640, 296, 560),
        ),
        look.fill,
        look.material,
        0.5,
        volume=34,
    )


def _spindle(canvas: Canvas, look: Look) -> None:
    wood, name = (look.base, look.material) if look.material in WOODS else _wood(look)
    colour = wood if look.material in WOODS else look.base
    made = name if look.material in WOODS else "smooth"
    ground(canvas, 500, 886, 270, 32)
    _legs(canvas, [(420, 600), (580, 600)], [(380, 830), (620, 830)], colour, made, 20, behind=True)
    for at in range(7):
        x = 380 + at * 40
        bar(canvas, [(500 + (x - 500) * 1.3, 220), (x, 580)], 13, colour, made, 0.25, grain=90)
    bar(canvas, path((326, 238), (500, 168, 674, 238)), 46, colour, made, 0.3)
    part(
        canvas,
        path(
            (310, 572),
            (500, 540, 690, 572),
            (724, 604, 690, 626),
            (500, 652, 310, 626),
            (276, 604, 310, 572),
        ),
        colour,
        made,
        0.4,
        volume=16,
    )
    _legs(canvas, [(366, 636), (634, 636)], [(302, 890), (698, 890)], colour, made, 26)
    bar(canvas, [(346, 760), (654, 760)], 15, colour, made, 0.2)


def sofa(canvas: Canvas, look: Look) -> None:
    """two-seater, three-seater, chesterfield, corner."""
    wood, name = _wood(look)
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
        _legs(
            canvas,
            [(500 - wide + inset + 46, y), (500 + wide - inset - 46, y)],
            [(500 - wide + inset + 50, low - 44), (500 + wide - inset - 50, low - 44)],
            leg,
            leg_made,
            width * 0.85,
            behind=True,
        )
        splay = look.pick("splay", 0, 26)
        _legs(
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


def lamp(canvas: Canvas, look: Look) -> None:
    """table, floor, arc, desk, lantern."""
    {
        "table": _table_lamp,
        "floor": _floor_lamp,
        "arc": _arc,
        "desk": _desk_lamp,
        "lantern": _lantern,
    }[look.shape](canvas, look)


def _shade(
    canvas: Canvas, look: Look, x: float, top: float, low: float, up: float, down: float
) -> None:
    outline = moved(
        both(path((500, top), (500 + up, top), (500 + down, low), (500, low + 16))), x - 500, 0
    )
    mask = canvas.area(outline)
    canvas.glow(mask, (1.0, 0.93, 0.78), 60, 0.5)
    canvas.paint(
        mask,
        look.fill,
        look.material
        if look.material in ("linen", "cotton", "paper", "rattan", "jute", "velvet")
        else "linen",
        volume=10,
        round_from=(x - down, x + down),
    )
    warm = canvas.area(
        moved(oval(500, (top + low) / 2 + 20, down * 0.5, (low - top) * 0.42), x - 500, 0)
    ).within(mask)
    canvas.glow(warm, (1.0, 0.95, 0.82), 26, 0.4)


def _table_lamp(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 850, 170, 26)
    colour = look.pick("foot", look.second, GOLD, COLOURS["terracotta"], COLOURS["oak"], INK)
    made = look.pick("made", "ceramic", "stoneware", "terracotta")
    form = look.pick("form", "gourd", "ball", "column", "cone")
    outline = {
        "gourd": path(
            (500, 500),
            (524, 500),
            (528, 560, 560, 590),
            (640, 690, 590, 800),
            (570, 846),
            (500, 852),
        ),
        "ball": path(
            (500, 560),
            (526, 560),
            (532, 600),
            (640, 640, 632, 730),
            (620, 830, 560, 846),
            (500, 850),
        ),
        "column": path((500, 520), (556, 526), (566, 836), (500, 850)),
        "cone": path((500, 520), (520, 522), (610, 840), (500, 856)),
    }[form]
    part(canvas, box(490, 460, 510, 560), GOLD, "brass", 0.1, volume=6)
    part(canvas, both(outline), colour, made, 0.3, volume=30, round_from=(370, 630))
    _shade(canvas, look, 500, 180, 490, look.pick("up", 110, 150, 200), 226)


def _floor_lamp(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 930, 180, 22)
    colour, made = look.pick("pole", (INK, "steel"), (GOLD, "brass"), (COLOURS["oak"], "oak"))
    if look.pick("tripod", True, False):
        for foot in ((360, 936), (640, 936), (520, 908)):
            bar(canvas, [(500, 400), foot], 18, colour, made, 0.25, grain=90)
    else:
        part(canvas, oval(500, 926, 120, 20), colour, made, 0.3, volume=8)
        bar(canvas, [(500, 300), (500, 920)], 15, colour, made, 0.2, grain=90)
    _shade(canvas, look, 500, 90, 330, look.pick("up", 100, 150), 180)


def _arc(canvas: Canvas, look: Look) -> None:
    ground(canvas, 300, 926, 160, 22)
    colour = look.pick("pole", INK, GOLD)
    part(
        canvas,
        box(190, 880, 400, 926, 12),
        look.pick("foot", (0.93, 0.92, 0.9), INK),
        "marble",
        0.3,
        volume=10,
    )
    bar(
        canvas,
        path((296, 890), (270, 90, 560, 110), (700, 126, 706, 290)),
        14,
        colour,
        "steel",
        0.2,
    )
    dome = moved(both(path((500, 280), (640, 286, 650, 420), (500, 432))), 206, 0)
    mask = canvas.area(dome)
    canvas.glow(canvas.area(oval(706, 430, 120, 30)), (1.0, 0.93, 0.75), 70, 0.8)
    canvas.paint(mask, look.fill, "enamel", volume=30, round_from=(556, 856))
    canvas.paint(canvas.area(oval(706, 424, 148, 16)), (1.0, 0.94, 0.8), volume=0)


def _desk_lamp(canvas: Canvas, look: Look) -> None:
    ground(canvas, 420, 850, 190, 26)
    metal = look.pick("joint", GOLD, INK, (0.76, 0.77, 0.79))
    part(
        canvas,
        both(path((420, 800), (540, 806, 546, 846), (420, 862)), 420),
        look.base,
        "enamel",
        0.3,
        volume=16,
    )
    elbow = (330 + look.vary("elbow", 20), 500)
    bar(canvas, [(420, 810), elbow], 18, metal, "steel", 0.25)
    bar(canvas, [elbow, (580, 300)], 18, metal, "steel", 0.25)
    for x, y in (elbow, (420, 806), (580, 300)):
        part(canvas, oval(x, y, 20), look.dark, "steel", 0.3, volume=7)
    canvas.glow(canvas.area(oval(706, 470, 100, 40)), (1.0, 0.93, 0.75), 80, 0.8)
    head = path(
        (560, 250),
        (600, 216, 640, 250),
        (770, 330, 800, 430),
        (720, 500, 600, 480),
        (550, 360, 560, 250),
    )
    part(canvas, head, look.fill, "enamel", 0.3, volume=40)
    part(
        canvas,
        path((800, 430), (720, 500, 600, 480), (700, 420, 800, 430)),
        (1.0, 0.94, 0.8),
        cast=0,
        volume=0,
    )


def _lantern(canvas: Canvas, look: Look) -> None:
    ground(canvas, 500, 850, 210, 26)
    bar(
        canvas,
        path((420, 260), (420, 120, 500, 120), (580, 120, 580, 260)),
        13,
        look.dark,
        "steel",
        0.25,
    )
    glass = canvas.area(box(366, 350, 634, 760, 60))
    canvas.glow(glass, (1.0, 0.9, 0.66), 60, 0.6)
    canvas.paint(glass, (1.0, 0.93, 0.78), volume=40, depth=0.5, opacity=0.92)
    canvas.glow(canvas.area(oval(500, 600, 50, 90)), (1.0, 0.98, 0.9), 30, 0.95)
    for x in (372, 500, 628) if look.pick("bars", True, False) else (372, 628):
        bar(canvas, [(x, 340), (x, 770)], 12, look.dark, "steel", 0.2)
    part(
        canvas,
        both(path((500, 240), (570, 244), (650, 340), (646, 366), (500, 370))),
        look.base,
        "enamel",
        0.35,
        volume=20,
        round_from=(354, 646),
    )
    part(
        canvas,
        both(path((500, 744), (646, 744), (664, 840), (640, 852), (500, 856))),
        look.base,
        "enamel",
        0.35,
        volume=18,
        round_from=(340, 660),
    )
