"""Which function draws which kind of product, and how it is photographed."""

from collections.abc import Callable
from dataclasses import dataclass

from shop.seed.drawing import (
    audio,
    bags,
    blocks,
    boots,
    cameras,
    chairs,
    cookware,
    dresses,
    eyewear,
    hats,
    home,
    knitwear,
    lamps,
    outdoor,
    outerwear,
    plush,
    puzzles,
    sandals,
    scarves,
    sofas,
    tables,
    tableware,
    tops,
    trainers,
    watches,
)
from shop.seed.drawing.canvas import Canvas
from shop.seed.drawing.look import Look


@dataclass(frozen=True)
class Drawing:
    """``focus``: (x, y, zoom) of the close-up; ``zoom``: of the front view. ``floor``: where
    the floor begins in the second view, 0–1 from the top; a product without one lies flat,
    and ``turns`` in that view unless told otherwise."""

    paint: Callable[[Canvas, Look], None]
    focus: tuple[float, float, float]
    zoom: float = 1.0
    floor: float | None = None
    turns: bool = True


DRAWINGS: dict[str, Drawing] = {
    "dress": Drawing(dresses.dress, (500, 270, 2.3), zoom=1.06),
    "skirt": Drawing(dresses.skirt, (520, 320, 2.2), zoom=1.15),
    "t-shirt": Drawing(tops.t_shirt, (520, 270, 2.3), zoom=1.18),
    "shirt": Drawing(tops.shirt, (520, 260, 2.4), zoom=1.14),
    "knitwear": Drawing(knitwear.knitwear, (520, 280, 2.4), zoom=1.16),
    "jacket": Drawing(outerwear.jacket, (520, 270, 2.3), zoom=1.12),
    "trousers": Drawing(outerwear.trousers, (530, 240, 2.4), zoom=1.06),
    "trainers": Drawing(trainers.trainers, (420, 600, 2.2), floor=0.62),
    "boots": Drawing(boots.boots, (380, 560, 2.0), floor=0.62),
    "sandals": Drawing(sandals.sandals, (480, 650, 2.0), floor=0.62),
    "tote bag": Drawing(bags.tote_bag, (520, 470, 2.2), floor=0.7),
    "backpack": Drawing(bags.backpack, (540, 400, 2.1), floor=0.7),
    "crossbody bag": Drawing(bags.crossbody_bag, (520, 600, 2.2), zoom=1.1, floor=0.66),
    "watch": Drawing(watches.watch, (500, 500, 2.3)),
    "sunglasses": Drawing(eyewear.sunglasses, (640, 490, 2.2), zoom=1.06),
    "hat": Drawing(hats.hat, (500, 520, 2.0), zoom=1.08),
    "scarf": Drawing(scarves.scarf, (500, 480, 2.2)),
    "chair": Drawing(chairs.chair, (500, 560, 2.0), floor=0.72),
    "sofa": Drawing(sofas.sofa, (330, 560, 2.2), zoom=1.02, floor=0.62),
    "table": Drawing(tables.table, (640, 500, 2.0), floor=0.68),
    "lamp": Drawing(lamps.lamp, (500, 380, 1.8), floor=0.76),
    "rug": Drawing(home.rug, (330, 420, 2.4), zoom=1.08),
    "cushion": Drawing(home.cushion, (340, 380, 2.3)),
    "plant pot": Drawing(home.plant_pot, (500, 660, 2.1), floor=0.74),
    "mug": Drawing(tableware.mug, (520, 440, 2.1), floor=0.68),
    "pan": Drawing(cookware.pan, (440, 470, 2.0), turns=False),
    "knife": Drawing(cookware.knife, (440, 540, 2.2), zoom=1.2),
    "chopping board": Drawing(cookware.chopping_board, (440, 330, 2.2)),
    "plate set": Drawing(tableware.plate_set, (440, 560, 2.2), turns=False),
    "teapot": Drawing(tableware.teapot, (460, 520, 2.1), floor=0.68),
    "plush toy": Drawing(plush.plush_toy, (500, 400, 2.0), floor=0.74),
    "building blocks": Drawing(blocks.building_blocks, (460, 600, 2.1), floor=0.7),
    "puzzle": Drawing(puzzles.puzzle, (560, 480, 2.2), zoom=1.08),
    "headphones": Drawing(audio.headphones, (300, 600, 2.1)),
    "speaker": Drawing(audio.speaker, (460, 560, 2.1), floor=0.7),
    "camera": Drawing(cameras.camera, (500, 560, 2.2), floor=0.66),
    "tent": Drawing(outdoor.tent, (520, 560, 2.0), floor=0.62),
    "sleeping bag": Drawing(outdoor.sleeping_bag, (520, 380, 2.2)),
    "water bottle": Drawing(outdoor.water_bottle, (500, 480, 2.1), floor=0.74),
}
