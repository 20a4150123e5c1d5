"""One picture under soft studio light: anti-aliased shapes, volume, shadow.

Drawings are in units: the picture is 1000 × 1000 of them whatever its size in pixels, so
that a view may zoom, turn or mirror a product and textures follow. Outlines are
rasterised at OVERSAMPLE times the resolution; light is computed at the final one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from shop.seed.drawing.materials import MATERIALS, Material
from shop.seed.drawing.raster import blur

SIZE = 600  # pixels
UNITS = 1000
OVERSAMPLE = 4

Point = tuple[float, float]
Rgb = tuple[float, float, float]
#: (u, v, pixels per unit) → colours (h, w, 3); or one colour.
Paint = Rgb | Callable[[np.ndarray, np.ndarray, float], np.ndarray]


@dataclass(frozen=True)
class View:
    """Where the camera stands: ``centre`` in units is what the middle of the picture shows."""

    zoom: float = 1.0
    centre: Point = (500.0, 500.0)
    angle: float = 0.0  # degrees, clockwise
    mirrored: bool = False


@dataclass(frozen=True)
class Mask:
    """Coverage 0–1 of the pixels in ``box`` (left, top, right, bottom)."""

    box: tuple[int, int, int, int]
    alpha: np.ndarray

    def within(self, other: "Mask") -> "Mask":
        """The part of this mask that ``other`` covers."""
        return Mask(self.box, self.alpha * other.over(self.box))

    def without(self, other: "Mask") -> "Mask":
        """This mask less what ``other`` covers."""
        return Mask(self.box, self.alpha * (1 - other.over(self.box)))

    def over(self, box: tuple[int, int, int, int]) -> np.ndarray:
        """Coverage of the pixels in another box; nothing outside this one."""
        left, top, right, bottom = box
        found = np.zeros((bottom - top, right - left), np.float32)
        x0, y0 = max(left, self.box[0]), max(top, self.box[1])
        x1, y1 = min(right, self.box[2]), min(bottom, self.box[3])
        if x0 < x1 and y0 < y1:
            inner = self.alpha[
                y0 - self.box[1] : y1 - self.box[1], x0 - self.box[0] : x1 - self.box[0]
            ]
            found[y0 - top : y1 - top, x0 - left : x1 - left] = inner
        return found


class Canvas:
    """A picture being painted, back to front."""

    def __init__(self, backdrop: np.ndarray, view: View) -> None:
        self.pixels = backdrop.astype(np.float32)  # (SIZE, SIZE, 3), 0–1
        self.view = view
        self.scale = view.zoom * SIZE / UNITS  # pixels per unit
        self._cos = math.cos(math.radians(view.angle))
        self._sin = math.sin(math.radians(view.angle))

    # -- shapes ---------------------------------------------------------------------------

    def area(self, *outlines: Sequence[Point], holes: Sequence[Sequence[Point]] = ()) -> Mask:
        """The union of closed outlines, less ``holes``."""

        def draw(pen: ImageDraw.ImageDraw, place: Callable) -> None:
            for outline in outlines:
                pen.polygon(place(outline), fill=255)
            for hole in holes:
                pen.polygon(place(hole), fill=0)

        return self._rasterise([point for outline in outlines for point in outline], 0, draw)

    def line(self, *lines: Sequence[Point], width: float, caps: bool = True) -> Mask:
        """Thick lines with round joints and, unless told otherwise, round ends."""
        broad = max(1, round(width * self.scale * OVERSAMPLE))

        def draw(pen: ImageDraw.ImageDraw, place: Callable) -> None:
            for line in lines:
                points = place(line)
                pen.line(points, fill=255, width=broad, joint="curve")
                for x, y in (points[0], points[-1]) if caps else ():
                    half = broad / 2
                    pen.ellipse((x - half, y - half, x + half, y + half), fill=255)

        return self._rasterise([point for line in lines for point in line], width, draw)

    def _rasterise(self, points: Sequence[Point], margin: float, draw: Callable) -> Mask:
        placed = self._to_pixels(points)
        rim = 3 + math.ceil(margin * self.scale)
        left, top = (np.floor(placed.min(axis=0)) - rim).clip(0, SIZE - 1).astype(int)
        right, bottom = (np.ceil(placed.max(axis=0)) + rim).clip(1, SIZE).astype(int)
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        size = (int(right - left), int(bottom - top))
        image = Image.new("L", (size[0] * OVERSAMPLE, size[1] * OVERSAMPLE))

        def place(line: Sequence[Point]) -> list[Point]:
            return [
                ((x - left) * OVERSAMPLE, (y - top) * OVERSAMPLE)
                for x, y in self._to_pixels(line).tolist()
            ]

        draw(ImageDraw.Draw(image), place)
        alpha = np.asarray(image.reduce(OVERSAMPLE), np.float32) / 255
        return Mask((int(left), int(top), int(right), int(bottom)), alpha)

    def _to_pixels(self, points: Sequence[Point]) -> np.ndarray:
        at = np.asarray(points, np.float64) - self.view.centre
        if self.view.mirrored:
            at = at * (-1, 1)
        turned = np.stack(
            [
                at[:, 0] * self._cos - at[:, 1] * self._sin,
                at[:, 0] * self._sin + at[:, 1] * self._cos,
            ],
            axis=1,
        )
        return turned * self.scale + SIZE / 2

    def grid(self, box: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Unit coordinates (u, v) of the pixels in ``box``."""
        left, top, right, bottom = box
        x = (np.arange(left, right, dtype=np.float32) + 0.5 - SIZE / 2)[None, :] / self.scale
        y = (np.arange(top, bottom, dtype=np.float32) + 0.5 - SIZE / 2)[:, None] / self.scale
        u = x * self._cos + y * self._sin
        v = -x * self._sin + y * self._cos
        if self.view.mirrored:
            u = -u
        return u + self.view.centre[0], v + self.view.centre[1]

    # -- paint ----------------------------------------------------------------------------

    def paint(
        self,
        mask: Mask,
        colour: Paint,
        material: str = "smooth",
        *,
        volume: float = 16,
        depth: float = 0.9,
        folds: float = 0.0,
        round_from: tuple[float, float] | None = None,
        grain: int = 0,
        opacity: float = 1.0,
        gloss: float | None = None,
    ) -> None:
        """Fill a mask.

        ``volume``: units over which the edges bend away from the light; 0 is flat.
        ``depth``: how strongly. ``folds``: soft creases as in cloth. ``round_from``: the
        left and right edge of an upright cylinder. ``grain``: 90 turns the texture.
        """
        if mask.alpha.size < 4 or not mask.alpha.any():
            return
        made_of = MATERIALS[material]
        u, v = self.grid(mask.box)
        if callable(colour):
            rgb = colour(u, v, self.scale)
        else:
            rgb = np.broadcast_to(np.asarray(colour, np.float32), (*mask.alpha.shape, 3))
        gleam = made_of.gloss if gloss is None else gloss
        light = 1 + (made_of.texture(v, u) if grain else made_of.texture(u, v))
        if volume:
            light = light * self._volume(mask, volume, depth, gleam)
        if folds:
            light = light * (1 + folds * made_of.folds(u, v))
        if round_from:
            light = light * self._cylinder(u, round_from, gleam)
        self._lay(mask, lit(rgb, light), opacity)

    def _lay(self, mask: Mask, rgb: np.ndarray, opacity: float) -> None:
        left, top, right, bottom = mask.box
        under = self.pixels[top:bottom, left:right]
        cover = (mask.alpha * opacity)[..., None]
        under += (rgb - under) * cover

    def _volume(self, mask: Mask, volume: float, depth: float, gloss: float) -> np.ndarray:
        radius = max(volume * self.scale, 0.8)
        height = blur(mask.alpha, radius)
        down, across = np.gradient(height) if min(height.shape) > 1 else (height * 0, height * 0)
        facing = (across * 0.62 + down * 0.78) * radius
        hidden = (1 - height).clip(0, 0.6)
        light = 1 + depth * (facing * 0.75 - hidden * 0.42)
        if gloss:
            light = light + gloss * 2.4 * (facing - 0.12).clip(0, 1)
        return light

    def _cylinder(self, u: np.ndarray, edges: tuple[float, float], gloss: float) -> np.ndarray:
        left, right = edges
        at = ((u - left) / max(right - left, 1) * 2 - 1).clip(-1, 1)
        if self.view.mirrored:
            at = -at
        light = 0.62 + 0.46 * np.cos((at + 0.32) * 1.25)
        return light + gloss * 0.9 * np.exp(-(((at + 0.52) / 0.13) ** 2))

    # -- light and shadow -----------------------------------------------------------------

    def shadow(
        self, mask: Mask, dx: float = 6, dy: float = 12, soft: float = 14, strength: float = 0.3
    ) -> None:
        """What ``mask`` casts on all that is painted so far."""
        radius = max(soft * self.scale, 0.8)
        rim = math.ceil(radius * 2.2)
        left, top, right, bottom = mask.box
        shift_x, shift_y = round(dx * self.scale), round(dy * self.scale)
        box = (
            max(left - rim + shift_x, 0),
            max(top - rim + shift_y, 0),
            min(right + rim + shift_x, SIZE),
            min(bottom + rim + shift_y, SIZE),
        )
        if box[0] >= box[2] or box[1] >= box[3]:
            return
        moved = Mask((left + shift_x, top + shift_y, right + shift_x, bottom + shift_y), mask.alpha)
        dark = blur(moved.over(box), radius)[..., None] * strength
        self.pixels[box[1] : box[3], box[0] : box[2]] *= 1 - dark * (0.92, 0.97, 1.0)

    def glow(self, mask: Mask, colour: Rgb, soft: float, strength: float) -> None:
        """Light that ``mask`` gives off, a lamp's say."""
        radius = soft * self.scale
        box = (0, 0, SIZE, SIZE)
        bright = blur(mask.over(box), radius)[..., None] * strength
        self.pixels += (np.asarray(colour, np.float32) - self.pixels).clip(0, 1) * bright

    def image(self) -> Image.Image:
        """The picture as 8-bit RGB."""
        return Image.fromarray((self.pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8), "RGB")


def lit(rgb: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Colours under ``light`` (1 is neutral): shade multiplies, highlights wash out."""
    light = light[..., None]
    return rgb * np.minimum(light, 1) + (1 - rgb) * (light - 1).clip(0, 1) * 0.55


__all__ = ["SIZE", "Canvas", "Mask", "Material", "Paint", "Point", "Rgb", "View", "lit"]
