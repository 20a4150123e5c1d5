"""Yes or no, numbers in stock, dates, codes and category paths in the notations of files."""

import re
import unicodedata
from datetime import datetime, time
from enum import Enum

from django.utils import timezone

from shop.feeds.product import CellUnread

YES = re.compile("1|true|yes|y|on|active|published?|available|enabled|visible|ja|oui|si|sí|x")
NO = re.compile(
    "0|-1|false|no|n|off|inactive|unpublished|unavailable|disabled|hidden|draft|archived|unlisted|"
    "private|trash|nein|non"
)
NONE = re.compile(
    r"[-–—.?]*|#?n/?a\.?|n\.a\.?|#n/?v|none|null|nil|nan|undefined|not (?:available|applicable)|"
    r"does not apply",
    re.IGNORECASE,
)
NO_BRAND = re.compile(
    r"no[ -]?(?:brand|name)|unbranded|without brand|unknown|ohne(?: marke)?|keine(?: marke)?|"
    r"sans marque|sin marca|senza marca|bez značky|brak|нет(?: бренда)?|без бренда|other",
    re.IGNORECASE,
)
MAX_STOCK = 2_147_483_647
DEPTH = 10
SPOILT = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{1,3}", re.IGNORECASE)
_TEXT_FORMULA = re.compile(r'="?([^"]*)"?')


class Availability(Enum):
    """The availability of a product in a file."""

    IN_STOCK = "in stock"
    AHEAD = "ahead"  # a preorder or backorder can be placed at any quantity
    OUT = "out"


_WORDS = {
    Availability.IN_STOCK: "in_?stock|instore_?only|online_?only|available(?:_for_order)?|"
    "limited_?availability|low_?stock|few_left|yes|true|1|auf_lager|ab_lager|lieferbar|"
    "sofort_lieferbar|verfügbar|vorrätig|en_stock|disponible|disponibile|in_magazzino|"
    "op_voorraad|leverbaar|på_lager|i_lager|na_stanie|dostępny|dostępne|w_magazynie|skladem|"
    "na_sklade|raktáron|em_estoque|disponível|в_наличии|есть|stokta|var|在庫あり|有货|有現貨|재고있음",
    Availability.AHEAD: "pre_?order|pre_?sale|back_?order(?:ed)?|on_?backorder|made_?to_?order|"
    "notify|vorbestellbar|vorbestellung|auf_bestellung|sur_commande|précommande|op_bestelling|"
    "под_заказ|предзаказ|na_zamówienie|na_objednávku",
    Availability.OUT: "out_?of_?stock|oos|sold_?out|unavailable|not_available|discontinued|no|"
    "false|0|reserved|ausverkauft|nicht_(?:auf_lager|lieferbar|verfügbar|vorrätig)|vergriffen|"
    "agotado|sin_stock|esgotado|esaurito|non_disponibile|rupture(?:_de_stock)?|épuisé|"
    "indisponible|uitverkocht|niet_(?:op_voorraad|leverbaar)|slutsåld|udsolgt|utsolgt|"
    "brak|niedostępny|vyprodáno|nincs_raktáron|нет(?:_в_наличии)?|stokta_yok|yok|在庫なし|"
    "売り切れ|缺货|無貨|품절",
}
WORDS = {kind: re.compile(words) for kind, words in _WORDS.items()}
_UNLIMITED = re.compile("unlimited|infinite|∞|unbegrenzt|illimité|always")
_PIECES = (
    r"(?:pcs?\.?|pieces?|units?|items?|stk\.?|stück|st\.?|pièces?|pz\.?|pezzi|uds?\.?|unidades|"
    r"szt\.?|ks|шт\.?|個|件|개|available|in stock|left|on hand|lieferbar|auf lager)"
)
_QUANTITY = re.compile(
    rf"(?:>=?|≥|ca\.?|about|over|more than|mehr als|über)?\s*"
    rf"([+-−]?[0-9][0-9.,' ]*?)\s*\+?\s*{_PIECES}?"
)
_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*")


def parse_flag(text: str, column: str) -> bool | None:
    """Read yes or no; None if the cell is empty. Raise :class:`CellUnread` for other words."""
    word = text.strip().casefold()
    if not word:
        return None
    if YES.fullmatch(word) or NO.fullmatch(word):
        return bool(YES.fullmatch(word))
    raise CellUnread(f"{column} {text!r} is neither yes nor no")


def parse_availability(text: str) -> Availability | None:
    """Read an availability; None if empty. Raise :class:`CellUnread` for unknown words."""
    word = re.split("[/:]", text.strip().casefold().rstrip("/.!"))[-1]
    word = re.sub(r"[\s_-]+", "_", word)
    if not word:
        return None
    for kind, words in WORDS.items():
        if words.fullmatch(word):
            return kind
    raise CellUnread(
        f"availability {text!r} is not known; use in_stock, out_of_stock, preorder or backorder"
    )


def parse_stock(text: str) -> int | Availability | None:
    """Read the number in stock, zero for an oversold product; None if the cell is empty.

    A word such as ``sold out`` in its place gives an :class:`Availability`. Pieces have no
    three decimals, so ``1.000`` is 1000. Raise :class:`CellUnread` if it is not a number of
    pieces (``100 ML``).
    """
    word = unicodedata.normalize("NFKC", text).strip().casefold()
    if not word:
        return None
    if _UNLIMITED.fullmatch(word):
        return Availability.IN_STOCK
    found = _QUANTITY.fullmatch(word)
    if found is None:
        try:
            return parse_availability(word)
        except CellUnread:
            raise CellUnread(f"stock {text!r} is not a number of pieces") from None
    number = found[1].strip().replace("−", "-")
    if _GROUPS.fullmatch(number):
        number = re.sub(r"[.,' ]", "", number)
    if not re.fullmatch(r"[+-]?[0-9]{1,12}(?:[.,][0-9]*)?", number):
        raise CellUnread(f"stock {text!r} is not a number of pieces")
    whole = int(float(number.replace(",", ".")))
    if whole > MAX_STOCK:
        raise CellUnread(f"stock {text!r} is more than {MAX_STOCK}")
    return max(0, whole)


def parse_path(text: str, separator: str = "") -> tuple[str, ...]:
    """Return category names from the root: ``A > B > C`` or, without ``>``, ``A/B/C``.

    A bare number is a taxonomy's identifier, not a name, and counts as empty.
    """
    if text.strip().isdecimal():
        return ()
    separator = separator or (">" if ">" in text else "/")
    names = (part.strip() for part in text.split(separator))
    return tuple(name for name in names if not is_none(name))[:DEPTH]


def is_none(text: str) -> bool:
    """Return True if ``text`` means an empty value: ``N/A``, ``-``, ``none``."""
    return bool(NONE.fullmatch(text.strip()))


def identity(text: str) -> str:
    """Return a SKU or other code in its normal form.

    Remove the mark that keeps it text in a spreadsheet (``'0101``, ``="0101"``), use a single
    Unicode form and single spaces, and drop invisible characters.
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    text = " ".join(text.split(" ")).replace("\u00a0", " ").strip()
    formula = _TEXT_FORMULA.fullmatch(text)
    if formula and text.startswith('="'):
        text = formula[1]
    if len(text) > 1 and text[0] in "'’" and not text.endswith(text[0]):
        text = text[1:]
    return re.sub(" +", " ", text).strip()


def is_spoilt(code: str) -> bool:
    """Return True if a spreadsheet has rounded a long number: ``1.23E+12``."""
    return bool(SPOILT.fullmatch(code))


def runs_now(start: str, end: str) -> bool:
    """Return True if now is between two times; an empty time is no limit.

    A date without a time is the whole day, including the last, in the shop's time zone. Raise
    :class:`CellUnread` if a time cannot be read.
    """
    now = timezone.now()
    return (not start.strip() or _time(start, time.min) <= now) and (
        not end.strip() or now <= _time(end, time.max)
    )


def parse_interval(text: str) -> tuple[str, str]:
    """Return start and end of ``start/end``. Raise :class:`CellUnread` if there are not two."""
    if not text.strip():
        return "", ""
    parts = re.split(r"\s+[-–—/]\s+|\s+to\s+", text.strip())
    if len(parts) != 2:
        parts = text.split("/")
    if len(parts) != 2:
        raise CellUnread(f"sale dates {text!r} are not 'start/end' in ISO 8601")
    return parts[0].strip(), parts[1].strip()


def _time(text: str, of_day: time) -> datetime:
    moment = _moment(text.strip(), of_day)
    if moment.tzinfo:
        return moment
    return timezone.make_aware(moment, timezone.get_default_timezone())


def _moment(text: str, of_day: time) -> datetime:
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(.*)", text)
    if german:
        text = f"{german[3]}-{int(german[2]):02}-{int(german[1]):02}{german[4]}"
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError as error:
        raise CellUnread(f"sale date {text!r} is not a date in ISO 8601") from error
    is_date = len(text) <= len("2026-11-30")
    return datetime.combine(moment.date(), of_day) if is_date else moment
