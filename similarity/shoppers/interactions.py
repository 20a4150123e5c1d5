"""What shoppers did, as arrays: the one input of every model and of its evaluation."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.types import FloatArray


@dataclass(frozen=True)
class Interactions:
    """E events of S shoppers with I items, ordered by shopper and then by time.

    ``shoppers`` (E,) int32: 0 to S - 1, ascending. ``items`` (E,) int32: 0 to I - 1.
    ``kinds`` (E,) int8: a :class:`similarity.events.models.Kind`. ``times`` (E,) int64: seconds
    since 1970, ascending within a shopper. ``content`` (I, C) float32: the fused vector of each
    item as a unit row, or a row of zeros where it is unknown. ``names`` (I,): the group of each
    item, see :func:`similarity.models.vectors.group_name`; variants of a product are one item.
    """

    shoppers: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    times: npt.NDArray[np.int64]
    content: FloatArray
    names: list[str] = field(default_factory=list)

    @property
    def shopper_count(self) -> int:
        return int(self.shoppers[-1]) + 1 if len(self.shoppers) else 0

    @property
    def item_count(self) -> int:
        return len(self.content)

    def starts(self) -> npt.NDArray[np.int64]:
        """Return (S + 1,) the position of each shopper's first event, and E at the end."""
        counts = np.bincount(self.shoppers, minlength=self.shopper_count)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def window(self) -> dict[str, Any]:
        """Return the number of events, shoppers and items, for the record of a training run."""
        return {
            "events": len(self.items),
            "shoppers": self.shopper_count,
            "items": self.item_count,
        }


@dataclass(frozen=True)
class Data:
    """What a run learns from. ``content_version``: the encoder version of the items' content."""

    interactions: Interactions
    content_version: int
