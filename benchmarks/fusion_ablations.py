"""Measure the value of each step of the fusion and of the colour part by changing it.

    python benchmarks/fusion_ablations.py                       # every question
    python benchmarks/fusion_ablations.py --question dimensions --dataset luma

Each question prints a table. Its first row is the part or the fused vector with default settings;
each other row has one change. Figures are shares of similar products among the ten nearest, as
`manage.py similarity evaluate` counts them. Vectors are kept in its cache, so a second run encodes
no texts or photos. No database and no server is used.
"""

import argparse
import itertools
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import django
import numpy as np
from django.conf import settings
from machine import machine
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from similarity import conf
from similarity.catalog.content import ProductContent
from similarity.encoders import colour, foreground
from similarity.encoders.base import Encoded, FloatArray
from similarity.encoders.colour import ColourEncoder
from similarity.encoders.fusion import UNREDUCED, Fusion, Projection, _principal_axes
from similarity.encoders.registry import get_encoders
from similarity.exceptions import SimilarityError
from similarity.training.datasets import FORMATS, Dataset, load_dataset
from similarity.training.evaluation import judge
from similarity.training.vector_cache import VectorCache

Figures = dict[str, float]  # heading → share
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Reduction:
    """The reduction of a part; the defaults are those of :meth:`Fusion.fit`.

    ``whiten``: each axis is divided by its deviation to this power; 1 is whitening.
    """

    centred: bool = True
    axes_left_out: int = 0
    whiten: float = 0.0

    def fit(self, rows: FloatArray, width: int) -> Projection:
        """Return the projection of unit rows (N, D) onto ``width`` axes, or as many as exist."""
        if not self.centred:
            rows = np.concatenate([rows, -rows])  # their mean is zero, their axes are the rows'
        found = _principal_axes(rows, min(width + self.axes_left_out, rows.shape[1]))
        axes = found.axes[:, self.axes_left_out :]
        if self.whiten:
            deviation = ((rows - found.mean) @ axes).std(axis=0)
            axes = axes / np.maximum(deviation, 1e-6) ** self.whiten
        return Projection(found.mean, axes)


@dataclass(frozen=True)
class Trial:
    """A row of a table: the change, and whether to judge a part ``alone``."""

    name: str
    reductions: Mapping[str, Reduction] = field(default_factory=dict)
    dimensions: Mapping[str, int] = field(default_factory=dict)
    alone: str | None = None
    colour: str | None = None  # one of COLOUR_CHANGES

    def vectors(self, parts: Mapping[str, Encoded]) -> FloatArray:
        """Return the fused rows; for a part ``alone``, its reduced rows."""
        given = {self.alone: parts[self.alone]} if self.alone else parts
        return self._fusion(given).fuse(given).vectors

    def _fusion(self, parts: Mapping[str, Encoded]) -> Fusion:
        dimensions, weights = conf.dimensions() | self.dimensions, conf.weights()
        projections = {
            part: self.reductions.get(part, Reduction()).fit(
                encoded.vectors[encoded.present], dimensions[part]
            )
            for part, encoded in parts.items()
            if part not in UNREDUCED
        }
        widths = {
            part: projections[part].axes.shape[1]
            if part in projections
            else encoded.vectors.shape[1]
            for part, encoded in parts.items()
        }
        total = sum(weights[part] for part in parts)
        shares = {part: weights[part] / total for part in parts}
        return Fusion(projections, widths, shares, len(next(iter(parts.values())).vectors))


REDUCED = ("text", "image", "colour")


def everywhere(reduction: Reduction, parts: Iterable[str] = REDUCED) -> dict[str, Reduction]:
    return dict.fromkeys(parts, reduction)


NOT_CENTRED = Reduction(centred=False)


def whole_photo(lab: FloatArray, alpha: object = None) -> FloatArray:
    return np.ones(lab.shape[:2], dtype=np.float32)


def flat(mask: np.ndarray) -> FloatArray:
    return np.ones(mask.shape, dtype=np.float32)


#: Change → module, name in it, and its replacement while colours are read.
COLOUR_CHANGES: dict[str, tuple[Any, str, object]] = {
    "the whole photo": (colour, "pixel_weights", whole_photo),
    "outline not closed": (foreground, "_between_edges", lambda mask: mask),
    "no bell over the middle": (foreground, "_centre", flat),
    "palette of 3 CIELAB units (6 as it is)": (colour, "_SHARPNESS", 3.0),
    "palette of 10 units": (colour, "_SHARPNESS", 10.0),
    "palette of 15 units": (colour, "_SHARPNESS", 15.0),
}


TRIALS: dict[str, Sequence[Trial]] = {
    "centring": [
        Trial(AS_IT_IS),
        Trial("no part centred", everywhere(NOT_CENTRED)),
        *(Trial(f"{part} not centred", {part: NOT_CENTRED}) for part in REDUCED),
        *(
            trial
            for part in REDUCED
            for trial in (
                Trial(f"{part} alone, as it is", alone=part),
                Trial(f"{part} alone, not centred", {part: NOT_CENTRED}, alone=part),
            )
        ),
    ],
    "whitening": [
        Trial(AS_IT_IS),
        Trial("each axis ÷ √deviation", everywhere(Reduction(whiten=0.5))),
        Trial("each axis ÷ deviation", everywhere(Reduction(whiten=1.0))),
    ],
    "leading-axes": [
        Trial(AS_IT_IS),
        *(
            Trial(f"without the first two of {name}", everywhere(Reduction(axes_left_out=2), parts))
            for name, parts in (
                ("text", ["text"]),
                ("image", ["image"]),
                ("text and image", ["text", "image"]),
            )
        ),
    ],
    "dimensions": [
        Trial(
            f"{text} of text, {image} of image{note}",
            dimensions={"text": text, "image": image},
        )
        for text, image, note in (
            (128, 128, ", as it is"),
            (32, 32, ""),
            (64, 64, ""),
            (160, 192, ""),
            (192, 320, ""),
            (384, 1280, ": all there are"),
        )
    ],
    "colour": [Trial(AS_IT_IS), *(Trial(change, colour=change) for change in COLOUR_CHANGES)],
}

Column = tuple[str | None, str]  # a part alone, or None for the trial's own vectors; label
COLUMNS: dict[str, Sequence[Column]] = {
    "colour": [("colour", "colour"), (None, "colour"), (None, "all")]
}


class ChangedColourEncoder(ColourEncoder):
    """The colour encoder with one active entry of ``COLOUR_CHANGES``."""

    def __init__(self, change: str) -> None:
        super().__init__()
        self._change = change

    @property
    def signature(self) -> str:
        return f"{super().signature}, {self._change}"

    def encode(self, contents: Sequence[ProductContent]) -> Encoded:
        module, name, value = COLOUR_CHANGES[self._change]
        with mock.patch.object(module, name, value):
            return super().encode(contents)


def main() -> None:
    options = arguments()
    settings.configure(SIMILARITY={"WORKERS": {"DEVICE": options.device}}, INSTALLED_APPS=[])
    django.setup()
    started = time.perf_counter()
    try:
        catalogues = [encoded(name, options) for name in options.dataset or ["myntra", "luma"]]
    except SimilarityError as error:
        sys.exit(f"fusion_ablations.py: {error}")
    for question in options.question or TRIALS:
        print(f"\n{question}\n\n{table(answer(question, catalogues))}", flush=True)
    print(f"\n{machine()}; {time.perf_counter() - started:.0f} s")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument(
        "--question",
        action="append",
        choices=list(TRIALS),
        help="answer this one only; several times for several",
    )
    parser.add_argument(
        "--dataset",
        action="append",
        help=f"{', '.join(FORMATS)}, or a folder as `manage.py similarity evaluate` reads it; "
        "several times for several (myntra and luma)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("SIMILARITY_DATA_DIR") or "../shared/data"),
        help="the folder the named catalogues are in (SIMILARITY_DATA_DIR)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=cache / "django-similarity",
        help="where vectors are kept between runs (~/.cache/django-similarity)",
    )
    parser.add_argument("--limit", type=int, help="only the first so many products")
    parser.add_argument("--device", default="auto", help="auto, cpu, mps, cuda or cuda:0")
    return parser.parse_args()


Catalogue = tuple[Dataset, dict[str, Encoded]]


def encoded(name: str, options: argparse.Namespace) -> Catalogue:
    """Return the catalogue and its part vectors; changed colour parts are named by their change."""
    dataset = load_dataset(name, options.data_dir, options.limit)
    encoders = get_encoders()
    if not options.question or "colour" in options.question:
        encoders |= {change: ChangedColourEncoder(change) for change in COLOUR_CHANGES}
    cache = VectorCache(options.cache / dataset.name)
    with tqdm(total=len(dataset.contents), desc=dataset.name, unit="", disable=None) as bar:
        return dataset, cache.encode(encoders, dataset.contents, bar.update)


def answer(question: str, catalogues: Sequence[Catalogue]) -> dict[str, Figures]:
    """Return row → heading → share; each catalogue has its own columns."""
    trials, columns = TRIALS[question], COLUMNS.get(question, [(None, "type"), (None, "all")])
    rows: dict[str, Figures] = {trial.name: {} for trial in trials}
    steps = list(itertools.product(catalogues, trials))
    for (dataset, parts), trial in tqdm(steps, desc=question, unit="", disable=None):
        rows[trial.name] |= figures(trial, columns, dataset, parts)
    return rows


def figures(
    trial: Trial, columns: Sequence[Column], dataset: Dataset, parts: Mapping[str, Encoded]
) -> Figures:
    given = {part: parts[part] for part in get_encoders()}
    if trial.colour:
        given["colour"] = parts[trial.colour]
    found: Figures = {}
    several = len({alone for alone, _ in columns}) > 1
    for alone in dict.fromkeys(alone for alone, _ in columns):
        judged = replace(trial, alone=alone or trial.alone)
        shares = judge(trial.name, judged.vectors(given), dataset).shares
        for label in (label for part, label in columns if part == alone and label in shares):
            what = f", {alone} alone" if alone else ", fused" * several
            found[f"{dataset.name} {label}{what}"] = shares[label].precision
    return found


def table(rows: Mapping[str, Figures]) -> str:
    """Return a Markdown table, with a dash if a catalogue gives no value."""
    headings = list(dict.fromkeys(heading for row in rows.values() for heading in row))
    lines = [["", *headings], ["---"] * (1 + len(headings))]
    for name, row in rows.items():
        lines.append([name, *(f"{row[h]:.3f}" if h in row else "–" for h in headings)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
