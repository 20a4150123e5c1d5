"""Shared code of receivers for the host's signals: they follow changes and never block them."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import Model

from similarity import conf

logger = logging.getLogger(__name__)


def receive(signal: Any, receiver: Callable[..., None], model: type[Model]) -> None:
    """Connect ``receiver``; repeated calls connect it only once."""
    signal.connect(
        receiver,
        sender=model,
        dispatch_uid=f"similarity.{receiver.__name__}.{model._meta.label}",
    )


def are_off() -> bool:
    """Return True if the host follows no changes at all, as in its own tests."""
    return conf.get("CAPTURE") is None


def guarded(
    alias: str,
    write: Callable[[], Any],
    instance: Model,
    remedy: str,
    if_locked: Callable[[], Any] | None = None,
) -> None:
    """Run ``write`` so that its failure neither reaches nor rolls back the host's save.

    Inside a transaction this takes a savepoint. Outside a transaction each statement is
    committed by itself, as the save was; a transaction around them would only add two round
    trips. ``remedy`` is the part of the log message that explains how to repair the loss.
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
            # The text of a database error is complete, for example that 'migrate' was not run yet.
            exc_info=None if isinstance(error, DatabaseError) else error,
        )
