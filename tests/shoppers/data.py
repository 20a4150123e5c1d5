"""Interactions made by hand."""

from collections.abc import Sequence

import numpy as np

from similarity.events.models import Kind
from similarity.shoppers.artefact import shapes
from similarity.shoppers.interactions import Interactions
from similarity.shoppers.training.splits import History

DAY_S = 86_400


def make_interactions(
    sequences: Sequence[Sequence[int]],
    times: Sequence[Sequence[int]] | None = None,
    items: int | None = None,
    content: np.ndarray | None = None,
) -> Interactions:
    """Return the views of a shopper for each sequence; by default one each second from 0."""
    flat = [item for sequence in sequences for item in sequence]
    count = items or max(flat) + 1
    seconds = times or [range(len(sequence)) for sequence in sequences]
    return Interactions(
        shoppers=np.repeat(np.arange(len(sequences)), [len(s) for s in sequences]).astype(np.int32),
        items=np.array(flat, dtype=np.int32),
        kinds=np.full(len(flat), Kind.VIEW, dtype=np.int8),
        times=np.array([at for each in seconds for at in each], dtype=np.int64),
        content=np.zeros((count, 2), dtype=np.float32) if content is None else content,
        names=[str(number) for number in range(count)],
    )


def make_history(*items: int) -> History:
    return History(
        np.array(items, dtype=np.int32),
        np.full(len(items), Kind.VIEW, dtype=np.int8),
        np.arange(len(items), dtype=np.int64),
    )


def checkerboard(shoppers: int = 60, items: int = 20, length: int = 7, seed: int = 0):
    """Return shoppers who each met ``length`` random items of one colour: even or odd numbers.

    The right answer to a history is every other item of its colour. The content of an item says
    its colour and nothing else.
    """
    random = np.random.default_rng(seed)
    sequences = [
        random.permutation(np.arange(shopper % 2, items, 2))[:length] for shopper in range(shoppers)
    ]
    return make_interactions(
        [list(map(int, sequence)) for sequence in sequences],
        items=items,
        content=np.eye(2, dtype=np.float32)[np.arange(items) % 2],
    )


def random_weights(config, seed: int = 0) -> dict[str, np.ndarray]:
    """Return weights of a sequence model's shape, without those of its items."""
    random = np.random.default_rng(seed)
    return {
        name: random.normal(0, 0.3, shape).astype(np.float32)
        for name, shape in shapes(config).items()
    }


def cycle(shoppers: int = 200, items: int = 20, length: int = 8, seed: int = 0):
    """Return shoppers who walk in a circle: after item i comes i + 1. The next item is certain."""
    random = np.random.default_rng(seed)
    begins = random.integers(0, items, shoppers)
    return make_interactions(
        [[int(begin + step) % items for step in range(length)] for begin in begins], items=items
    )
