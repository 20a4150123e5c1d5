"""Read queries with judged products from a folder."""

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from similarity.catalog.content import ProductContent
from similarity.exceptions import ConfigurationError

#: Labels of ESCI (Reddy et al. 2022, arXiv 2206.06588): exact, substitute, complement, irrelevant.
LABELS = "ESCI"


@dataclass(frozen=True)
class JudgedQuery:
    """A query; ``labels``: position of a product in the data set → a letter of :data:`LABELS`."""

    text: str
    labels: Mapping[int, str]


@dataclass(frozen=True)
class SearchDataset:
    """N products and the queries that were judged over them."""

    name: str
    contents: Sequence[ProductContent]
    queries: Sequence[JudgedQuery]


def load_search_dataset(name: str, data_dir: Path, limit: int | None = None) -> SearchDataset:
    """Read ``products.jsonl.gz`` and ``judgments.csv`` of a folder; ``limit`` is a number of
    queries.

    A line of the first file has product_id, title, description, bullet_points, brand, color and
    category (a list from the root). A row of the second file has query, product_id and esci_label.
    Raises :class:`ConfigurationError` if the folder is not such a data set.
    """
    folder = data_dir / name if (data_dir / name).is_dir() else Path(name)
    products, judgments = folder / "products.jsonl.gz", folder / "judgments.csv"
    if not products.is_file() or not judgments.is_file():
        raise ConfigurationError(
            f"{str(folder)!r} has no products.jsonl.gz and judgments.csv; --data-dir names the "
            "folder that the data sets are in."
        )
    with gzip.open(products, "rt", encoding="utf-8") as lines:
        contents = [_content(json.loads(line)) for line in lines]
    at = {content.key: position for position, content in enumerate(contents)}
    labels: dict[str, dict[int, str]] = {}
    with judgments.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["esci_label"] not in LABELS:
                raise ConfigurationError(
                    f"{str(judgments)!r} has the label {row['esci_label']!r}; known are "
                    f"{', '.join(LABELS)}."
                )
            if row["product_id"] in at:
                labels.setdefault(row["query"], {})[at[row["product_id"]]] = row["esci_label"]
    queries = [JudgedQuery(text, judged) for text, judged in labels.items()]
    return SearchDataset(folder.name, contents, queries[:limit])


def _content(row: Mapping[str, Any]) -> ProductContent:
    attributes = {
        "brand": row.get("brand") or "",
        "category": " > ".join(row.get("category") or ()),
        "colour": row.get("color") or "",
    }
    texts = (row.get("description") or "", row.get("bullet_points") or "")
    return ProductContent(
        key=row["product_id"],
        title=row["title"],
        description="\n".join(text for text in texts if text),
        attributes={name: value for name, value in attributes.items() if value},
    )
