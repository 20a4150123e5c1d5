"""Packs of public data as interactions: sequences without times, and orders with times.

A pack of sequences is a text file with a shopper and their items a line, in the order of time, and
beside it ``NAME_item2attributes.json``. The content of an item is the TF-IDF of its attributes,
reduced by SVD: in a shop its fused vector stands there.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from similarity.shoppers.interactions import Interactions

SEQUENCES = {"beauty": "beauty/Beauty.txt", "lastfm": "lastfm/LastFM.txt"}
#: Name → file, and its columns of shopper, item and time.
ORDERS = {
    "online-retail": (
        "online-retail/online_retail.csv.gz",
        ("CustomerID", "StockCode", "InvoiceDate"),
    ),
    "drugstore": ("drugstore/order_lines.csv.gz", ("customer_id", "item_id", "ordered_at")),
    "greengrocer": ("greengrocer/order_lines.csv.gz", ("customer_id", "item_id", "ordered_at")),
}
PACKS = [*SEQUENCES, *ORDERS]
CONTENT_DIM = 128


def load_pack(name: str, folder: Path, content_dim: int = CONTENT_DIM) -> Interactions:
    """Return the pack of that name in ``folder``, or the file of sequences at the path ``name``."""
    if name in ORDERS:
        file, columns = ORDERS[name]
        return load_orders(folder / file, columns, content_dim)
    return load_sequences(
        folder / SEQUENCES[name] if name in SEQUENCES else Path(name), content_dim
    )


def load_sequences(path: Path, content_dim: int) -> Interactions:
    """Return sequences whose times are not known: each shopper's events are equally far apart."""
    lines = path.read_text().splitlines()
    walks = [np.array(line.split()[1:], dtype=np.int32) - 1 for line in lines if line.strip()]
    sizes = [len(walk) for walk in walks]
    items = np.concatenate(walks)
    count = int(items.max()) + 1
    attributes = path.with_name(f"{path.stem}_item2attributes.json")
    found = json.loads(attributes.read_text()) if attributes.exists() else {}
    words = [[str(word) for word in found.get(str(item + 1), [])] for item in range(count)]
    return Interactions(
        shoppers=np.repeat(np.arange(len(walks)), sizes).astype(np.int32),
        items=items,
        kinds=np.ones(len(items), np.int8),
        times=np.zeros(len(items), np.int64),
        content=content_of(words, content_dim),
        names=[str(item + 1) for item in range(count)],
    )


def load_orders(path: Path, columns: tuple[str, str, str], content_dim: int) -> Interactions:
    """Return purchases with their times; the words about an item are its content."""
    import pandas as pd

    lines = pd.read_csv(path, dtype=dict.fromkeys(columns, str)).dropna(subset=list(columns))
    shopper, item, at = columns
    lines["at"] = pd.to_datetime(lines[at]).astype("datetime64[s]").astype("int64")
    lines["number"], names = pd.factorize(lines[item], sort=True)
    lines["shopper"] = pd.factorize(lines[shopper], sort=True)[0]
    kept = lines.drop_duplicates(["shopper", "number", "at"])
    kept = kept.sort_values(["shopper", "at", "number"], kind="stable")
    return Interactions(
        shoppers=kept["shopper"].to_numpy(np.int32),
        items=kept["number"].to_numpy(np.int32),
        kinds=np.full(len(kept), 4, np.int8),
        times=kept["at"].to_numpy(np.int64),
        content=content_of(_words(path, lines, item, list(names)), content_dim),
        names=list(names),
    )


def _words(path: Path, lines: Any, item: str, names: list[str]) -> list[list[str]]:
    """Return the words about each item, from products.csv beside the orders, or from the orders."""
    import pandas as pd

    products = path.with_name("products.csv")
    if products.exists():
        table = pd.read_csv(products, dtype=str).fillna("").set_index(item)
        texts = table.drop(columns="median_price").agg(" ".join, axis=1)
    else:
        texts = lines.dropna(subset="Description").groupby(item)["Description"].first()
    found = texts.to_dict()
    return [found.get(name, "").lower().split() for name in names]


def content_of(words: list[list[str]], content_dim: int) -> Any:
    """Return (I, content_dim) unit rows: TF-IDF of each item's words, reduced by SVD."""
    if not content_dim:
        return np.zeros((len(words), 0), np.float32)
    from scipy import sparse
    from sklearn.utils.extmath import randomized_svd

    vocabulary: dict[str, int] = {}
    places = [
        [vocabulary.setdefault(word, len(vocabulary)) for word in set(each)] for each in words
    ]
    rows = np.repeat(np.arange(len(words)), [len(each) for each in places])
    columns = np.array([place for each in places for place in each], dtype=np.int64)
    found = np.bincount(columns, minlength=max(len(vocabulary), 1))
    weights = np.log((1 + len(words)) / (1 + found))[columns] + 1
    shape = (len(words), max(len(vocabulary), 1))
    table = sparse.csr_matrix((weights, (rows, columns)), shape)
    most = min(content_dim, min(shape) - 1)
    left, values, _right = randomized_svd(table, most, random_state=0)
    content = np.zeros((len(words), content_dim), np.float32)
    content[:, :most] = left * values
    return content / np.maximum(np.linalg.norm(content, axis=1, keepdims=True), 1e-12)
