"""Amounts and currencies of a host's price objects."""

from decimal import Decimal, InvalidOperation
from typing import Any


def amount_of(value: Any) -> Decimal | None:
    """Return the amount as a number: a money object's ``amount``, a taxed price's gross.

    None if the value is not a finite number.
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
    """Return the currency code of a money object; empty for a plain number."""
    value = getattr(value, "gross", value)
    currency = getattr(value, "currency", "")
    return str(getattr(currency, "code", currency) or "")
