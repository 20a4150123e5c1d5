"""Who sees changes: Django's signals, or triggers in the database, where they are there."""

import logging
import time

from django.db import connections, router

from similarity import conf
from similarity.capture.statements import PREFIX
from similarity.models import PendingProduct

logger = logging.getLogger(__name__)

#: ``SIMILARITY["CAPTURE"]`` where triggers see changes, instead of Django's signals.
TRIGGERS = "triggers"

#: For so long the triggers are taken to be there without asking again.
TRUST_S = 60.0

_asked = (0.0, False)  # monotonic seconds until which the answer holds, and it; of this process


def in_use() -> bool:
    """Whether the settings have changes seen by triggers."""
    return bool(conf.get("CAPTURE") == TRIGGERS)


def at_work() -> bool:
    """Whether signals may stand back: triggers are in use, and there.

    Asked of the database every ``TRUST_S``. Where settings name triggers that nobody has
    installed yet, or somebody has disabled, receivers go on writing.
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
                "SIMILARITY['CAPTURE'] is 'triggers', and they are not installed: only Django's "
                "own saves are seen. Run 'manage.py similarity triggers install'."
            )
    return there


def forget() -> None:
    """Ask again at the next change: triggers were made or dropped."""
    global _asked
    _asked = (0.0, False)


def alias() -> str:
    """The database of outbox and products."""
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
