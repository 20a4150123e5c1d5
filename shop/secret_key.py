"""Django's secret key: from the environment, or in development from this machine."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from shop.servers import RUN_DIR


def secret_key(debug: bool) -> str:
    """Return the environment's key; in DEBUG a key generated once and stored under ``RUN_DIR``.

    Raise ``ImproperlyConfigured`` if neither is available.
    """
    if given := os.environ.get("DJANGO_SECRET_KEY"):
        return given
    if not debug:
        raise ImproperlyConfigured("Set DJANGO_SECRET_KEY; outside DEBUG there is no default.")
    path = RUN_DIR / "secret_key"
    if not path.exists():
        RUN_DIR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key())
    return path.read_text()
