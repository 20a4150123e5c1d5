"""Texts of products as cells of a CSV file, which a spreadsheet opens."""

import unicodedata


def inert_cell(text: str) -> str:
    """Return ``text`` in a form that a spreadsheet shows without running a formula.

    A formula begins with =, +, - or @, in any width and also after blanks, line ends and invisible
    characters. A spreadsheet shows a cell that begins with an apostrophe as text.
    """
    seen = unicodedata.normalize("NFKC", text).lstrip()
    while seen and unicodedata.category(seen[0]) in ("Cc", "Cf", "Zs", "Zl", "Zp"):
        seen = seen[1:].lstrip()
    is_formula = seen[:1] in ("=", "+", "-", "@", "\u2212", "|", "%") and seen != ""
    return f"'{text}" if is_formula or text[:1] in ("\t", "\r", "\n") else text
