"""Check that this process has a Celery app, which wakes workers."""

from typing import Any

from celery import _state
from django.core.checks import CheckMessage, Warning


def check_celery(**kwargs: Any) -> list[CheckMessage]:
    """Warn if no app is imported: Celery's default app sends messages to a broker on localhost."""
    app = _state._tls.current_app or _state.default_app
    if app is not None and app.main != "default":
        return [_eager()] if app.conf.task_always_eager else []
    return [
        Warning(
            "This process imports no Celery app: saves and searches look for a broker at "
            "amqp://guest@localhost and reach no worker.",
            hint="Import the app where Django starts, in the __init__.py of the settings' package: "
            "'from .celery import app'. A project without packages imports it in manage.py, and "
            "wsgi.py.",
            id="similarity.W046",
        )
    ]


def _eager() -> CheckMessage:
    return Warning(
        "Celery runs tasks eagerly (task_always_eager): a save would wait for the encoders, so "
        "saves wake no worker.",
        hint="Embed by 'manage.py similarity embed --now', or start a worker, which polls the "
        "outbox; in tests set SIMILARITY['CAPTURE'] = None.",
        id="similarity.W074",
    )
