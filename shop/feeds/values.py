"""Yes or no, numbers in stock, dates and category paths, as files write them."""

import re
from datetime import UTC, datetime

from shop.feeds.product import RowRefused

YES = re.compile("1|true|yes|y|on|active|published|available|enabled|visible")
NO = re.compile(
    "0|false|no|n|off|inactive|unpublished|unavailable|disabled|hidden|draft|archived|unlisted"
)
# A preorder and a backorder can be placed now, so they count as in stock.
ORDERABLE = re.compile(
    "in_?stock|available|limited_availability|available_for_order|pre_?order|back_?order|yes|true|1"
)
NOT_ORDERABLE = re.compile("out_?of_?stock|oos|sold_?out|unavailable|discontinued|no|false|0")
MAX_STOCK = 2_147_483_647
DEPTH = 10


def parse_flag(text: str, column: str) -> bool | None:
    """Yes or no; None where the cell is empty. Raises :class:`RowRefused` for other words."""
    word = text.strip().casefold()
    if not word:
        return None
    if YES.fullmatch(word) or NO.fullmatch(word):
        return bool(YES.fullmatch(word))
    raise RowRefused(f"{column} {text!r} is neither yes nor no")


def parse_availability(text: str) -> bool | None:
    """Whether it can be ordered now (in stock, preorder, backorder); None where empty."""
    word = re.sub(r"[\s_-]+", "_", text.strip().casefold().rpartition("/")[2])
    if not word:
        return None
    if ORDERABLE.fullmatch(word) or NOT_ORDERABLE.fullmatch(word):
        return bool(ORDERABLE.fullmatch(word))
    raise RowRefused(
        f"availability {text!r} is not known; use in_stock, out_of_stock, preorder or backorder"
    )


def parse_stock(text: str) -> int | None:
    """The number in stock, zero for an oversold product; None where the cell is empty."""
    text = text.strip()
    if not text:
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,12}(?:\.0+)?", text):
        raise RowRefused(f"stock {text!r} is not a whole number")
    number = int(float(text))
    if number > MAX_STOCK:
        raise RowRefused(f"stock {text!r} is more than {MAX_STOCK}")
    return max(0, number)


def parse_path(text: str, separator: str = "") -> tuple[str, ...]:
    """Category names from the root: ``A > B > C`` or, without ``>``, ``A/B/C``.

    A bare number is an identifier of some taxonomy, not a name, and counts as empty.
    """
    if text.strip().isdecimal():
        return ()
    separator = separator or (">" if ">" in text else "/")
    return tuple(name for part in text.split(separator) if (name := part.strip()))[:DEPTH]


def runs_now(interval: str) -> bool:
    """Whether now lies in ``start/end`` (ISO 8601 times); an empty interval always runs."""
    if not interval.strip():
        return True
    start, _, end = interval.partition("/")
    now = datetime.now(UTC)
    return _time(start, interval) <= now <= _time(end, interval)


def _time(text: str, interval: str) -> datetime:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise RowRefused(f"sale dates {interval!r} are not 'start/end' in ISO 8601") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
