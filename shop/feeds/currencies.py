"""Currencies: their codes and decimals by ISO 4217, and their usual symbols."""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


CODES = _codes(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS "
    "KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF "
    "SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD "
    "TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)
#: Currencies without hundredths.
DECIMALS = {
    **dict.fromkeys(_codes("BHD IQD JOD KWD LYD OMR TND"), 3),
    **dict.fromkeys(
        _codes("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"), 0
    ),
    # These have hundredths by the standard, but prices are written without them.
    **dict.fromkeys(_codes("COP HUF IDR IRR KHR LAK LBP MMK MNT TZS UZS"), 0),
}
#: Symbol → its currencies, the default first; no default if it is ambiguous.
#: Longer symbols come before the shorter symbols that they contain.
SYMBOLS: dict[str, tuple[str, ...]] = {
    "US$": ("USD",), "CA$": ("CAD",), "AU$": ("AUD",), "HK$": ("HKD",), "NT$": ("TWD",),
    "NZ$": ("NZD",), "MX$": ("MXN",), "R$": ("BRL",), "S$": ("SGD",), "C$": ("CAD",),
    "A$": ("AUD",), "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP",
                          "COP", "UYU"),
    "€": ("EUR",), "euros": ("EUR",), "euro": ("EUR",), "£": ("GBP", "EGP", "LBP", "GIP"),
    "¥": ("JPY", "CNY"), "円": ("JPY",), "元": ("CNY", "TWD"), "원": ("KRW",), "₩": ("KRW",),
    "₹": ("INR",), "Rs.": ("INR", "PKR", "LKR", "NPR", "MUR"), "Rs": ("INR", "PKR", "LKR", "NPR",
                                                                      "MUR"),
    "Rp.": ("IDR",), "Rp": ("IDR",), "₽": ("RUB",), "руб.": ("RUB", "BYN"), "руб": ("RUB", "BYN"),
    "р.": ("RUB", "BYN"), "₴": ("UAH",), "грн.": ("UAH",), "грн": ("UAH",), "₸": ("KZT",),
    "₾": ("GEL",), "֏": ("AMD",), "лв.": ("BGN",), "лв": ("BGN",), "ден": ("MKD",),
    "дин": ("RSD",), "zł": ("PLN",), "Kč": ("CZK",), "Ft": ("HUF",), "lei": ("RON", "MDL"),
    "SFr.": ("CHF",), "SFr": ("CHF",), "Fr.": ("CHF",), "Fr": ("CHF",), "₺": ("TRY",),
    "TL": ("TRY",), "kr.": ("", "SEK", "NOK", "DKK", "ISK"), "kr": ("", "SEK", "NOK", "DKK",
                                                                    "ISK"),
    ":-": ("", "SEK", "NOK"), "₱": ("PHP",), "฿": ("THB",), "บาท": ("THB",), "₫": ("VND",),
    "đ": ("VND",), "RM": ("MYR",), "₦": ("NGN",), "₪": ("ILS",), "د.إ": ("AED",),
    "Dhs": ("AED", "MAD"), "Dh": ("AED", "MAD"), "ر.س": ("SAR",), "د.ك": ("KWD",),
    "د.ب": ("BHD",), "S/.": ("PEN",), "S/": ("PEN",), "₡": ("CRC",), "₲": ("PYG",),
    "KSh": ("KES",), "R": ("ZAR",),
    "\\": ("JPY",),  # the yen sign of Shift-JIS
}  # fmt: skip


def of_symbol(symbol: str, expected: str) -> str:
    """Return the currency of ``symbol``: ``expected`` if it has this symbol."""
    of = SYMBOLS[symbol]
    return expected if expected in of else of[0]
