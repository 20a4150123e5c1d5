"""Where a page ended, as a token: by position, not by offset."""

import base64
import binascii
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from similarity.exceptions import QueryError
from similarity.similar.found import Found
from similarity.similar.within import key_of


class Cursor(NamedTuple):
    """The last hit shown: its tier's step, score and key, and how many were shown so far."""

    step: int
    score: float
    key: Any
    seen: int

    @property
    def token(self) -> str:
        text = json.dumps([self.step, self.score, str(self.key), self.seen])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> "Cursor":
        """Raises :class:`QueryError` for anything that is no token of ours."""
        try:
            padded = token.encode("ascii") + b"=" * (-len(token) % 4)
            step, score, key, seen = json.loads(base64.b64decode(padded, b"-_", validate=True))
            cursor = cls(_count(step), float(score), key_of(key), _count(seen))
            if not math.isfinite(cursor.score):
                raise ValueError(cursor.score)
        except (
            AttributeError,
            TypeError,
            ValueError,
            OverflowError,
            binascii.Error,
            QueryError,
        ) as error:
            raise QueryError(
                f"after is {token!r:.100}; pass the cursor of the page before, as it was given."
            ) from error
        return cursor

    def following(self, found: Sequence[Found]) -> list[Found]:
        """Those of ``found`` that come after this position, whatever came or went before it."""
        here = [one for one in found if one.step == self.step]
        return self._following_in_step(here) + [one for one in found if one.step > self.step]

    def _following_in_step(self, found: list[Found]) -> list[Found]:
        if any(one.score for one in found):
            return [one for one in found if (-one.score, one.key) > (-self.score, self.key)]
        # Without scores the order is the host's: after the same product, or where it is gone
        # from the shop after as many as were shown.
        keys = [one.key for one in found]
        return found[keys.index(self.key) + 1 if self.key in keys else self.seen :]


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(value)
    return value
