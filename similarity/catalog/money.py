"""Amounts and currencies of whatever a host keeps prices in."""

from decimal import Decimal, InvalidOperation
from typing import Any


def amount_of(value: Any) -> Decimal | None:
    """The amount as a number; of an object of money its ``amount``, of a taxed one the gross.

    None for what is no finite number.
    """
    for name in ("gross", "amount"):
        value = getattr(value, name, value)
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def currency_of(value: Any) -> str:
    """The code of an object of money's currency; empty for a plain number."""
    value = getattr(value, "gross", value)
    currency = getattr(value, "currency", "")
    return str(getattr(currency, "code", currency) or "")
