"""Links to the host's own admin pages."""

from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html


def change_address(model: type[Model], key: Any, site: str | None = None) -> str:
    """Return the address of an object's change page, or "" if its model has no admin.

    ``site`` is the name of the admin site; the default is the default site.
    """
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    try:
        return reverse(name, args=[quote(key)], current_app=site)
    except NoReverseMatch:
        return ""


def change_link(model: type[Model], key: str, site: str) -> str:
    """Return the key, as a link to its change page if there is such a page."""
    address = change_address(model, key, site)
    return format_html('<a href="{}">{}</a>', address, key) if address else key
