"""Public doors of packages, which import what they offer when it is asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_door(
    package: str, offered: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package; ``offered``: name → its module.

    Django imports the package before models may be imported, and a web process must not import
    torch; so nothing is imported before it is asked for.
    """

    def get(name: str) -> Any:
        if name not in offered:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(offered[name]), name)

    return get, lambda: sorted(offered)
