"""How far a build has come: kept in the version's row, where any process can read it.

``EncoderVersion.progress`` holds ``phase`` (``learn``, ``embed``, ``index fused``, ``compare``),
``done`` of ``total``, ``per_s``, times by the builder's clock, ``after`` (the key up to which
every product was embedded, where a build that was stopped goes on), ``trying`` (keys that are
being embedded), ``failed`` (how many), ``by`` (``command`` or ``worker``) and ``error``.
"""

import time
from datetime import datetime
from typing import Any

from django.utils import timezone

from similarity.catalog import times
from similarity.connections.locks import is_held
from similarity.models import EncoderVersion
from similarity.vectors import upsert
from similarity.vectors.indexes import Progress
from similarity.versions.fusions import every_version

#: The lock that whoever builds holds.
LOCK = "similarity.build"

#: Tasks that build, that go on with what was begun, and that compare with the live version.
TASK = "similarity.build_version"
GO_ON_TASK = "similarity.go_on_building"
COMPARE_TASK = "similarity.compare_version"

#: Seconds between two notes in the database.
NOTE_EVERY_S = 2.0

_PHASES = {"learn": "learning from", "embed": "embedding", "compare": "comparing"}


class BuildProgress:
    """Notes a build's progress in its version's row and passes it on to ``show``."""

    def __init__(self, version: EncoderVersion, show: Progress | None = None) -> None:
        self.version, self.show = version, show
        self._phase, self._began, self._first = "", 0.0, 0
        self._noted = float("-inf")

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._began, self._first = phase, now, done
            self._noted = float("-inf")
            self.version.progress["phase_at"] = timezone.now().isoformat()
        if now - self._noted >= NOTE_EVERY_S or done >= total:
            elapsed = now - self._began
            per_s = (done - self._first) / elapsed if elapsed > 0 else 0.0
            self._noted = now
            self.note(phase=phase, done=done, total=total, per_s=round(per_s, 2))
        if self.show:
            self.show(phase, done, total)

    def note(self, **values: Any) -> None:
        """Write ``values`` beside what is noted already."""
        self.version.progress |= {**values, "at": timezone.now().isoformat()}
        every_version().filter(pk=self.version.pk).update(progress=self.version.progress)


def is_building() -> bool:
    """Whether some process is building a version at this moment."""
    return is_held(LOCK, upsert.alias())


def seconds_left(progress: dict[str, Any]) -> float | None:
    """What the present phase needs at the speed it has; None where nothing tells."""
    if not progress.get("per_s") or "total" not in progress:
        return None
    since_s = (
        times.aware(timezone.now()) - times.aware(datetime.fromisoformat(progress["at"]))
    ).total_seconds()
    return max(0.0, (progress["total"] - progress["done"]) / progress["per_s"] - max(0.0, since_s))


def described(progress: dict[str, Any], *, running: bool) -> str:
    """``embedding 34,000 of 100,000, 12 min left``; empty before anything was noted."""
    if "phase" not in progress:
        return ""
    phase, done, total = progress["phase"], progress["done"], progress["total"]
    what = _PHASES.get(phase)
    if what is None:  # an index counts blocks, which tell nobody anything
        text = f"{phase.replace('index', 'indexing')}, {100 * done // max(total, 1)} %"
    else:
        text = f"{what} {done:,} of {total:,}"
    if not running:
        return f"stopped at {text}"
    left_s = seconds_left(progress)
    return text if left_s is None or done >= total else f"{text}, {_duration(left_s)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
