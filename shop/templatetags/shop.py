"""Template filters for money, attributes and descriptions."""

from decimal import Decimal

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

from shop import product_page

register = template.Library()
register.filter("attribute_rows", product_page.attribute_rows)
register.filter("prose", product_page.prose)

SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "INR": "₹", "JPY": "¥"}
WITHOUT_CENTS = {"JPY", "KRW"}


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Write 1234.5 in EUR as "€1,234.50"; other currencies by their code, "CHF 1,234.50"."""
    places = 0 if currency in WITHOUT_CENTS else 2
    written = intcomma(f"{amount:.{places}f}", use_l10n=False)
    return SYMBOLS[currency] + written if currency in SYMBOLS else f"{currency} {written}"
