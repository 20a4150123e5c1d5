"""System checks: every way to misconfigure the plugin has an id and a remedy.

``python manage.py check`` runs those that need no connection; ``check --database default``
(and ``migrate``) also those of ``database.py`` and
``capture.py``. The ids are listed in docs/settings.md.
"""

from django.core import checks

from similarity.checks.capture import check_capture
from similarity.checks.catalog import check_catalog
from similarity.checks.database import check_aliases, check_database
from similarity.checks.doors import check_cache_values, check_doors
from similarity.checks.encoders import check_encoders
from similarity.checks.orders import check_orders
from similarity.checks.settings import check_settings


def register_all() -> None:
    """Register the checks; registering twice is the same as once."""
    every = (
        *(check_settings, check_catalog, check_orders),
        *(check_encoders, check_aliases, check_doors),
    )
    for check in every:
        checks.register(check, "similarity")
    checks.register(check_cache_values, "similarity", deploy=True)
    checks.register(check_database, checks.Tags.database)
    checks.register(check_capture, checks.Tags.database)
