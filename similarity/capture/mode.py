"""The source of changes: Django's signals, or triggers in the database if they are installed."""

import logging
import time

from django.db import connections, router

from similarity import conf
from similarity.capture.statements import PREFIX
from similarity.models import PendingProduct

logger = logging.getLogger(__name__)

#: The value of ``SIMILARITY["CAPTURE"]`` for triggers instead of Django's signals.
TRIGGERS = "triggers"

#: Seconds for which an answer about the triggers holds before the next check.
TRUST_S = 60.0

_asked = (0.0, False)  # of this process: (monotonic seconds until which the answer holds, answer)


def in_use() -> bool:
    """Return True if the settings choose triggers."""
    return bool(conf.get("CAPTURE") == TRIGGERS)


def at_work() -> bool:
    """Return True if signals may stand back: triggers are in use and installed.

    Checks the database every ``TRUST_S``. If the settings choose triggers that are not installed
    yet, or are disabled, receivers continue to write.
    """
    global _asked
    if not in_use():
        return False
    until, there = _asked
    if time.monotonic() >= until:
        there = _updates_are_seen()
        _asked = (time.monotonic() + TRUST_S, there)
        if not there:
            logger.error(
                "SIMILARITY['CAPTURE'] is 'triggers', but they are not installed: only Django's "
                "own saves are seen. Run 'manage.py similarity triggers install'."
            )
    return there


def forget() -> None:
    """Check again at the next change, because triggers were made or dropped."""
    global _asked
    _asked = (0.0, False)


def alias() -> str:
    """Return the database of outbox and products."""
    return router.db_for_write(PendingProduct)


def _updates_are_seen() -> bool:
    quoted = connections[alias()].ops.quote_name(conf.product_model()._meta.db_table)
    with connections[alias()].cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(%s) "
            "AND tgname = %s AND tgenabled <> 'D')",
            [quoted, f"{PREFIX}_update"],
        )
        return bool(cursor.fetchone()[0])
