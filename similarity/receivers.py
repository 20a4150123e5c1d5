"""What receivers of the host's signals share: they follow, and never stand in its way."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import Model

from similarity import conf

logger = logging.getLogger(__name__)


def receive(signal: Any, receiver: Callable[..., None], model: type[Model]) -> None:
    """Connect ``receiver``, once however often this is called."""
    signal.connect(
        receiver,
        sender=model,
        dispatch_uid=f"similarity.{receiver.__name__}.{model._meta.label}",
    )


def are_off() -> bool:
    """Whether the host follows no changes at all, as in its own tests."""
    return conf.get("CAPTURE") is None


def guarded(
    alias: str,
    write: Callable[[], Any],
    instance: Model,
    remedy: str,
    if_locked: Callable[[], Any] | None = None,
) -> None:
    """Run ``write`` so that its failure neither reaches nor rolls back the host's save.

    In a transaction that takes a savepoint. Outside one each statement is committed by itself,
    as the save was, and a transaction around them would only add two round trips. ``remedy``
    tells whoever reads the log how the change is made good.
    """
    try:
        alone = transaction.get_autocommit(using=alias)
        with nullcontext() if alone else transaction.atomic(using=alias):
            write()
    except Exception as error:
        if if_locked and isinstance(error, OperationalError):
            logger.info("%s %s: tried again: %s", instance._meta.label, instance.pk, error)
            if_locked()
            return
        logger.error(
            "A change of %s %s did not reach the outbox; %s: %s",
            *(instance._meta.label, instance.pk, remedy, str(error).strip()),
            # A database error says all itself, for example that 'migrate' was not run yet.
            exc_info=None if isinstance(error, DatabaseError) else error,
        )
