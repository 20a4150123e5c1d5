"""What is printed or woven on a surface: (u, v) in units → colour."""

import math
import random
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from shop.seed.drawing.palette import Rgb, darker, lighter, mix
from shop.seed.drawing.raster import band

Paint = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def blend(base: Rgb, accent: Rgb, cover: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3): ``accent`` where ``cover`` is 1, ``base`` where it is 0."""
    one, two = np.asarray(base, np.float32), np.asarray(accent, np.float32)
    return one + (two - one) * cover[..., None].astype(np.float32)


def stripes(base: Rgb, accent: Rgb, size: float) -> Paint:
    return lambda u, v, scale: blend(base, accent, band(v + u * 0, 46 * size, 19 * size))


def pinstripe(base: Rgb, accent: Rgb, size: float) -> Paint:
    return lambda u, v, scale: blend(base, accent, band(u + v * 0, 26 * size, 4.5, 2.2) * 0.85)


def upright(base: Rgb, accent: Rgb, size: float) -> Paint:
    return lambda u, v, scale: blend(base, accent, band(u + v * 0, 44 * size, 20 * size))


def gingham(base: Rgb, accent: Rgb, size: float) -> Paint:
    def paint(u, v, scale):
        across = band(u + v * 0, 44 * size, 22 * size)
        down = band(v + u * 0, 44 * size, 22 * size)
        return blend(base, accent, (across + down) / 2)

    return paint


def tartan(base: Rgb, accent: Rgb, size: float) -> Paint:
    line = lighter(accent, 0.55)

    def paint(u, v, scale):
        broad = (band(u, 110 * size, 46 * size) + band(v, 110 * size, 46 * size)) * 0.45
        out = blend(base, accent, broad.clip(0, 1))
        thin = np.maximum(band(u + 55 * size, 110 * size, 5), band(v + 55 * size, 110 * size, 5))
        second = np.maximum(band(u + 38 * size, 110 * size, 3), band(v + 38 * size, 110 * size, 3))
        cover = (thin * 0.7 + second * 0.45).clip(0, 1)[..., None]
        return out + (np.asarray(line, np.float32) - out) * cover

    return paint


def windowpane(base: Rgb, accent: Rgb, size: float) -> Paint:
    def paint(u, v, scale):
        lines = np.maximum(band(u, 78 * size, 5), band(v, 78 * size, 5))
        return blend(base, accent, lines * 0.85)

    return paint


def dots(base: Rgb, accent: Rgb, size: float) -> Paint:
    def paint(u, v, scale):
        step = 46 * size
        row = np.floor(v / step)
        x = (u / step + (row % 2) * 0.5) % 1 - 0.5
        y = v / step - row - 0.5
        return blend(base, accent, ((0.24 - np.hypot(x, y)) * step / 1.8 + 0.5).clip(0, 1))

    return paint


def herringbone(base: Rgb, accent: Rgb, size: float) -> Paint:
    def paint(u, v, scale):
        lane = np.abs((u / (34 * size)) % 2 - 1) * 34 * size
        return blend(base, accent, band(v + lane, 13 * size, 5.5 * size, 2.2) * 0.8)

    return paint


def chevron(base: Rgb, accent: Rgb, size: float) -> Paint:
    def paint(u, v, scale):
        lane = np.abs((u / (52 * size)) % 2 - 1) * 52 * size
        return blend(base, accent, band(v + lane, 62 * size, 27 * size))

    return paint


def diamonds(base: Rgb, accent: Rgb, size: float) -> Paint:
    line = lighter(accent, 0.45)

    def paint(u, v, scale):
        x = np.abs((u / (84 * size)) % 1 - 0.5) * 2
        y = np.abs((v / (120 * size)) % 1 - 0.5) * 2
        inside = ((1 - x - y) * 40 * size / 2 + 0.5).clip(0, 1)
        out = blend(base, accent, inside)
        cross = np.abs(x - y) < 0.035
        return out + (np.asarray(line, np.float32) - out) * (cross * 0.6)[..., None]

    return paint


def colour_block(base: Rgb, accent: Rgb, size: float) -> Paint:
    def paint(u, v, scale):
        return blend(base, accent, ((v + u * 0 - 470) / 1.8 + 0.5).clip(0, 1))

    return paint


def gradient(base: Rgb, accent: Rgb, size: float) -> Paint:
    def paint(u, v, scale):
        at = ((v + u * 0 - 270) / 480).clip(0, 1)
        return blend(base, accent, at * at * (3 - 2 * at))

    return paint


def fair_isle(base: Rgb, accent: Rgb, size: float) -> Paint:
    """Rows of zigzags and pips on a band, as knitters work them."""

    def paint(u, v, scale):
        u, v = np.round(u / 6.5) * 6.5, np.round(v / 5) * 5
        at = v % 190
        zigzag = np.abs(at - 60 - np.abs((u / 26) % 2 - 1) * 26) < 5
        lower = np.abs(at - 128 + np.abs((u / 26) % 2 - 1) * 26) < 5
        pip = (np.abs(at - 83) < 6) & ((u // 13) % 4 == 0)
        line = (np.abs(at - 34) < 3.5) | (np.abs(at - 142) < 3.5)
        return blend(base, accent, (zigzag | lower | pip | line).astype(np.float32))

    return paint


def bloom(base: Rgb, accent: Rgb, size: float) -> Paint:
    """Flowers and leaves."""
    leaf = mix(darker(accent, 0.25), (0.33, 0.45, 0.3), 0.75)
    heart = mix((0.95, 0.8, 0.35), base, 0.15)
    colours = (base, accent, lighter(accent, 0.45), leaf, heart)
    return _tiled("bloom", colours, 230 * size)


def leaves(base: Rgb, accent: Rgb, size: float) -> Paint:
    return _tiled("leaves", (base, accent, mix(accent, base, 0.4), accent, base), 210 * size)


def terrazzo(base: Rgb, accent: Rgb, size: float) -> Paint:
    colours = (base, accent, mix(accent, (0.8, 0.55, 0.4), 0.6), darker(accent, 0.4), base)
    return _tiled("terrazzo", colours, 220 * size)


def stars(base: Rgb, accent: Rgb, size: float) -> Paint:
    return _tiled("stars", (base, accent, mix(accent, base, 0.25), accent, base), 190 * size)


def camo(base: Rgb, accent: Rgb, size: float) -> Paint:
    colours = (base, accent, darker(base, 0.35), mix(base, accent, 0.5), base)
    return _tiled("camo", colours, 300 * size)


def _tiled(motif: str, colours: tuple[Rgb, ...], side: float) -> Paint:
    def paint(u, v, scale):
        pixels = max(24, round(side * scale))
        tile = _tile(motif, colours, pixels)
        x = np.floor(u / side * pixels).astype(np.int32) % pixels
        y = np.floor(v / side * pixels).astype(np.int32) % pixels
        return tile[np.broadcast_arrays(y, x)[0], np.broadcast_arrays(y, x)[1]]

    return paint


@lru_cache(maxsize=32)
def _tile(motif: str, colours: tuple[Rgb, ...], pixels: int) -> np.ndarray:
    """One repeat of a motif; what crosses an edge comes in again at the other."""
    side = pixels * 4
    codes = [tuple(round(part * 255) for part in colour) for colour in colours]
    image = Image.new("RGB", (side, side), codes[0])
    pen = ImageDraw.Draw(image)
    rng = random.Random(motif)  # noqa: S311
    for x, y in _scatter(rng, {"bloom": 9, "stars": 10, "camo": 14}.get(motif, 15)):
        turn, big = rng.random() * 360, 0.75 + rng.random() * 0.5
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                at = ((x + dx) * side, (y + dy) * side)
                MOTIFS[motif](pen, at, turn, big * side, codes, random.Random(f"{x}{y}"))  # noqa: S311
    return np.asarray(image.reduce(4), np.float32) / 255


def _scatter(rng: random.Random, count: int) -> list[tuple[float, float]]:
    """Points that keep their distance, also over the edges."""
    found: list[tuple[float, float]] = []
    for _ in range(count):
        candidates = [(rng.random(), rng.random()) for _ in range(24)]
        found.append(max(candidates, key=lambda at: min((_apart(at, p) for p in found), default=1)))
    return found


def _apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    dx, dy = abs(a[0] - b[0]), abs(a[1] - b[1])
    return math.hypot(min(dx, 1 - dx), min(dy, 1 - dy))


def _petal(pen, at, angle, long, wide, fill) -> None:
    x, y = at
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    points = []
    for step in range(25):
        turn = math.radians(step * 15)
        along, across = long * (0.5 - 0.5 * math.cos(turn)), wide * math.sin(turn)
        points.append((x + along * cos - across * sin, y + along * sin + across * cos))
    pen.polygon(points, fill=fill)


def _flower(pen, at, turn, size, codes, rng) -> None:
    _petal(pen, at, turn + 40, size * 0.15, size * 0.026, codes[3])
    _petal(pen, at, turn + 205, size * 0.15, size * 0.026, codes[3])
    petals = rng.choice((5, 5, 6))
    fill = codes[rng.choice((1, 1, 2))]
    for number in range(petals):
        _petal(pen, at, turn + number * 360 / petals, size * 0.1, size * 0.036, fill)
    x, y = at
    heart = size * 0.024
    pen.ellipse((x - heart, y - heart, x + heart, y + heart), fill=codes[4])


def _leaf(pen, at, turn, size, codes, rng) -> None:
    fill = codes[rng.choice((1, 2))]
    for side in (-42, 0, 42):
        _petal(pen, at, turn + side, size * (0.15 if side else 0.2), size * 0.03, fill)


def _chip(pen, at, turn, size, codes, rng) -> None:
    x, y = at
    corners = rng.choice((4, 5, 6))
    big = size * rng.choice((0.03, 0.045, 0.06))
    points = []
    for number in range(corners):
        angle = math.radians(turn + number * 360 / corners + rng.uniform(-18, 18))
        far = big * rng.uniform(0.7, 1.2)
        points.append((x + far * math.cos(angle), y + far * math.sin(angle)))
    pen.polygon(points, fill=codes[rng.choice((1, 2, 3))])


def _star(pen, at, turn, size, codes, rng) -> None:
    x, y = at
    points = []
    for number in range(10):
        far = size * (0.07 if number % 2 == 0 else 0.03)
        angle = math.radians(turn / 9 + number * 36)
        points.append((x + far * math.sin(angle), y - far * math.cos(angle)))
    pen.polygon(points, fill=codes[1])


def _patch(pen, at, turn, size, codes, rng) -> None:
    x, y = at
    fill = codes[rng.choice((1, 2, 3))]
    for _ in range(5):
        px, py = x + rng.uniform(-0.1, 0.1) * size, y + rng.uniform(-0.06, 0.06) * size
        rx, ry = size * rng.uniform(0.05, 0.1), size * rng.uniform(0.03, 0.06)
        pen.ellipse((px - rx, py - ry, px + rx, py + ry), fill=fill)


MOTIFS = {"bloom": _flower, "leaves": _leaf, "terrazzo": _chip, "stars": _star, "camo": _patch}

PATTERNS: dict[str, Callable[[Rgb, Rgb, float], Paint]] = {
    "striped": stripes,
    "pinstripe": pinstripe,
    "wide stripe": upright,
    "gingham": gingham,
    "tartan": tartan,
    "windowpane check": windowpane,
    "polka dot": dots,
    "herringbone": herringbone,
    "chevron": chevron,
    "argyle": diamonds,
    "colour block": colour_block,
    "ombre": gradient,
    "Fair Isle": fair_isle,
    "floral": bloom,
    "leaf print": leaves,
    "terrazzo": terrazzo,
    "star print": stars,
    "camouflage": camo,
}


def paint_of(pattern: str, base: Rgb, accent: Rgb, size: float = 1.0) -> Rgb | Paint:
    """The paint of a pattern's name; ``plain`` is the base colour itself."""
    return base if pattern == "plain" else PATTERNS[pattern](base, accent, size)
