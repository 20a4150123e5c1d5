"""Evaluate how well a hidden item of a later basket is found from its other items.

Baskets are split by time. The first 64 % and the next 16 % choose among blends and among the
settings of the peers. Then the first 80 % are counted and the last 20 % are tested, once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.evaluation.copurchase_blends import DEFAULT, MEASURES, Blend, Pairs, sure
from benchmarks.evaluation.copurchase_datasets import load_baskets, slice_of
from benchmarks.evaluation.copurchase_peers import NEIGHBOURS, PEERS, summed
from benchmarks.evaluation.copurchase_report import CopurchaseEvaluation, Row
from benchmarks.evaluation.hidden_items import Hidden, Recommender, hide, judge, matrix
from similarity import conf
from similarity.exceptions import ConfigurationError
from similarity.orders.counting import scores
from similarity.orders.counting.engine import Baskets

TRAIN, VALIDATION = 0.8, 0.64
DRAWS, SEED = 3, 20

#: Days and items that mean "no limit".
NEVER, ANY_SIZE = 1e9, 10**6


def run(
    dataset: str | None, data_dir: Path, cache: Path, limit: int | None
) -> CopurchaseEvaluation:
    """Evaluate ``dataset``, online-retail or groceries; ``limit`` keeps only the latest baskets.

    Raises :class:`ConfigurationError` for another data set and for a data set that is too small to
    split.
    """
    name = dataset or "online-retail"
    baskets = load_baskets(name, data_dir, limit)
    count = len(baskets.day)
    cut, earlier = int(TRAIN * count), int(VALIDATION * count)
    asked = hide(slice_of(baskets, cut), DRAWS, SEED)
    checked = hide(slice_of(baskets, earlier, cut), DRAWS, SEED)
    if not len(asked.item) or not len(checked.item):
        raise ConfigurationError(
            f"{name} has {count} baskets here, too few to split by time; raise --limit."
        )
    past = slice_of(baskets, 0, earlier)
    chosen = [_row(title, how, checked) for title, how in _choices(past)]
    tuned = _tune(past, checked)
    rows = list(_test_rows(slice_of(baskets, 0, cut), asked, tuned))
    return CopurchaseEvaluation(name, count, baskets.items, len(asked.item), chosen, rows)


def _row(title: str, recommend: Recommender, asked: Hidden, *, ours: bool = False) -> Row:
    return Row(title, judge(recommend, asked), ours)


def _choices(past: Baskets) -> Iterator[tuple[str, Recommender]]:
    """Yield variants with one change each; the validation slice judges them."""
    pairs = Pairs(past)
    yield "default: cosine × LLR, rarity, shared word", pairs.recommender(DEFAULT)
    for title, blend in _BLENDS.items():
        yield title, pairs.recommender(blend)
    yield "pairs of any number of shoppers", pairs.recommender(DEFAULT, min_shoppers=1)
    for days in (45.0, 90.0, 365.0, NEVER):
        title = "no decay" if days == NEVER else f"half-life {days:.0f} days"
        yield title, Pairs(past, half_life_days=days).recommender(DEFAULT)
    for most in (50, 200, ANY_SIZE):
        title = "baskets of any size" if most == ANY_SIZE else f"baskets of at most {most} items"
        yield title, Pairs(past, max_basket=most).recommender(DEFAULT)


_BLENDS = {
    "cosine": Blend(MEASURES["cosine"]),
    "log-likelihood ratio (LLR)": Blend(MEASURES["log-likelihood ratio"]),
    "cosine × √LLR": Blend(sure(0.5)),
    "cosine × LLR^1.5": Blend(sure(1.5)),
    "cart: sum": Blend(scores.strength, rarity=0.0, spread=0.0),
    "cart: largest": Blend(scores.strength, rarity=0.0, spread=0.0, largest=True),
    "cart: rarity alone": Blend(scores.strength, rarity=1.0, spread=0.0),
    "cart: shared word alone": Blend(scores.strength, rarity=0.0),
    "cart: word shared by the root": Blend(scores.strength, spread=0.5),
    "cart: word shared wholly": Blend(scores.strength, spread=1.0),
}


class _Setting(NamedTuple):
    """A setting of a peer; ``most`` is the largest basket it is fitted on."""

    neighbours: int
    most: int

    def __str__(self) -> str:
        size = "" if self.most == ANY_SIZE else f", baskets ≤ {self.most}"
        return f"K={self.neighbours}{size}"


def _tune(past: Baskets, checked: Hidden) -> dict[str, _Setting]:
    """Return each peer's best setting on the validation slice."""
    settings = [
        _Setting(neighbours, most)
        for neighbours in NEIGHBOURS
        for most in (ANY_SIZE, conf.default("ORDERS", "MAX_BASKET"))
    ]
    train = matrix(past)
    best = {}
    for name in PEERS:
        found = {s: judge(_fitted(name, train, s), checked) for s in _of(name, settings)}
        best[name] = max(found, key=lambda setting: found[setting].ndcg_at_10)
    return best


def _of(name: str, settings: list[_Setting]) -> list[_Setting]:
    """Return the settings of a peer; rules have no neighbours to choose."""
    return [one for one in settings if name != "rusket rules" or one.neighbours == NEIGHBOURS[0]]


def _fitted(name: str, train: Any, setting: _Setting) -> Recommender:
    size = np.diff(train.indptr)
    return PEERS[name](train[size <= setting.most], setting.neighbours)


def _test_rows(train: Baskets, asked: Hidden, tuned: dict[str, _Setting]) -> Iterator[Row]:
    table, pairs = matrix(train), Pairs(train)
    sold = np.asarray(table.sum(axis=0)).ravel()
    yield _row("popularity", lambda carts: np.tile(sold, (carts.shape[0], 1)), asked)
    for title, measure in MEASURES.items():
        yield _row(f"{title}, summed", summed(pairs.similarity(measure)), asked)
    for name, setting in tuned.items():
        usual = _Setting(NEIGHBOURS[0], ANY_SIZE)
        if name != "rusket rules":
            yield _row(f"{name}, as it comes", _fitted(name, table, usual), asked)
        best = _fitted(name, table, setting)
        yield _row(f"{name}, best ({_shown(name, setting)})", best, asked)
    fewest = conf.default("ORDERS", "MIN_SHOPPERS")
    yield _row(f"similarity, MIN_SHOPPERS={fewest} (default)", pairs.served(), asked, ours=True)
    yield _row("similarity, MIN_SHOPPERS=1", pairs.served(1), asked, ours=True)


def _shown(name: str, setting: _Setting) -> str:
    if name != "rusket rules":
        return str(setting)
    return "all baskets" if setting.most == ANY_SIZE else f"baskets ≤ {setting.most}"
