"""Read baskets of public data sets in the order of time."""

import csv
import gzip
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.evaluation.retail_orders import read_online_retail
from similarity.exceptions import ConfigurationError
from similarity.orders.counting.engine import Baskets


def load_baskets(name: str, data_dir: Path, limit: int | None = None) -> Baskets:
    """Return the baskets of ``name`` in ``data_dir``, oldest first; ``limit`` keeps the latest.

    Raises :class:`ConfigurationError` for another name, and for a missing file or a file of another
    form.
    """
    if name not in READERS:
        raise ConfigurationError(
            f"There are no baskets {name!r}; choose one of {', '.join(READERS)}."
        )
    baskets = by_time(READERS[name](data_dir / name))
    return slice_of(baskets, max(len(baskets.day) - limit, 0)) if limit else baskets


def by_time(baskets: Baskets) -> Baskets:
    """Return the same baskets sorted by day, in their former order within a day."""
    order = np.argsort(baskets.day, kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    line = np.lexsort((baskets.item, rank[baskets.basket]))
    return Baskets(
        basket=rank[baskets.basket][line],
        item=baskets.item[line],
        shopper=baskets.shopper[order],
        day=baskets.day[order],
        items=baskets.items,
    )


def slice_of(baskets: Baskets, start: int, stop: int | None = None) -> Baskets:
    """Return baskets ``start`` (included) to ``stop`` (excluded)."""
    end = len(baskets.day) if stop is None else stop
    low, high = np.searchsorted(baskets.basket, (start, end))
    return Baskets(
        basket=baskets.basket[low:high] - np.int32(start),
        item=baskets.item[low:high],
        shopper=baskets.shopper[start:end],
        day=baskets.day[start:end],
        items=baskets.items,
    )


def _online_retail(folder: Path) -> Baskets:
    return read_online_retail(folder).baskets_until(date.max)[0]


def _groceries(folder: Path) -> Baskets:
    """Return a month's receipts, which have no dates or customers.

    Each receipt has its own shopper, and all have the same day.
    """
    path = folder / "baskets.csv.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            read = [(int(row["basket_id"]), int(row["item_id"])) for row in csv.DictReader(file)]
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no {str(path)!r}; name the folder of data sets by --data-dir or "
            "SIMILARITY_DATA_DIR."
        ) from error
    except (KeyError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be read ({type(error).__name__}: {error}); it needs the columns "
            "basket_id and item_id."
        ) from error
    lines = np.unique(np.array(read, np.int64).reshape(-1, 2), axis=0)
    kept, basket = np.unique(lines[:, 0], return_inverse=True)
    items, item = np.unique(lines[:, 1], return_inverse=True)
    return Baskets(
        basket=basket.astype(np.int32),
        item=item.astype(np.int32),
        shopper=np.arange(len(kept), dtype=np.int64),
        day=np.zeros(len(kept), np.int32),
        items=len(items),
    )


READERS: Mapping[str, Callable[[Path], Baskets]] = {
    "online-retail": _online_retail,
    "groceries": _groceries,
}
