"""Candidates that made it into the answer, and what they rule out for those that follow."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Found(NamedTuple):
    """A hit before its product is loaded. ``step`` counts the tiers in the order asked."""

    key: Any
    group: str
    score: float
    tier: str
    step: int


@dataclass
class Taken:
    """Keys and variants' groups no later hit may have."""

    keys: set[Any] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    def add(self, found: Iterable[Found]) -> None:
        for one in found:
            self.keys.add(one.key)
            self.groups.add(one.group)
