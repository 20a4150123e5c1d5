"""The settings of the plugin, changed for a test."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings


def with_settings(base: Mapping[str, Any] | None = None, /, **changes: Any) -> dict[str, Any]:
    """Return ``SIMILARITY`` with changes: the keys of a group are merged, all else is replaced."""
    result = dict(settings.SIMILARITY if base is None else base)
    for name, value in changes.items():
        merge = isinstance(value, dict) and name not in ("CATALOG", "ENCODERS")
        result[name] = {**result.get(name, {}), **value} if merge else value
    return result
