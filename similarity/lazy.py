"""Public doors of packages: each name is imported on first use."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_door(
    package: str, offered: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package; ``offered``: name → its module.

    Names are imported on first use, because Django imports the package before models may be
    imported, and because a web process must not import torch.
    """

    def get(name: str) -> Any:
        if name not in offered:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(offered[name]), name)

    return get, lambda: sorted(offered)
