"""Check that the triggers that see changes of products match the settings."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import DatabaseError, connections

from similarity.capture import mode, triggers
from similarity.exceptions import SimilarityError


def check_capture(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check the installed triggers, if their database is among ``databases``."""
    alias = mode.alias()
    if alias not in (databases or ()) or connections[alias].vendor != "postgresql":
        return []
    try:
        states = triggers.states()
    except DatabaseError:
        return []  # other checks report the fault of the database
    except SimilarityError as error:
        return [_unknown(error)] if mode.in_use() else []
    if not mode.in_use():
        states = [each for each in states if each.state != "missing"]
        return [_left_over(len(states))] if states else []
    wrong = [each for each in states if each.state != "installed"]
    return [_wrong(wrong)] if wrong else []


def _wrong(wrong: Sequence[triggers.TriggerState]) -> CheckMessage:
    told = ", ".join(f"{each.name} on {each.table} is {each.state}" for each in wrong[:3])
    more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Warning(
        f"SIMILARITY['CAPTURE'] is 'triggers', and {told}{more}: changes of products are missed.",
        hint="Run: manage.py similarity triggers install.",
        id="similarity.W038",
    )


def _unknown(error: SimilarityError) -> CheckMessage:
    return Warning(
        f"SIMILARITY['CAPTURE'] is 'triggers', but the triggers it needs are unknown: {error}",
        hint="Correct that, then run: manage.py similarity triggers install.",
        id="similarity.W038",
    )


def _left_over(count: int) -> CheckMessage:
    return Warning(
        f"SIMILARITY['CAPTURE'] is 'signals', and {count} triggers are still installed: each "
        "change is written twice.",
        hint="Run: manage.py similarity triggers uninstall.",
        id="similarity.W039",
    )
