"""Read packs of sequences: a line is a shopper and their items in the order of time."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from similarity.exceptions import ConfigurationError
from similarity.shoppers.interactions import Interactions
from similarity.types import FloatArray

#: Pack → its file of sequences, and that of the items' attributes.
FILES = {
    "beauty": ("beauty/Beauty.txt", "beauty/Beauty_item2attributes.json"),
    "lastfm": ("lastfm/LastFM.txt", "lastfm/LastFM_item2attributes.json"),
}
#: Numbers of a content vector, made of attributes here; in a shop the fused vector stands there.
CONTENT_DIM = 128


def load_sequences(name: str, data_dir: Path, *, content: bool = True) -> Interactions:
    """Return a pack's events, a second apart, because the packs have an order but no times.

    Raises :class:`ConfigurationError` if the pack is not there.
    """
    sequences, attributes = (data_dir / file for file in FILES[name])
    if not sequences.is_file():
        raise ConfigurationError(f"{sequences} does not exist; --data-dir names its folder.")
    lines = sequences.read_text().splitlines()
    walks = [np.array(line.split()[1:], dtype=np.int32) - 1 for line in lines]
    lengths = [len(walk) for walk in walks]
    items = np.concatenate(walks)
    count = int(items.max()) + 1
    return Interactions(
        shoppers=np.repeat(np.arange(len(walks)), lengths).astype(np.int32),
        items=items,
        kinds=np.ones(len(items), dtype=np.int8),
        times=np.concatenate([np.arange(length) for length in lengths]),
        content=_content(json.loads(attributes.read_text()), count)
        if content
        else np.zeros((count, 0), np.float32),
        names=[str(number + 1) for number in range(count)],
    )


def _content(attributes: dict[str, Any], count: int) -> FloatArray:
    """Return (I, C) unit rows: attributes by TF-IDF, reduced; zeros for an item without any."""
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    pairs = [(int(item) - 1, int(value)) for item, values in attributes.items() for value in values]
    rows, columns = np.array(pairs).T
    shape = (count, int(columns.max()) + 1)
    found = csr_matrix((np.ones(len(pairs), np.float32), (rows, columns)), shape)
    seen = np.asarray((found > 0).sum(axis=0)).ravel()
    weighted = found.multiply(np.log(count / (1 + seen))).tocsr()
    reduced = TruncatedSVD(CONTENT_DIM, random_state=0).fit_transform(weighted)
    lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
    unit: FloatArray = np.divide(reduced, lengths, out=np.zeros_like(reduced), where=lengths > 1e-9)
    return unit.astype(np.float32)
