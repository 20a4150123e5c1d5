"""Queries whose results people have judged: the best data to train a ranker."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from similarity.exceptions import RankerError

#: Labels of ESCI: exact, substitute, complement, irrelevant.
LABEL_GAINS = {"E": 3.0, "S": 2.0, "C": 1.0, "I": 0.0}

#: A larger gain would let a single result outweigh a whole list.
MOST_GAIN = 10.0

_PRODUCT_COLUMNS = ("product", "product_id", "key")
_GAIN_COLUMNS = ("gain", "esci_label", "label")


@dataclass(frozen=True)
class Judged:
    """``utilities``: a product's name in the file → how useful it is to the shopper, 0 or more."""

    query: str
    utilities: dict[str, float] = field(default_factory=dict)


def read_judgements(path: Path) -> list[Judged]:
    """Read judged queries from a CSV with the columns query, product and gain, in file order.

    ``product_id`` and ``key`` are accepted for product, ``esci_label`` and ``label`` for gain. The
    utility of a gain g is 2^g - 1, as in NDCG. Raises :class:`RankerError` that names file, line
    and remedy.
    """
    found: dict[str, Judged] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        product = _column(path, reader.fieldnames, _PRODUCT_COLUMNS)
        gain = _column(path, reader.fieldnames, _GAIN_COLUMNS)
        _column(path, reader.fieldnames, ("query",))
        for row in reader:
            query = (row["query"] or "").strip()
            judged = found.setdefault(query, Judged(query))
            number = _gain(path, reader.line_num, row, gain)
            judged.utilities[(row[product] or "").strip()] = 2.0**number - 1
    return list(found.values())


def _column(path: Path, names: object, choices: tuple[str, ...]) -> str:
    known = list(names) if isinstance(names, list | tuple) else []
    for choice in choices:
        if choice in known:
            return choice
    raise RankerError(
        f"{path} has the columns {', '.join(known) or 'none'}; it needs query, product and gain."
    )


def _gain(path: Path, line: int, row: Mapping[str, str], column: str) -> float:
    text = (row[column] or "").strip()
    if text in LABEL_GAINS:
        return LABEL_GAINS[text]
    try:
        number = float(text)
        if not 0 <= number <= MOST_GAIN:
            raise ValueError(text)
    except ValueError:
        raise RankerError(
            f"{path}, line {line}: the gain is {text!r}; give a number from 0 (no use) to "
            f"{MOST_GAIN:.0f}, for example 3 for the best, or E, S, C or I."
        ) from None
    return number
