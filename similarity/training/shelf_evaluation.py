"""The number of products of other departments on shelves: filled, and with a floor."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.encoders.base import Encoded, FloatArray
from similarity.encoders.fusion import Fusion
from similarity.encoders.registry import get_encoders
from similarity.exceptions import ConfigurationError
from similarity.models import EncoderVersion
from similarity.models.vectors import category_number, department_of
from similarity.similar.floor import Floor
from similarity.similar.hits import Candidate
from similarity.similar.shelves import similar_to
from similarity.training.datasets import Dataset, load_dataset
from similarity.training.metrics import neighbours
from similarity.training.vector_cache import VectorCache
from similarity.versions import floors

#: Products evaluated, and hits on the shelf of each.
PRODUCTS, LIMIT = 150, 8
SEED = 1
#: Neighbours from which a data set's shelf is chosen.
DEPTH = 200


@dataclass(frozen=True)
class Shelves:
    """``hits``: for each evaluated product, the categories' paths on its shelf."""

    name: str
    own: Sequence[str]
    hits: Sequence[Sequence[str]]

    def figures(self) -> dict[str, float]:
        pairs = [(own, one) for own, hits in zip(self.own, self.hits, strict=True) for one in hits]
        foreign = [department_of(own) != department_of(one) for own, one in pairs]
        same = [own == one for own, one in pairs]
        touched = [
            any(department_of(own) != department_of(one) for one in hits)
            for own, hits in zip(self.own, self.hits, strict=True)
        ]
        return {
            "foreign departments": _mean(foreign),
            "shelves with any": _mean(touched),
            "same category": _mean(same),
            "hits a shelf": _mean([len(hits) for hits in self.hits]),
            "empty shelves": _mean([not hits for hits in self.hits]),
        }


@dataclass(frozen=True)
class ShelfEvaluation:
    name: str
    rows: Sequence[Shelves]

    def as_json(self) -> dict[str, Any]:
        return {"dataset": self.name, "shelves": {row.name: row.figures() for row in self.rows}}

    def text(self) -> str:
        """Return a table with a row for each way of making shelves."""
        names = list(self.rows[0].figures())
        lines = [f"{self.name}: {len(self.rows[0].own)} shelves of {LIMIT} at most"]
        lines.append(f"{'':8}" + "".join(f"{name:>22}" for name in names))
        for row in self.rows:
            figures = row.figures().values()
            lines.append(f"{row.name:8}" + "".join(f"{figure:22.3f}" for figure in figures))
        return "\n".join(lines)


def run(dataset: str | None, data_dir: Path, cache: Path, limit: int | None) -> ShelfEvaluation:
    """Evaluate this shop's eligible products, or a data set; ``limit`` keeps only the first.

    Raises :class:`ConfigurationError` if no category is known.
    """
    if dataset is None:
        return of_shop(limit or PRODUCTS)
    loaded = load_dataset(dataset, data_dir, limit)
    vectors = VectorCache(cache / loaded.name)
    with tqdm(total=len(loaded.contents), desc=loaded.name, unit="", disable=None) as bar:
        return of_dataset(loaded, vectors.encode(get_encoders(), loaded.contents, bar.update))


def of_shop(products: int) -> ShelfEvaluation:
    """Evaluate shelves of ``products`` random products as pages would show them."""
    keys = list(get_adapter().eligible().order_by("pk").values_list("pk", flat=True))
    asked = _drawn(keys, products)
    found = {
        fill: {key: [hit.key for hit in similar_to(key, LIMIT, fill=fill)] for key in asked}
        for fill in (True, False)
    }
    shown = {key for shelves in found.values() for hits in shelves.values() for key in hits}
    paths = {
        content.key: content.attributes.get("category", "")
        for content in get_adapter().read_content({*map(str, asked), *shown})
    }
    _require_categories(list(paths.values()))
    return ShelfEvaluation(
        "this shop",
        [
            Shelves(
                name,
                [paths[str(key)] for key in asked],
                [[paths[one] for one in found[fill][key] if one in paths] for key in asked],
            )
            for name, fill in (("filled", True), ("floor", False))
        ],
    )


def of_dataset(dataset: Dataset, parts: Mapping[str, Encoded]) -> ShelfEvaluation:
    """Evaluate shelves of random products of a catalogue, unknown to encoders by category."""
    _require_categories(dataset.paths)
    fused = Fusion.fit(parts, conf.weights(), conf.dimensions()).fuse(parts).vectors
    found = neighbours(fused, dataset.groups, DEPTH)
    floor = Floor(EncoderVersion(floor=_learned(dataset, fused, found)))
    heights = floor.heights({"fused": 1.0}, "cosine")
    numbers = [category_number(path) for path in dataset.paths]
    asked = _drawn([at for at, path in enumerate(dataset.paths) if path], PRODUCTS)

    def hits(at: int, *, fill: bool) -> list[str]:
        near = [int(one) for one in found[at] if one >= 0]
        scores = (1 + fused[near] @ fused[at]) / 2
        return [
            dataset.paths[one]
            for one, score in zip(near, scores, strict=True)
            if fill or floor.admits([numbers[at]], Candidate(one, "", score, numbers[one]), heights)
        ][:LIMIT]

    own = [dataset.paths[at] for at in asked]
    return ShelfEvaluation(
        dataset.name,
        [
            Shelves(name, own, [hits(at, fill=fill) for at in asked])
            for name, fill in (("filled", True), ("floor", False))
        ],
    )


def _learned(dataset: Dataset, fused: FloatArray, found: Any) -> dict[str, Any]:
    """Learn the floor as :func:`similarity.versions.floors.learn` does from a shop's tables."""
    numbers = np.array([category_number(path) for path in dataset.paths])
    some = np.array(_drawn(list(range(len(fused))), floors.SAMPLE))
    sample = floors.Sample(
        some.tolist(),
        np.array(dataset.groups, dtype=object)[some],
        numbers[some],
        {"fused": fused[some]},
    )
    pairs = [
        ({"fused": fused[at]}, {"fused": fused[one]})
        for at in some[: floors.ASKED]
        for one in found[at, : floors.NEIGHBOURS]
        if one >= 0
    ]
    names = dict(zip(numbers.tolist(), dataset.paths, strict=True))
    known = [number for number in names if number]
    categories = floors.Categories(
        known,
        np.array([(numbers == number).sum() for number in known]),
        np.stack([fused[numbers == number].mean(axis=0) for number in known]),
    )
    return floors.learned_from(sample, pairs, categories, names, set())


def _drawn(keys: list[Any], most: int) -> list[Any]:
    """Return at most ``most`` random keys, the same in each call."""
    return keys if len(keys) <= most else random.Random(SEED).sample(keys, most)  # noqa: S311


def _require_categories(paths: Sequence[str]) -> None:
    if len(set(paths) - {""}) < 2:
        raise ConfigurationError(
            "Fewer than two categories are known here, so no product has another category; map "
            "SIMILARITY['CATALOG']['attributes']['category'], or name a --dataset that has types."
        )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
