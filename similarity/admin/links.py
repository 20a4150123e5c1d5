"""Links to the host's own admin pages."""

from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html


def change_address(model: type[Model], key: Any, site: str | None = None) -> str:
    """The page on which an object is changed; "" where the host has no admin of its model.

    ``site`` is the name of the admin site, the default one without it.
    """
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    try:
        return reverse(name, args=[quote(key)], current_app=site)
    except NoReverseMatch:
        return ""


def change_link(model: type[Model], key: str, site: str) -> str:
    """The key, as a link to that page where there is one."""
    address = change_address(model, key, site)
    return format_html('<a href="{}">{}</a>', address, key) if address else key
