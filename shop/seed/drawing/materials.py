"""How surfaces look under the light: texture, gloss and the way they crease."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shop.seed.drawing.raster import band, cell_tile, noise, sample

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


def creases(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Soft upright folds, as hanging cloth has them."""
    return noise(u / 9, v / 60, 6) * 0.75 + noise(u / 16 + v / 40, v / 30, 6) * 0.45


def flat(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.zeros(np.broadcast(u, v).shape, np.float32)


@dataclass(frozen=True)
class Material:
    """``texture`` is added to the light (0 is neutral); ``gloss`` 0–1."""

    texture: Field = flat
    gloss: float = 0.0
    folds: Field = creases


def cotton(u, v):
    return noise(u, v, 0.6) * 0.022 + noise(u / 8, v / 8, 2) * 0.015


def linen(u, v):
    return noise(u / 9, v * 0.9, 0.6) * 0.05 + noise(u * 0.9, v / 9, 0.6) * 0.05


def wool(u, v):
    return noise(u, v, 0.8) * 0.045 + noise(u / 4, v / 4, 2) * 0.04


def knit(u, v):
    """Columns of V-shaped stitches."""
    across = u / 13 % 1 - 0.5
    stitch = np.cos(2 * np.pi * (v / 10 - np.abs(across) * 1.3))
    groove = np.exp(-((np.abs(across) - 0.5) ** 2) * 90) + 0.7 * np.exp(-(across**2) * 120)
    return stitch * 0.08 - groove * 0.13 + noise(u, v, 0.8) * 0.025


def rib(u, v):
    return np.sin(u * 2 * np.pi / 15) * 0.12 + noise(u, v, 0.8) * 0.02


def cord(u, v):
    return np.sin(u * 2 * np.pi / 9) * 0.1 + noise(u, v / 3, 0.8) * 0.025


def denim(u, v):
    twill = np.sin((u + v) * 2 * np.pi / 6.5)
    return twill * 0.045 + noise(u * 0.8, v / 5, 0.8) * 0.05 + noise(u / 12, v / 26, 3) * 0.06


def leather(u, v):
    return (
        noise(u / 10, v / 10, 2) * 0.03
        - sample(cell_tile(), u * 1.3, v * 1.3) * 0.07
        + noise(u, v, 0.8) * 0.012
    )


def suede(u, v):
    return noise(u, v, 0.8) * 0.035 + noise(u / 9, v / 6, 3) * 0.055


def velvet(u, v):
    return noise(u, v * 0.6, 0.8) * 0.03 + noise(u / 14, v / 18, 4) * 0.08


def canvas(u, v):
    weave = np.sin(u * 2 * np.pi / 6) * np.sin(v * 2 * np.pi / 6)
    return weave * 0.05 + noise(u, v, 0.7) * 0.03


def nylon(u, v):
    grid = np.maximum(band(u, 22, 1.4), band(v, 22, 1.4))
    return grid * -0.05 + noise(u / 5, v / 5, 3) * 0.02


def fleece(u, v):
    return noise(u / 3.2, v / 3.2, 1.6) * 0.1 + noise(u, v, 0.8) * 0.03


def plush(u, v):
    sway = noise(u / 12, v / 12, 3) * 5
    return noise(u / 1.6 + sway, v / 6, 1) * 0.12 + noise(u / 10, v / 10, 3) * 0.03


def wood(u, v):
    """Long grain from left to right."""
    wave = v / 11 + noise(u / 110, v / 34, 4) * 2.1
    rings = np.sin(wave * 2 * np.pi / 2.6)
    return rings * 0.055 + noise(u / 26, v * 0.9, 0.7) * 0.04 + noise(u / 70, v / 30, 3) * 0.03


def end_grain(u, v):
    """Blocks of wood set on end."""
    block = np.floor(u / 46) * 7.3 + np.floor(v / 46) * 13.7
    tone = np.sin(block * 12.9898) * 0.07
    seam = np.maximum(band(u, 46, 1.6), band(v, 46, 1.6)) * 0.1
    return tone - seam + noise(u / 2, v / 2, 1) * 0.025


def metal(u, v):
    return noise(u / 70, v * 0.8, 0.8) * 0.035


def cast_iron(u, v):
    return noise(u, v, 0.9) * 0.035 + noise(u / 4, v / 4, 2) * 0.02


def ceramic(u, v):
    return noise(u / 25, v / 25, 4) * 0.012


def stoneware(u, v):
    freckle = (noise(u / 1.8, v / 1.8, 1) - 1.9).clip(0, 1)
    return noise(u / 8, v / 8, 3) * 0.02 - freckle * 0.45


def terracotta(u, v):
    return (
        noise(u, v, 0.9) * 0.03 + noise(u / 60, v / 6, 2) * 0.03 + noise(u / 30, v / 30, 4) * 0.04
    )


def concrete(u, v):
    pore = (noise(u / 2.2, v / 2.2, 1) - 2).clip(0, 1)
    return noise(u / 14, v / 14, 4) * 0.04 + noise(u, v, 0.9) * 0.025 - pore * 0.4


def marble(u, v):
    vein = 1 - np.abs(np.sin(u / 70 + v / 110 + noise(u / 26, v / 26, 5) * 2.2))
    return noise(u / 30, v / 30, 5) * 0.02 - (vein.clip(0, 1) ** 5) * 0.2


def rattan(u, v):
    lane = np.floor(u / 18)
    over = np.cos((v / 20 + (lane % 2) * 0.5) * 2 * np.pi)
    gap = band(u + 9, 18, 2.4) * 0.3
    return over * 0.11 - gap + noise(u / 2, v / 2, 1) * 0.03


def jute(u, v):
    row = np.floor(v / 11)
    strand = np.sin((u / 15 + (row % 2) * 0.5) * 2 * np.pi)
    return strand * 0.07 - band(v, 11, 2.2) * 0.14 + noise(u / 3, v, 0.8) * 0.05


def pile(u, v):
    row = np.sin(v * 2 * np.pi / 7)
    return row * 0.03 + noise(u / 1.5, v / 1.5, 1) * 0.06 + noise(u / 12, v / 12, 4) * 0.03


def straw(u, v):
    row = np.floor(v / 9)
    return np.sin((u / 12 + row * 0.5) * 2 * np.pi) * 0.08 - band(v, 9, 1.8) * 0.14


def mesh(u, v):
    hole = np.maximum(0, np.sin(u * 2 * np.pi / 9) * np.sin(v * 2 * np.pi / 9))
    return noise(u, v, 0.8) * 0.015 - hole * 0.16


def grille(u, v):
    """Speaker cloth: a close grid of holes."""
    hole = np.sin(u * 2 * np.pi / 7) * np.sin(v * 2 * np.pi / 7)
    return hole * 0.1 + noise(u, v, 0.8) * 0.03


def board(u, v):
    return noise(u, v, 0.8) * 0.01


def quilt(u, v):
    """Stitched rows with padding between."""
    puff = np.sqrt(np.abs(np.sin(v * np.pi / 62)))
    return (puff - 0.75) * 0.45 + noise(u / 7, v / 12, 3) * 0.035


MATERIALS: dict[str, Material] = {
    "smooth": Material(),
    "cotton": Material(cotton),
    "jersey": Material(cotton),
    "poplin": Material(cotton),
    "linen": Material(linen),
    "wool": Material(wool),
    "merino": Material(knit),
    "knit": Material(knit),
    "cashmere": Material(rib),
    "rib": Material(rib),
    "corduroy": Material(cord),
    "denim": Material(denim),
    "leather": Material(leather, gloss=0.28),
    "suede": Material(suede),
    "velvet": Material(velvet, gloss=0.16),
    "satin": Material(cotton, gloss=0.34),
    "silk": Material(cotton, gloss=0.26),
    "viscose": Material(cotton, gloss=0.08),
    "canvas": Material(canvas),
    "nylon": Material(nylon, gloss=0.14),
    "fleece": Material(fleece),
    "bouclé": Material(fleece),
    "plush": Material(plush),
    "felt": Material(wool),
    "oak": Material(wood, gloss=0.06),
    "walnut": Material(wood, gloss=0.08),
    "beech": Material(wood, gloss=0.06),
    "acacia": Material(wood, gloss=0.08),
    "bamboo": Material(wood, gloss=0.06),
    "end grain": Material(end_grain),
    "steel": Material(metal, gloss=0.6),
    "stainless steel": Material(metal, gloss=0.6),
    "aluminium": Material(metal, gloss=0.4),
    "brass": Material(metal, gloss=0.5),
    "copper": Material(metal, gloss=0.5),
    "cast iron": Material(cast_iron, gloss=0.12),
    "enamel": Material(ceramic, gloss=0.5),
    "ceramic": Material(ceramic, gloss=0.42),
    "porcelain": Material(ceramic, gloss=0.5),
    "stoneware": Material(stoneware, gloss=0.22),
    "terracotta": Material(terracotta),
    "concrete": Material(concrete),
    "marble": Material(marble, gloss=0.2),
    "glass": Material(flat, gloss=0.7),
    "rattan": Material(rattan),
    "jute": Material(jute),
    "wool pile": Material(pile),
    "straw": Material(straw),
    "mesh": Material(mesh),
    "grille": Material(grille),
    "quilted": Material(quilt, gloss=0.1),
    "plastic": Material(flat, gloss=0.36),
    "acetate": Material(flat, gloss=0.4),
    "rubber": Material(cast_iron, gloss=0.06),
    "board": Material(board),
    "paper": Material(board),
}
